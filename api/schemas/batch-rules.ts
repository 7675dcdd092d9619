/** Rules of batches: they go up, and only the strategy rolling has them. */
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';

/** A whole share, of more than nothing. */
export const sharePattern = /^([1-9]\d?|100)%$/;
const isShare = (value: unknown): boolean => typeof value === 'string' && sharePattern.test(value);

/** Numbers among numbers and shares among shares: which is more of a number and a share, only the replicas tell. */
export function checkBatches(value: unknown, context: Context): void {
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
