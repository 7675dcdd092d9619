/** What the API answers about environments, for its document. */
import { z } from '@hono/zod-openapi';
import { environmentTypes } from '../../domain/application.js';
import type { EnvironmentSummary, EnvironmentView } from '../../domain/environment.js';
import type { CleanView } from '../../domain/leftover.js';
import { phases } from '../../domain/release.js';
import { dnsLabel, text } from './common.js';

export const cleanSchema = z
  .strictObject({
    dryRun: z.boolean().default(false).describe('Shows what would be removed, and removes nothing.'),
    reason: text(1_000).default('').describe('Why; needed to remove anything. Recorded.'),
    namespace: dnsLabel
      .exactOptional()
      .describe('Where else is looked, though no application that is declared for the environment is there.'),
    cluster: dnsLabel.exactOptional().describe('Of that namespace. Default "default".'),
  })
  .superRefine(
    (value: unknown, context) => {
      const { dryRun, reason, namespace, cluster } = value as Readonly<Record<string, unknown>>;
      if (cluster !== undefined && namespace === undefined) {
        const params = { expected: 'a namespace', remedy: 'Name the namespace of that cluster as well.' };
        context.addIssue({ code: 'custom', path: ['namespace'], message: 'A cluster without one.', params });
      }
      if (dryRun === true || typeof reason !== 'string' || reason.trim() !== '') return;
      const params = { expected: 'a reason', remedy: 'Say why, for the record; or ask with dryRun: true.' };
      context.addIssue({ code: 'custom', path: ['reason'], message: 'A removal without a reason.', params });
    },
    { when: ({ value }) => typeof value === 'object' && value !== null },
  )
  .meta({ title: 'Clean' });

const time = z.iso.datetime().meta({ description: 'RFC 3339, UTC' });
const cursor = z.string().nullable().describe('Of the next page.');
const type = z.enum(environmentTypes);

const workload = z.object({
  name: z.string(),
  image: z
    .string()
    .nullable()
    .describe('As the Deployment spells it; null: it has no container that a release would set.'),
  digest: z.string().nullable().describe('Of the image, else what all its pods say; null: not known.'),
  replicas: z.int().describe('Pods that it is asked to have.'),
  ready: z.int(),
});

const live = z.object({
  stable: workload.nullable().describe('null: there is no such Deployment.'),
  gray: z.array(workload.extend({ lane: z.string(), release: z.string().describe('That made it.') })),
});

const row = z.object({
  application: z.string(),
  type,
  cluster: z.string(),
  namespace: z.string(),
  deployment: z.string(),
  released: z
    .object({
      release: z.string(),
      version: z.string(),
      digest: z.string(),
      by: z.string(),
      since: time.describe('When that release ended.'),
    })
    .nullable()
    .describe('What the last successful release left; null: nothing that the history still knows.'),
  running: z
    .object({
      release: z.string(),
      phase: z.enum(phases).nullable().describe('null: not known just now.'),
      since: time.nullable().describe('Since when it holds the environment.'),
    })
    .nullable()
    .describe('The release at work.'),
  waiting: z.int().describe('How many releases wait for their turn.'),
  live: live.nullable().describe('What stands in the cluster; null: it could not be looked at.'),
  unseen: z.string().nullable().describe('Why live is null, for people.'),
  drift: z
    .array(z.string())
    .describe(
      'How what runs differs from what was released, one sentence each; empty also where live is null.',
    ),
});

const leftover = z.object({
  application: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  lane: z.string(),
  release: z.string().describe('That made it.'),
  state: z
    .enum(['ended', 'unknown'])
    .describe('Of that release; unknown: this server never had it, or has forgotten it.'),
  declared: z.boolean().describe('Whether the application is declared there.'),
  objects: z.array(z.string()).describe('E.g. Deployment shop-gray.'),
  route: z.string().nullable().describe('That the release still holds.'),
  weight: z.int().describe('Percent of untagged requests that the route sends to gray.'),
  removed: z.array(z.string()),
  left: z.string().nullable().describe('Why it could not be removed, for people.'),
});

export const environmentViews = {
  CleanView: z.object({
    name: z.string(),
    dryRun: z.boolean(),
    items: z.array(leftover),
    unseen: z
      .array(z.object({ application: z.string(), why: z.string() }))
      .describe('What could not be looked at.'),
  }) satisfies z.ZodType<CleanView>,
  EnvironmentList: z.object({
    items: z.array(
      z.object({
        name: z.string(),
        types: z.array(type).describe('Applications may disagree.'),
        applications: z.int().describe('How many declare it.'),
        running: z.array(z.string()).describe('Ids of the releases at work there.'),
        waiting: z.int().describe('How many releases wait for their turn.'),
      }) satisfies z.ZodType<EnvironmentSummary>,
    ),
    cursor,
  }),
  EnvironmentView: z.object({
    name: z.string(),
    at: time.describe('When the clusters were asked.'),
    items: z.array(row),
    cursor,
  }) satisfies z.ZodType<EnvironmentView>,
} as const;
