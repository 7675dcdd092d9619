import { describe, expect, it } from 'vitest';
import type { Application, Environment } from './application.js';
import {
  environmentRow,
  environmentSummaries,
  errandsTo,
  placeIn,
  type Declared,
  type Live,
} from './environment.js';
import type { EnvironmentState } from './queue.js';
import type { HistoryEntry } from './release.js';

const at = '2026-01-02T03:04:05.000Z';
const digest = `sha256:${'a'.repeat(64)}`;
const prod: Environment = { name: 'prod', type: 'prod', namespace: 'shop' };
const idle = (name: string): EnvironmentState => ({
  name,
  running: null,
  since: null,
  queue: [],
  waiting: [],
  digest: null,
  version: null,
});
const entry = (release: string, change: Partial<HistoryEntry> = {}): HistoryEntry => ({
  release,
  environment: 'prod',
  version: 'v1',
  digest,
  previousDigest: null,
  phase: 'succeeded',
  initiator: 'ann',
  reason: '',
  startedAt: at,
  endedAt: at,
  ...change,
});

function declared(
  name: string,
  change: Partial<Declared> & { readonly application?: Partial<Application> } = {},
): Declared {
  const { application, ...rest } = change;
  const whole = { name, image: `registry/${name}`, environments: [prod], ...application };
  return {
    current: { application: whole },
    environments: whole.environments.map((e) => idle(e.name)),
    history: [],
    ...rest,
  };
}

const live: Live = {
  stable: { name: 'web', image: `registry/web@${digest}`, digest, replicas: 2, ready: 2 },
  gray: [],
};
const seen = { live, unseen: null };
const none = new Map<string, never>();

describe('a place', () => {
  const own: Environment = { ...prod, cluster: 'eu', workload: { name: 'web-prod', container: 'app' } };
  it.each<[string, Declared, object | null]>([
    [
      'is by default named like the application, in the default cluster',
      declared('web'),
      { application: 'web', cluster: 'default', namespace: 'shop', deployment: 'web', container: null },
    ],
    [
      'is where the environment says',
      declared('web', { application: { workload: { name: 'x' }, environments: [own] } }),
      { application: 'web', cluster: 'eu', namespace: 'shop', deployment: 'web-prod', container: 'app' },
    ],
    [
      'is none in an environment that is not declared',
      declared('web', { application: { environments: [{ ...prod, name: 'test' }] } }),
      null,
    ],
  ])('%s', (_, application, place) => {
    expect(placeIn(application, 'prod')).toEqual(place);
  });

  it('is visited with all others of its cluster', () => {
    const [web, cart, shop] = ['web', 'cart', 'shop'].map((name) => placeIn(declared(name), 'prod')!);
    const far = { ...cart!, cluster: 'eu' };
    expect(errandsTo([web!, far, shop!])).toEqual([
      { cluster: 'default', places: [web, shop] },
      { cluster: 'eu', places: [far] },
    ]);
  });
});

describe('a row', () => {
  it('says what the last successful release left there, by whom and since when', () => {
    const history = [
      entry('r4', { phase: 'rolled_back' }),
      entry('r3', { environment: 'test' }),
      entry('r2', { version: 'v2', initiator: 'ben' }),
      entry('r1'),
    ];
    expect(environmentRow(declared('web', { history }), 'prod', seen, none)).toEqual({
      application: 'web',
      type: 'prod',
      cluster: 'default',
      namespace: 'shop',
      deployment: 'web',
      released: { release: 'r2', version: 'v2', digest, by: 'ben', since: at },
      running: null,
      waiting: 0,
      live,
      unseen: null,
      drift: [],
    });
  });

  it('says which release is at work, since when, and how many wait', () => {
    const environments = [{ ...idle('prod'), running: 'r5', since: at, queue: ['r6', 'r7'] }];
    const row = environmentRow(
      declared('web', { environments }),
      'prod',
      seen,
      new Map([['r5', 'holding' as const]]),
    );
    expect(row).toMatchObject({ running: { release: 'r5', phase: 'holding', since: at }, waiting: 2 });
    const unknown = environmentRow(declared('web', { environments }), 'prod', seen, none);
    expect(unknown?.running?.phase).toBeNull();
  });

  it('tells no drift of what could not be looked at', () => {
    const unseen = { live: null, unseen: 'the cluster is away' };
    expect(environmentRow(declared('web', { history: [entry('r1')] }), 'prod', unseen, none)).toMatchObject({
      ...unseen,
      drift: [],
      released: { release: 'r1' },
    });
  });

  it('tells drift of what was looked at', () => {
    const gone = { live: { stable: null, gray: [] }, unseen: null };
    const row = environmentRow(declared('web', { history: [entry('r1')] }), 'prod', gone, none);
    expect(row?.drift).toEqual(['the Deployment web is gone']);
  });

  it('is none of an application that does not declare the environment', () => {
    expect(environmentRow(declared('web'), 'test', seen, none)).toBeNull();
  });
});

describe('the list of environments', () => {
  it('is sorted, and counts applications, releases at work and those that wait', () => {
    const test: Environment = { name: 'test', type: 'test', namespace: 'test' };
    const busy = (running: string, ...queue: readonly string[]): EnvironmentState[] => [
      { ...idle('prod'), running, queue },
    ];
    const all = [
      declared('a', { environments: busy('r2') }),
      // One release of both, and one more that waits for both.
      declared('b', { environments: busy('r1', 'r3') }),
      declared('c', { environments: busy('r1', 'r3', 'r4') }),
      declared('d', { application: { environments: [test, { ...prod, type: 'gray' }] } }),
    ];
    expect(environmentSummaries(all)).toEqual([
      { name: 'prod', types: ['gray', 'prod'], applications: 4, running: ['r1', 'r2'], waiting: 2 },
      { name: 'test', types: ['test'], applications: 1, running: [], waiting: 0 },
    ]);
  });

  it('is empty where nothing is declared', () => {
    expect(environmentSummaries([])).toEqual([]);
  });
});
