/** Batches as they may be declared, and their rules: they go up, and only the strategy rolling has them. */
import { z } from '@hono/zod-openapi';
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';
import { duration, whole } from './common.js';

/** A whole share, of more than nothing. */
const sharePattern = /^([1-9]\d?|100)%$/;
const isShare = (value: unknown): boolean => typeof value === 'string' && sharePattern.test(value);

const somePods = 'a whole number from 1 to 10000, or a share from "1%" to "100%"';

export const batchesSchema = z
  .array(
    z.strictObject({
      pods: z
        .union([whole(1, 10_000), z.string().regex(sharePattern, somePods)], somePods)
        .describe("Pods of the new version after it, or their share of stable's replicas, rounded up."),
      hold: duration.exactOptional().describe('How long it is looked at. Default 0s.'),
      approval: z
        .boolean()
        .exactOptional()
        .describe('Somebody has to approve before the next, as approval says. Default false.'),
    }),
  )
  .min(1, 'at least one batch')
  .max(50, 'at most 50 batches')
  .superRefine(checkBatches, { when: () => true });

/** Numbers among numbers and shares among shares: which is more of a number and a share, only the replicas tell. */
function checkBatches(value: unknown, context: Context): void {
  const highest = { number: 0, string: 0 };
  const batches = itemsOf(value);
  for (const [i, batch] of batches.entries()) {
    const { pods } = fieldsOf(batch);
    if (typeof pods !== 'number' && !isShare(pods)) continue;
    const kind = typeof pods === 'number' ? 'number' : 'string';
    const size = Number.parseInt(String(pods), 10);
    if (size <= highest[kind] || highest.string === 100) {
      const before = fieldsOf(batches[i - 1])['pods'];
      report(
        context,
        [i, 'pods'],
        `Batch ${String(pods)} comes after ${String(before)}: batches go up.`,
        'more pods than before',
        'Order the batches by their pods; each is what there is of the new version after it.',
      );
    }
    highest[kind] = Math.max(highest[kind], size);
  }
}

/** Where the strategy moves traffic, weights do what batches would. */
export function checkBatchStrategy(value: unknown, context: Context): void {
  const application = fieldsOf(value);
  const own = fieldsOf(application['release']);
  for (const [i, item] of itemsOf(application['environments']).entries()) {
    const environment = fieldsOf(item);
    const local = fieldsOf(environment['release']);
    const isLocal = local['batches'] !== undefined;
    const batches = isLocal ? local['batches'] : own['batches'];
    if (!Array.isArray(batches)) continue;
    const routed = application['traffic'] !== undefined || environment['traffic'] !== undefined;
    const strategy = local['strategy'] ?? own['strategy'] ?? (routed ? 'gray' : 'rolling');
    if (strategy === 'rolling') continue;
    const path: Path = isLocal ? ['environments', i, 'release', 'batches'] : ['release', 'batches'];
    report(
      context,
      path,
      `Batches change the pods of stable, and strategy ${JSON.stringify(strategy)} of environment ${JSON.stringify(environment['name'])} moves traffic by weights.`,
      'the strategy rolling',
      'Set strategy: rolling there, or leave batches out (null in that environment) and declare steps.',
    );
  }
}
