/** What the API answers, for its document. Answers are not parsed again; tests hold them against these. */
import { z } from '@hono/zod-openapi';
import { healthStates, healthTopics, type Diagnosis } from '../../domain/diagnosis.js';
import { endedPhases, phases, type ReleaseEvent, type ReleaseView } from '../../domain/release.js';
import type { ApplicationView } from '../../workflows/messages.js';
import { applicationSchema } from './application.js';
import { environmentViews } from './environment.js';
import { laneViews } from './lane.js';

const time = z.iso.datetime().meta({ description: 'RFC 3339, UTC' });
const phase = z.enum(phases);

const failure = z.looseObject({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
  status: z.number(),
});

const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What happened, with what was seen.'),
  code: z.string().describe('Stable; programs may rely on it.'),
  remedy: z.string().describe('What can be done about it.'),
  retryable: z.boolean().describe('Whether the same request may succeed later.'),
  errors: z
    .array(
      z.looseObject({
        pointer: z.string().describe('JSON pointer into the body; empty for the whole.'),
        message: z.string(),
        remedy: z.string(),
        found: z.string().optional(),
        expected: z.string().optional(),
        nearest: z.string().optional().describe('The known key or value that was most likely meant.'),
        code: z.string().optional(),
      }),
    )
    .optional(),
});

const version = z.object({
  version: z.int(),
  declaredAt: time,
  by: z.string(),
  application: applicationSchema,
});

const history = z.looseObject({
  release: z.string(),
  environment: z.string(),
  version: z.string(),
  digest: z.string(),
  phase: z.enum(endedPhases),
  initiator: z.string(),
  rollbackOf: z.string().optional().describe('The ended release that it undid.'),
  startedAt: time,
  endedAt: time,
});

const waiter = z.looseObject({
  release: z.string(),
  urgent: z.boolean().describe('A hotfix or a rollback.'),
  expectedAt: time.nullable().exactOptional().describe('When its turn is expected; null: nobody can tell.'),
});

const applicationView = z.looseObject({
  current: version,
  versions: z.array(version),
  environments: z.array(
    z.looseObject({
      name: z.string(),
      running: z.string().nullable().describe('Id of the release that holds it.'),
      since: time.nullable().exactOptional().describe('Since when that release holds it.'),
      queue: z.array(z.string()).describe('Ids of the releases that wait, in the order of their turns.'),
      waiting: z.array(waiter).exactOptional().describe('The same with more about each.'),
      digest: z.string().nullable(),
      version: z.string().nullable(),
    }),
  ),
  history: z.array(history).describe('Newest first, at most 100.'),
}) satisfies z.ZodType<Omit<ApplicationView, 'history'>>;

const plan = z.looseObject({
  stages: z.array(
    z.looseObject({
      environment: z.string(),
      strategy: z.string(),
      steps: z.array(z.looseObject({ id: z.string(), kind: z.string(), summary: z.string() })),
    }),
  ),
  warnings: z.array(z.string()),
  hash: z.string(),
});

const revision = z.looseObject({
  workload: z.string().describe('Deployment that runs it.'),
  image: z.string(),
  revision: z.string().nullable().describe('deployment.kubernetes.io/revision of that Deployment.'),
  pods: z.int().min(0).describe('Ready, as last seen.'),
});

const releaseView = z.looseObject({
  id: z.string(),
  phase,
  waitingOn: z
    .looseObject({
      what: z.string(),
      since: time,
      until: time.nullable(),
      can: z.array(z.string()).describe('What a person can do now.'),
      queue: z
        .looseObject({
          application: z.string(),
          environment: z.string(),
          place: z.int().min(1).describe('1 is next.'),
          behind: z.string().describe('Id of the release before it.'),
          expectedAt: time
            .nullable()
            .exactOptional()
            .describe('When its turn is expected; null: nobody can tell.'),
        })
        .optional(),
    })
    .nullable(),
  paused: z.boolean(),
  applications: z.array(
    z.looseObject({
      name: z.string(),
      version: z.string(),
      digest: z.string().nullable(),
      stableDigest: z.string().nullable(),
      grayWeight: z.int().min(0).max(100),
      failure: failure
        .optional()
        .describe('Why it went back by itself, while the others of its lane went on.'),
      batching: z
        .looseObject({ old: revision, new: revision })
        .optional()
        .describe('Where its pods are changed in batches: how many run which version.'),
    }),
  ),
  environment: z.string().nullable(),
  lane: z.string().nullable(),
  plan: plan.nullable(),
  planHash: z.string().nullable(),
  step: z.string().nullable(),
  steps: z.array(
    z.looseObject({
      id: z.string(),
      kind: z.string(),
      summary: z.string(),
      state: z.enum(['pending', 'running', 'done', 'failed', 'skipped']),
      startedAt: time.nullable(),
      endedAt: time.nullable(),
      result: z.string().nullable(),
    }),
  ),
  decisions: z.array(z.looseObject({ decision: z.string(), at: time, counted: z.boolean() })),
  evidence: z.array(z.looseObject({ at: time, step: z.string(), kind: z.string(), summary: z.string() })),
  initiator: z.string(),
  reason: z.string(),
  rollbackOf: z.string().optional().describe('The ended release that it undoes.'),
  startedAt: time,
  endedAt: time.nullable(),
  outcome: z
    .looseObject({ phase: z.enum(endedPhases), failure: failure.nullable(), left: z.array(z.string()) })
    .nullable(),
  partial: z.boolean().optional().describe('true: no worker answered; only what Temporal itself knows.'),
}) satisfies z.ZodType<Partial<Pick<ReleaseView, 'id' | 'phase' | 'paused' | 'step' | 'endedAt'>>>;

const releaseEvent = z.object({
  id: z.int().describe('Counts up from 1 without a gap.'),
  at: time,
  type: z.enum(['phase', 'step', 'decision', 'steering', 'traffic', 'note', 'ended']),
  step: z.string().nullable(),
  message: z.string(),
}) satisfies z.ZodType<ReleaseEvent>;

const releaseRow = z.looseObject({
  id: z.string(),
  phase,
  applications: z.array(z.string()),
  images: z.array(z.string()),
  environment: z.string().nullable(),
  lane: z.string().nullable(),
  weight: z.int(),
  waitingOn: z.string().nullable(),
  initiator: z.string(),
  reason: z.string(),
  rollbackOf: z.string().nullable().describe('The ended release that it undoes.'),
  startedAt: time,
  endedAt: time.nullable(),
  status: z.string(),
});

const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), cursor: z.string().nullable().describe('Of the next page.') });

export const views = {
  Problem: problem,
  DeclaredApplication: version.extend({ created: z.boolean(), changed: z.boolean() }),
  ApplicationView: applicationView,
  ApplicationList: page(
    z.object({
      name: z.string(),
      image: z.string(),
      version: z.int(),
      environments: z.array(z.string()),
      template: z.string().nullable().describe('What it was made of; null: it was written by hand.'),
      busy: z
        .array(z.object({ environment: z.string(), running: z.string(), waiting: z.int() }))
        .describe('Where a release is at work, and how many wait for it.'),
    }),
  ),
  ...environmentViews,
  ...laneViews,
  PlanAnswer: z.object({
    plan,
    planHash: z.string(),
    warnings: z.array(z.string()),
    changes: z.array(z.string()).describe('What would change in the clusters, for people.'),
    manifests: z
      .array(
        z.object({
          application: z.string(),
          environment: z.string(),
          manifest: z.record(z.string(), z.unknown()),
        }),
      )
      .describe('Deployments as they are declared, rendered where it is a template; secrets are masked.'),
  }),
  AcceptedRelease: z.object({
    id: z.string(),
    phase,
    planHash: z.string().nullable().describe('null while no worker has made the plan.'),
    url: z.url(),
  }),
  ReleaseList: page(releaseRow),
  ReleaseView: releaseView,
  ReleaseEvent: releaseEvent,
  Diagnosis: z.object({
    at: time,
    state: z.enum(['ok', 'warning', 'problem']),
    checks: z.array(
      z.object({
        topic: z.enum(healthTopics),
        subject: z.string(),
        state: z.enum(healthStates),
        seen: z.string().describe('What was seen, or why it was not looked at.'),
        remedy: z.string().nullable().describe('How to mend it.'),
      }),
    ),
  }) satisfies z.ZodType<Diagnosis>,
  Answer: z.object({ accepted: z.literal(true) }),
} as const;
