/** Rows of an environment as the API answers them, for tests of those who read it. */
import type { EnvironmentRow } from '../../domain/environment.js';
import { stableDigest, startedAt } from './release-view.js';

/** Released, and running as it was released. */
export function environmentRow(change: Partial<EnvironmentRow> = {}): EnvironmentRow {
  return {
    application: 'web',
    type: 'prod',
    cluster: 'default',
    namespace: 'shop',
    deployment: 'web',
    released: { release: 'r1', version: 'v1', digest: stableDigest, by: 'ann', since: startedAt },
    running: null,
    waiting: 0,
    live: {
      stable: {
        name: 'web',
        image: `registry.example/shop/web@${stableDigest}`,
        digest: stableDigest,
        replicas: 2,
        ready: 2,
      },
      gray: [],
    },
    unseen: null,
    drift: [],
    ...change,
  };
}
