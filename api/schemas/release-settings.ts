/** How an application is released, as it may be declared. */
import { z } from '@hono/zod-openapi';
import { builtinMetrics } from '../../domain/analysis.js';
import { failurePolicies, queuePolicies, strategies, type ReleaseInput } from '../../domain/application.js';
import { checkAnalysis, checkApproval, checkMetric, checkSteps } from './application-rules.js';
import { batchesSchema } from './batches.js';
import {
  dnsLabel,
  duration,
  headerName,
  httpUrl,
  laneName,
  positiveDuration,
  someText,
  tagValue,
  whole,
} from './common.js';
import { enterSchema } from './enter.js';
import { tagHeader } from './headers.js';

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
