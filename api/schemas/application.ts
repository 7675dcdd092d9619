/** What a team may declare. Kept as declared: defaults are made in domain/application.ts when a release is planned. */
import { z } from '@hono/zod-openapi';
import { builtinMetrics } from '../../domain/analysis.js';
import {
  environmentTypes,
  failurePolicies,
  queuePolicies,
  strategies,
  type Application,
  type Environment,
  type Origin,
  type ReleaseInput,
  type TrafficSettings,
  type WorkloadSettings,
} from '../../domain/application.js';
import { ingressControllers, routerNames } from '../../domain/traffic.js';
import {
  checkAnalysis,
  checkApplication,
  checkApproval,
  checkEnvironments,
  checkMetric,
  checkSteps,
} from './application-rules.js';
import { batchesSchema, checkBatchStrategy } from './batches.js';
import { checkCalls } from './call-rules.js';
import { consumersSchema as consumers } from './consumers.js';
import { checkTags } from './enter-rules.js';
import { checkPlaces } from './place-rules.js';
import { checkRouters } from './router-rules.js';
import { enterSchema } from './enter.js';
import { tagHeader } from './headers.js';
import { checkIngresses } from './ingress-rules.js';
import {
  dnsLabel,
  duration,
  headerName,
  hostName,
  httpUrl,
  labels,
  laneName,
  objectName,
  positiveDuration,
  someText,
  tagValue,
  text,
  whole,
} from './common.js';

/** Rules are checked although a neighbouring field is wrong, so that every wrong field is named at once. */
const always = { when: () => true };
const query = someText(4_000);

const metric = z
  .strictObject({
    name: dnsLabel.describe('What people call it.'),
    builtin: z.enum(builtinMetrics).exactOptional().describe('A query that is known for every router.'),
    counts: z
      .strictObject({ total: query, errors: query })
      .exactOptional()
      .describe('PromQL for the requests, and for those that failed; their ratio is compared, in percent.'),
    value: query.exactOptional().describe('PromQL that answers one number.'),
    min: z.number().exactOptional().describe('Lowest value that passes.'),
    max: z
      .number()
      .exactOptional()
      .describe('Highest value that passes: percent for error-rate and counts, ms for latency-p99.'),
    hardMax: z.number().exactOptional().describe('Above this one check is enough to fail.'),
    minRequests: whole(0)
      .exactOptional()
      .describe('Fewer gray requests in the window: inconclusive. Default 10.'),
  })
  .superRefine(checkMetric, always);

const analysis = z
  .strictObject({
    prometheus: httpUrl
      .exactOptional()
      .describe("Base address. Default: the worker's SLUICE_PROMETHEUS_URL."),
    metrics: z.array(metric).min(1, 'at least one metric').max(50, 'at most 50 metrics').exactOptional(),
    interval: positiveDuration.exactOptional().describe('Between two checks. Default 10s.'),
    window: positiveDuration.exactOptional().describe('Look-back of each query. Default 1m.'),
    failureLimit: whole(0).exactOptional().describe('Failed checks that are forgiven. Default 0.'),
    consecutiveErrorLimit: whole(0)
      .exactOptional()
      .describe('Checks in a row without an answer that are forgiven. Default 4.'),
    onInconclusive: z
      .enum(['rollback', 'pass'])
      .exactOptional()
      .describe('When nobody decides until the deadline. Default rollback.'),
    inconclusiveDeadline: positiveDuration.exactOptional().describe('Default 30m.'),
  })
  .superRefine(checkAnalysis, always);

const approval = z
  .strictObject({
    required: z.boolean().exactOptional().describe('false: fully automatic. Default true.'),
    quorum: whole(1, 100).exactOptional().describe('How many people must approve. Default 1.'),
    approvers: z
      .array(someText(200))
      .max(200, 'at most 200 names')
      .exactOptional()
      .describe('Whose decision counts; empty: everybody with the role approver.'),
    separationOfDuties: z
      .boolean()
      .exactOptional()
      .describe('Who started the release may not approve it. Default false.'),
    deadline: positiveDuration.exactOptional().describe('Default 24h.'),
    onDeadline: z.enum(['rollback', 'approve']).exactOptional().describe('Default rollback.'),
  })
  .superRefine(checkApproval, always);

const steps = z
  .array(
    z.strictObject({
      weight: whole(0, 100).describe('Percent of untagged requests on gray.'),
      hold: duration.exactOptional().describe('How long this weight is held and judged. Default 1m.'),
    }),
  )
  .min(1, 'at least one step')
  .max(50, 'at most 50 steps')
  .superRefine(checkSteps, always);

export const releaseSettingsSchema = z.strictObject({
  strategy: z
    .enum(strategies)
    .exactOptional()
    .describe('Default gray, or rolling where there is no traffic.'),
  lane: laneName.exactOptional().describe('Gray objects are called <deployment>-<lane>. Default gray.'),
  tag: z
    .strictObject({
      header: tagHeader.exactOptional(),
      value: tagValue.exactOptional(),
      enter: enterSchema
        .exactOptional()
        .describe('Who else gets the tag, at the route of the application; one of these is enough.'),
      baggage: headerName
        .exactOptional()
        .describe(
          'Key of W3C baggage that says the same, for applications that pass only that on. Absent: the header alone.',
        ),
      strict: z
        .boolean()
        .exactOptional()
        .describe(
          'Whether a lane needs a gray version of all that its requests come through. Default false.',
        ),
    })
    .exactOptional()
    .describe("Default: header x-lane with the lane's name."),
  verify: duration
    .exactOptional()
    .describe('How long tagged requests are judged before the approval. Default 0s.'),
  steps: steps.exactOptional().describe('Default 10, 25, 50, 100 with 1m each.'),
  batches: batchesSchema
    .nullable()
    .exactOptional()
    .describe(
      "Strategy rolling: pods are changed in these batches. Default null: by the Deployment's own rolling update.",
    ),
  undoWindow: duration
    .exactOptional()
    .describe('Strategy blue-green: how long the old version is kept after the switch. Default 10m.'),
  replicas: z
    .union([z.literal('auto'), whole(1, 10_000)], '"auto" or a whole number from 1 to 10000')
    .exactOptional()
    .describe('Gray replicas: auto follows the weight. Default auto.'),
  approval: approval.exactOptional(),
  analysis: analysis.nullable().exactOptional().describe('null: nothing is judged, the steps only wait.'),
  onFailure: z
    .enum(failurePolicies)
    .exactOptional()
    .describe(
      'In a lane, what goes back where this application fails before the promotion: the whole lane, or it alone. Default lane.',
    ),
  queue: z
    .enum(queuePolicies)
    .exactOptional()
    .describe(
      'When another release is at work: wait behind it, supersede those that wait, supersede also the running one, or be refused. Default wait.',
    ),
  queueDeadline: positiveDuration.exactOptional().describe('Default 24h.'),
  progressDeadline: positiveDuration.exactOptional().describe('Until pods are ready. Default 10m.'),
  drain: duration
    .exactOptional()
    .describe('Between traffic leaving gray and gray going. Default 5s, with istio 12s.'),
  rollbackDeadline: positiveDuration
    .exactOptional()
    .describe('How long undoing is tried before a person is asked. Default 5m.'),
}) satisfies z.ZodType<ReleaseInput>;

const workload = z.strictObject({
  name: objectName.exactOptional().describe("Name of the Deployment. Default: the application's."),
  container: dnsLabel.exactOptional().describe('The container whose image is released.'),
  manifest: z
    .looseObject({
      apiVersion: z.literal('apps/v1', 'apps/v1'),
      kind: z.literal('Deployment', 'Deployment'),
      spec: z.looseObject({ template: z.looseObject({}) }),
    })
    .exactOptional()
    .describe('A whole apps/v1 Deployment for the first release.'),
  template: text(100_000)
    .exactOptional()
    .describe('The same as a template that each environment renders. Not beside manifest.'),
  grayLabels: labels
    .exactOptional()
    .describe('Labels that gray pods have on top of those of stable, such as alicloud.service.tag.'),
}) satisfies z.ZodType<WorkloadSettings>;

const values = z
  .record(z.string(), z.unknown())
  .describe('What the template reads as .values; those of an environment go over those of the application.');

const origin = z.strictObject({
  name: tagValue.describe('File name of the template, without extension.'),
  version: z
    .string()
    .regex(/^[0-9a-f]{16}$/, '16 hex digits')
    .describe("First 16 hex digits of the SHA-256 of the template's file."),
  values: z.record(z.string(), z.unknown()).describe('What the template read as .values.'),
}) satisfies z.ZodType<Origin>;

const trafficFields = {
  controller: z
    .enum(ingressControllers)
    .exactOptional()
    .describe('With the router ingress, and there only: who serves the Ingress.'),
  route: objectName
    .exactOptional()
    .describe("Name of the HTTPRoute, HTTPProxy, VirtualService or Ingress. Default: the application's."),
  routeNamespace: dnsLabel
    .exactOptional()
    .describe("Router contour-include: namespace of that root HTTPProxy. Default: the environment's."),
  include: objectName
    .exactOptional()
    .describe(
      "Router contour-include: the HTTPProxy in the environment's namespace that the root includes. Default: the application's name.",
    ),
  service: dnsLabel.exactOptional().describe("The baseline Service. Default: the application's name."),
  port: whole(1, 65_535).exactOptional().describe('Port of the Service. Default 80.'),
  entry: httpUrl.exactOptional().describe('Where requests enter, for the probe. Absent: no probe.'),
  host: hostName.exactOptional().describe('Host header of the probe.'),
  chainHeader: headerName
    .exactOptional()
    .describe(
      'Header of answers that names all applications they came through, with their versions: a v2 -> b v1. Absent: no chain is compared.',
    ),
  edges: z
    .array(dnsLabel)
    .min(1, 'at least one application')
    .max(20, 'at most 20 applications')
    .exactOptional()
    .describe(
      'Applications that requests come through on their way here: the share is moved at their routes, where requests get the tag. Absent: at the own route.',
    ),
};
const traffic = z.strictObject({
  router: z.enum(routerNames),
  ...trafficFields,
}) satisfies z.ZodType<TrafficSettings>;
const localTraffic = z.strictObject({
  router: z.enum(routerNames).exactOptional(),
  ...trafficFields,
}) satisfies z.ZodType<Partial<TrafficSettings>>;

const environment = z.strictObject({
  name: dnsLabel,
  type: z.enum(environmentTypes),
  after: z
    .array(dnsLabel)
    .max(50, 'at most 50 environments')
    .exactOptional()
    .describe(
      'What a version has to have passed before it comes here. Default: all that stand before and are of an earlier type (test, pre, then gray and prod).',
    ),
  cluster: dnsLabel.exactOptional().describe('A cluster that some worker serves. Default "default".'),
  namespace: dnsLabel,
  workload: workload.exactOptional(),
  values: values.exactOptional(),
  traffic: localTraffic.exactOptional(),
  consumers: consumers.exactOptional(),
  release: releaseSettingsSchema.exactOptional().describe('What differs here.'),
}) satisfies z.ZodType<Environment>;

export const applicationSchema = z
  .strictObject({
    name: dnsLabel.describe('Also the id of its workflow.'),
    image: text(512)
      .regex(
        /^([A-Za-z0-9.-]+(:\d+)?\/)?[a-z0-9]+(([._/]|__|-+)[a-z0-9]+)*$/,
        'a repository without tag or digest, such as registry.example/shop/web',
      )
      .describe('Repository without tag, such as registry.example/shop/web.'),
    workload: workload.exactOptional(),
    values: values.exactOptional(),
    traffic: traffic.exactOptional().describe('Absent: only the strategy rolling.'),
    release: releaseSettingsSchema.exactOptional(),
    dependsOn: z
      .array(dnsLabel)
      .max(100, 'at most 100 applications')
      .exactOptional()
      .describe(
        'Applications that it calls: where a release has both, they are deployed and promoted before it.',
      ),
    consumers: consumers.exactOptional(),
    environments: z
      .array(environment)
      .min(1, 'at least one environment')
      .max(50, 'at most 50 environments')
      .superRefine(checkEnvironments, always)
      .describe('In the order of the stages.'),
    template: origin
      .exactOptional()
      .describe('What sluice new made it of, for sluice diff. A release does not read it.'),
  })
  .superRefine(checkApplication, always)
  .superRefine(checkCalls, always)
  .superRefine(checkPlaces, always)
  .superRefine(checkTags, always)
  .superRefine(checkRouters, always)
  .superRefine(checkIngresses, always)
  .superRefine(checkBatchStrategy, always)
  .meta({ title: 'Application' }) satisfies z.ZodType<Application>;
