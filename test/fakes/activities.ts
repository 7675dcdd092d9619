/** A world in which everything works at once and nothing is real: for tests of what stands before and around the workflows. */
import { Context } from '@temporalio/activity';
import type { Activities, TrafficResult } from '../../activities/contract.js';
import { CatalogueError } from '../../activities/failure.js';
import { Watch } from '../../activities/metrics/watch.js';
import { failure } from '../../domain/failures.js';
import { hashOf } from '../../domain/ids.js';
import { emptyTally } from '../../domain/analysis.js';
import { allStable } from '../../domain/traffic.js';
import { toApplicationFailure } from '../../activities/failure.js';

/** `:missing` is an image that the registry does not have; an application named `broken` cannot be released. */
export function workingActivities(overrides: Partial<Activities> = {}): Activities {
  const done = async () => ({ changed: true, findings: [] });
  const moved = async (): Promise<TrafficResult> => ({
    changed: true,
    before: allStable,
    after: allStable,
    foreign: [],
  });
  const working: Activities = {
    resolveImage: async ({ image, repository }) => {
      if (image.endsWith(':missing')) {
        throw toApplicationFailure(new CatalogueError(failure('image_unknown', { image, answer: '404' })));
      }
      const digest = `sha256:${hashOf(image)}`;
      const version = image.slice(image.lastIndexOf(':') + 1);
      return { requested: image, reference: `${repository}@${digest}`, digest, version };
    },
    observe: async ({ application, environment }) =>
      application.name === 'broken'
        ? {
            observation: null,
            problems: [failure('namespace_unknown', { namespace: 'shop', cluster: 'default' })],
          }
        : {
            observation: {
              application: application.name,
              environment,
              exists: true,
              stableImage: `${application.image}:v0`,
              stableDigest: `sha256:${hashOf('v0')}`,
              replicas: 2,
              readyReplicas: 2,
              container: application.name,
            },
            problems: [],
          },
    deployGray: async ({ replicas }) => ({ ...(await done()), replicas, stableReplicas: null }),
    deployBatch: done,
    promoteBatch: done,
    deployStable: done,
    revertStable: done,
    removeGray: done,
    prepareRoute: moved,
    setTraffic: moved,
    setTrafficTogether: async (inputs) =>
      Promise.all(inputs.map(async (input) => working.setTraffic(input).catch(() => null))),
    restoreRoute: async () => ({ ...(await moved()), stays: false }),
    probe: async () => ({ findings: [] }),
    analyse: async (input) => {
      if (input.settings === null)
        return new Watch({ returnToStable: () => Promise.resolve() }, input, Context.current()).run();
      return { verdict: 'pass', why: '', tally: emptyTally, trafficRestored: false, findings: [] };
    },
    diagnose: async ({ cluster }) => ({ cluster, at: new Date().toISOString(), checks: [] }),
    survey: async ({ places }) =>
      places.map(({ application }) => ({ application, live: { stable: null, gray: [] }, unseen: null })),
    findLeftovers: () => Promise.resolve({ leftovers: [], unseen: [] }),
    findStrays: () => Promise.resolve({ strays: [], unseen: [] }),
    ...overrides,
  };
  return working;
}
