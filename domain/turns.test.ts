import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import type { ReleaseInputs, ReleaseRequest } from './release.js';
import { turnsIn } from './turns.js';

const traffic = { router: 'gateway-api' } as const;
/** a calls b, which calls c; d calls nobody. */
const calls = { a: ['b'], b: ['c'], c: [], d: [] };
const app = (name: keyof typeof calls, more: Partial<Application> = {}): Application => ({
  name,
  image: `r/${name}`,
  traffic,
  dependsOn: calls[name],
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  ...more,
});
const behind = app('c', { traffic: { ...traffic, edges: ['a'] } });

function turnsOf(
  applications: readonly Application[],
  asked: Partial<ReleaseRequest> = {},
  edges: readonly Application[] = [],
): string[] {
  const request = {
    applications: applications.map(({ name }) => ({ name, image: 'v2' })),
    environment: null,
    strategy: null,
    lane: null,
    reason: '',
    initiator: 'alice',
    ...asked,
  };
  const inputs: ReleaseInputs = { id: 'r', request, applications, calls, edges, planOnly: false };
  return turnsIn(inputs, 'prod').map(
    ({ application, environment, tag }) =>
      `${application} ${environment}${tag === undefined ? '' : ` by ${tag}`}`,
  );
}

describe('the turns of a release', () => {
  it('alone: its own, and with a tag the one of that lane too', () => {
    expect(turnsOf([app('b')])).toEqual(['b prod by x-lane: gray']);
    expect(turnsOf([app('b')], { lane: 'blue' })).toEqual(['b prod by x-lane: blue']);
    expect(turnsOf([app('b')], { strategy: 'blue-green' })).toEqual(['b prod by x-lane: gray']);
    for (const strategy of ['canary', 'rolling'] as const)
      expect(turnsOf([app('b')], { strategy })).toEqual(['b prod']);
    expect(turnsOf([app('b')], { rollbackOf: 'r-1' })).toEqual(['b prod']);
  });

  it('a lane: at the edge it says which tag it puts on', () => {
    const request = {
      applications: [],
      environment: null,
      strategy: null,
      lane: 'blue',
      reason: '',
      initiator: 'a',
    };
    const applications = [app('c'), app('a')];
    const turns = turnsIn({ id: 'r', request, applications, calls, planOnly: false }, 'prod');
    expect(turns.flatMap(({ stamps }) => stamps ?? [])).toEqual(['x-lane: blue']);
  });

  it('a lane: also where it gives the tag, and in the lane of all that its requests come through', () => {
    const lane = [
      'a prod by x-lane: gray',
      'a prod (edge)',
      'b prod (x-lane: gray)',
      'c prod by x-lane: gray',
    ];
    expect(turnsOf([app('c'), app('a')])).toEqual(lane);
    expect(turnsOf([app('c'), app('a')], { rollbackOf: 'r-1' })).toEqual(lane);
    expect(turnsOf([app('c'), app('a')], { strategy: 'rolling' })).toEqual(['a prod', 'c prod']);
  });

  it('behind an edge: the same, but not the lane at the edge, which a release of its own may have', () => {
    expect(turnsOf([behind], {}, [app('a')])).toEqual([
      'a prod (edge)',
      'b prod (x-lane: gray)',
      'c prod by x-lane: gray',
    ]);
  });

  it('side by side: each its own', () => {
    expect(turnsOf([app('d'), app('c')])).toEqual(['c prod by x-lane: gray', 'd prod by x-lane: gray']);
  });
});
