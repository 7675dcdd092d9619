/** What the API answers about lanes, for its document. */
import { z } from '@hono/zod-openapi';
import type { LaneList } from '../../domain/lane-view.js';
import { phases } from '../../domain/release.js';
import { routerNames } from '../../domain/traffic.js';

const condition = z.object({
  header: z.string().exactOptional(),
  query: z.string().exactOptional(),
  cookie: z.string().exactOptional(),
  exact: z.string().exactOptional(),
  prefix: z.string().exactOptional(),
  regex: z.string().exactOptional(),
  in: z.array(z.string()).exactOptional(),
  percent: z
    .int()
    .exactOptional()
    .describe('Instead of a condition: only so many percent of those that fulfil the others get in.'),
});

const entry = z.object({
  application: z.string(),
  router: z.enum(routerNames),
  namespace: z.string(),
  route: z.string().describe('Name of the HTTPRoute, HTTPProxy, VirtualService or Ingress.'),
  url: z.string().nullable().describe('Where the probe asks; null: the application does not say.'),
  enter: z
    .array(z.array(condition))
    .describe('Who gets in besides those with the tag: whatever fulfils all conditions of one of these.'),
});

const member = z.object({
  application: z.string(),
  version: z.string().nullable().describe('null: its release does not say.'),
  digest: z.string().nullable(),
  ready: z.int().describe('Gray pods.'),
  replicas: z.int(),
  release: z.string().describe('That made it.'),
  phase: z.enum(phases).nullable().describe('Of that release; null: nobody tells.'),
  share: z
    .int()
    .nullable()
    .describe('Percent of untagged requests that its release lets in; null: nobody tells.'),
});

const baseline = z.object({
  application: z.string(),
  version: z.string().nullable().describe('What was released, where that is what runs; else null.'),
  image: z.string().nullable().describe('As the Deployment spells it.'),
  digest: z.string().nullable(),
  ready: z.int(),
  replicas: z.int(),
  unseen: z.string().nullable().describe('Why nothing is known of it, for people.'),
});

export const laneViews = {
  LaneList: z.object({
    at: z.iso.datetime().meta({ description: 'When the clusters were asked, RFC 3339, UTC' }),
    items: z.array(
      z.object({
        environment: z.string(),
        names: z.array(z.string()).describe('Of the lane; gray objects are called after one.'),
        tag: z
          .string()
          .nullable()
          .describe('header: value; null: no request is told by a tag, it has a share and that is all.'),
        entries: z.array(entry).describe('Where requests come in and get the tag.'),
        members: z.array(member).describe('Applications with a gray track, caller before called.'),
        baseline: z
          .array(baseline)
          .describe('Applications of the chain without one, whose stable answers; caller before called.'),
        chain: z.array(z.string()).describe('Names of both, caller before called.'),
      }),
    ),
    unseen: z
      .array(z.object({ environment: z.string(), application: z.string(), why: z.string() }))
      .describe('What could not be looked at.'),
  }) satisfies z.ZodType<LaneList>,
} as const;
