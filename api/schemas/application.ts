/** What a team may declare. Kept as declared: defaults are made in domain/application.ts when a release is planned. */
import { z } from '@hono/zod-openapi';
import {
  environmentTypes,
  type Application,
  type Environment,
  type Origin,
  type TrafficSettings,
  type WorkloadSettings,
} from '../../domain/application.js';
import { ingressControllers, routerNames } from '../../domain/traffic.js';
import { checkApplication, checkEnvironments } from './application-rules.js';
import { checkBatchStrategy } from './batches.js';
import { checkCalls } from './call-rules.js';
import { consumersSchema as consumers } from './consumers.js';
import { checkTags } from './enter-rules.js';
import { checkIngresses } from './ingress-rules.js';
import { checkPlaces } from './place-rules.js';
import { releaseSettingsSchema } from './release-settings.js';
import { checkRouters } from './router-rules.js';
import {
  checkVariables,
  localVariablesSchema,
  variableGroupsSchema as groups,
  variablesSchema,
} from './variables.js';
import {
  dnsLabel,
  headerName,
  hostName,
  httpUrl,
  laneLabels,
  objectName,
  tagValue,
  text,
  whole,
} from './common.js';

/** Rules are checked although a neighbouring field is wrong, so that every wrong field is named at once. */
const always = { when: () => true };

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
  grayLabels: laneLabels
    .exactOptional()
    .describe(
      'Labels that gray pods have on top of those of stable, such as alicloud.service.tag; {{lane}} and {{tag}} stand for those of the release.',
    ),
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
  variables: localVariablesSchema.exactOptional(),
  variablesFrom: groups.exactOptional().describe('After those of the application.'),
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
    variables: variablesSchema.exactOptional(),
    variablesFrom: groups.exactOptional(),
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
  .superRefine(checkVariables, always)
  .meta({ title: 'Application' }) satisfies z.ZodType<Application>;
