import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import {
  clockCheck,
  diagnosisOf,
  errandsFor,
  fine,
  problem,
  skipped,
  unanswered,
  warning,
  worst,
  type Errand,
} from './diagnosis.js';
import { failure } from './failures.js';

const about = { topic: 'route', subject: 'web' } as const;
const checks = {
  ok: fine(about, 'fits'),
  warning: warning(about, 'seen', 'mend'),
  problem: problem(about, 'seen', 'mend'),
  skipped: skipped(about, 'Temporal is away'),
};
const app = (name: string, ...clusters: (string | undefined)[]): Application => ({
  name,
  image: `r/${name}`,
  environments: clusters.map((cluster, i) => ({
    name: `e${i}`,
    type: 'prod',
    namespace: 'x',
    ...(cluster === undefined ? {} : { cluster }),
  })),
});

describe('the state of a diagnosis', () => {
  it.each([
    ['ok when all is ok', [checks.ok], 'ok'],
    ['ok when nothing was looked at', [], 'ok'],
    ['a warning when one is', [checks.ok, checks.warning], 'warning'],
    ['a warning when something could not be looked at', [checks.ok, checks.skipped], 'warning'],
    [
      'a problem when one is, whatever the others are',
      [checks.skipped, checks.problem, checks.ok],
      'problem',
    ],
  ] as const)('is %s', (_, given, state) => expect(worst(given)).toBe(state));

  it('tells in a fixed order, and what two applications share once', () => {
    const api = fine({ topic: 'api', subject: 'x' }, 'answers');
    expect(diagnosisOf('now', [checks.ok, api, checks.ok]).checks).toEqual([api, checks.ok]);
  });
});

describe('the errands', () => {
  it('go to the default cluster even where nothing is declared, since workflows run there', () => {
    expect(errandsFor([])).toEqual([{ cluster: 'default', application: null, registry: false }]);
  });

  it('go to each cluster once, and to each application in each of its clusters; the registry is asked on the default queue', () => {
    const given = errandsFor([app('a', undefined, 'eu', 'eu'), app('b', 'eu')]);
    expect(given.map((e) => [e.cluster, e.application?.name ?? null, e.registry])).toEqual([
      ['default', null, false],
      ['eu', null, false],
      ['default', 'a', true],
      ['eu', 'a', false],
      ['default', 'b', true],
      ['eu', 'b', false],
    ]);
  });
});

describe('an errand without an answer', () => {
  const cluster: Errand = { cluster: 'eu', application: null, registry: false };
  const web: Errand = { ...cluster, application: app('web', 'eu') };
  it.each([
    [
      'that nobody took up names the queue and the cluster',
      cluster,
      'nobody took it up',
      ['problem', 'skipped'],
      'queue-eu',
    ],
    ['for an application does not name the worker again', web, 'nobody took it up', ['skipped'], 'queue-eu'],
    ['that did not end in time says so', web, 'it did not end in time', ['problem'], 'in time'],
    [
      'that failed tells the failure',
      web,
      failure('cluster_unknown', { cluster: 'eu', known: [] }),
      ['problem'],
      'No worker serves',
    ],
  ] as const)('%s', (_, errand, why, states, seen) => {
    const answered = unanswered(errand, 'queue', why);
    expect(answered.map((c) => c.state)).toEqual(states);
    expect(answered[0]?.seen).toContain(seen);
  });

  it('says which variables a worker of a named cluster needs', () => {
    expect(unanswered(cluster, 'queue', 'nobody took it up')[0]?.remedy).toBe(
      'Start a worker with SLUICE_TASK_QUEUE=queue whose SLUICE_CLUSTERS_FILE names the cluster "eu", or correct environments[].cluster.',
    );
  });
});

describe('a clock', () => {
  it.each([
    ['agrees within the time of asking', 1_500, 'ok', 'agrees'],
    ['agrees when it is off by little', 3_900, 'ok', 'agrees'],
    ['is ahead', 7_000, 'warning', 'It is 5 s ahead.'],
    ['is behind', -4_000, 'warning', 'It is 5 s behind.'],
    ['is far off', 3_602_000, 'problem', 'It is 3600 s ahead.'],
  ])('%s', (_, read, state, seen) => {
    expect(clockCheck('x', { before: 1_000, read, after: 2_000 })).toMatchObject({ state, seen });
  });
});
