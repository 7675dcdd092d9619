/** Lanes as the API answers them, for tests of those who read them. */
import type { LaneList, LaneView } from '../../domain/lane-view.js';
import { grayDigest, releaseId, stableDigest, startedAt } from './release-view.js';

/** a and c of a chain of three, at 25 %. */
export function laneView(change: Partial<LaneView> = {}): LaneView {
  const member = { version: 'v2', digest: grayDigest, ready: 1, replicas: 1, release: releaseId } as const;
  return {
    environment: 'prod',
    names: ['gray'],
    tag: 'x-lane: gray',
    entries: [
      {
        application: 'a',
        router: 'gateway-api',
        namespace: 'shop',
        route: 'a',
        url: 'http://shop.example/',
        enter: [
          [{ query: 'group', exact: 'gray' }],
          [
            { header: 'x-country', in: ['de', 'at'] },
            { cookie: 'beta', regex: '[0-9]+' },
            { header: 'x-user', prefix: 'qa-' },
          ],
          [{ header: 'x-team', exact: 'shop' }, { percent: 30 }],
        ],
      },
    ],
    members: [
      { application: 'a', ...member, phase: 'holding', share: 25 },
      { application: 'c', ...member, phase: 'holding', share: 25 },
    ],
    baseline: [
      {
        application: 'b',
        version: 'v1',
        image: `r.example/b@${stableDigest}`,
        digest: stableDigest,
        ready: 2,
        replicas: 2,
        unseen: null,
      },
    ],
    chain: ['a', 'b', 'c'],
    ...change,
  };
}

export const laneList = (...items: readonly LaneView[]): LaneList => ({ at: startedAt, items, unseen: [] });
