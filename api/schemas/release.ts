/** Bodies about releases: what is asked for, decided and steered. Who asks comes from the token, never from the body. */
import { z } from '@hono/zod-openapi';
import type { DecisionRequest } from '../../domain/approval.js';
import { strategies } from '../../domain/application.js';
import type { ReleaseRequest } from '../../domain/release.js';
import type { Steering } from '../../workflows/messages.js';
import { checkOverride, checkReleased } from './application-rules.js';
import { dnsLabel, laneName, positiveDuration, someText, text, whole } from './common.js';

const reason = text(1_000).default('').describe('Recorded, and shown to everybody who reads the release.');

/** A whole reference, or what makes one together with the application's repository: a tag or a digest. */
const imageReference = text(512).regex(
  /^(([A-Za-z0-9.-]+(:\d+)?\/)?[a-z0-9]+(([._/]|__|-+)[a-z0-9]+)*(:\w[\w.-]{0,127}|(:\w[\w.-]{0,127})?@sha256:[0-9a-f]{64})|\w[\w.-]{0,127}|@?sha256:[0-9a-f]{64})$/,
  "a tag or digest of the application's image, or a whole reference, such as 1.4.2 or registry.example/shop/web:1.4.2",
);

export const releaseRequestSchema = z
  .strictObject({
    applications: z
      .array(z.strictObject({ name: dnsLabel, image: imageReference }))
      .min(1, 'at least one application')
      .max(50, 'at most 50 applications')
      .superRefine(checkReleased, { when: () => true })
      .describe(
        'What is released, and which version. Several are one lane: they go together, or not at all.',
      ),
    environment: dnsLabel
      .nullable()
      .default(null)
      .describe('Only this environment. Default: all, in the order of the application.'),
    strategy: z.enum(strategies).nullable().default(null).describe("Default: the application's."),
    lane: laneName.nullable().default(null).describe("Default: the application's."),
    reason,
    approveEach: z
      .boolean()
      .exactOptional()
      .describe(
        'Whether each application asks for an approval of its own. Default: those with the same approval settings ask together.',
      ),
    hotfix: z.boolean().exactOptional().describe('Goes before ordinary releases that wait. Default false.'),
    override: z
      .boolean()
      .exactOptional()
      .describe(
        'Goes on where the version has not passed the environments before; needs the role approver and a reason. Default false.',
      ),
  })
  .superRefine(checkOverride, { when: () => true })
  .meta({ title: 'ReleaseRequest' }) satisfies z.ZodType<Omit<ReleaseRequest, 'initiator'>>;

const wayBackFields = {
  to: text(512)
    .trim()
    .min(1, 'a version, a digest, or the id of a release')
    .nullable()
    .default(null)
    .describe(
      'A version, a digest or its first 7 digits, or the id of a release. Default: what was stable before the release that is undone.',
    ),
  environment: dnsLabel
    .nullable()
    .default(null)
    .describe('Only this environment. Default: every one that the release changed, the last one first.'),
  reason,
};

export const rollbackSchema = z.strictObject(wayBackFields).meta({ title: 'Rollback' });

/** The same, of which only the plan is wanted. */
export const rollbackPlanSchema = z
  .strictObject({ rollbackOf: someText(64).describe('Id of the ended release.'), ...wayBackFields })
  .meta({ title: 'RollbackPlan' });

export const decisionSchema = z
  .strictObject({
    decision: z.enum(['approve', 'reject']),
    reason: text(1_000).default('').describe('Why; a rejection needs one.'),
    planHash: someText(128).describe('Hash of the plan that was seen: planHash of the release.'),
  })
  .superRefine(
    (value: unknown, context) => {
      const { decision, reason: why } = value as { decision?: unknown; reason?: unknown };
      // One that is no text is an error already.
      if (decision !== 'reject' || typeof why !== 'string' || why.trim() !== '') return;
      const params = { expected: 'a reason', remedy: 'Say why, so that others can mend it.' };
      context.addIssue({
        code: 'custom',
        path: ['reason'],
        message: 'A rejection without a reason.',
        params,
      });
    },
    { when: ({ value }) => typeof value === 'object' && value !== null },
  )
  .meta({ title: 'Decision' }) satisfies z.ZodType<Omit<DecisionRequest, 'by'>>;

export const steeringSchema = z.strictObject({ reason }).meta({ title: 'Steering' }) satisfies z.ZodType<
  Omit<Steering, 'by'>
>;

export const extensionSchema = z
  .strictObject({
    duration: positiveDuration.describe('How much longer, counted from the deadline.'),
    reason,
  })
  .meta({ title: 'Extension' });

export const newWeightSchema = z
  .strictObject({ weight: whole(0, 100).describe('Percent of untagged requests on gray.'), reason })
  .meta({ title: 'NewWeight' });
