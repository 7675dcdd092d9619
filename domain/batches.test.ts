import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, ReleaseInput } from './application.js';
import { batchCounts, batchProblems, handedOver, sizesOf } from './batches.js';
import { computePlan } from './plan.js';
import { type Observation } from './target.js';

const pods = (...all: Batch['pods'][]): Batch[] => all.map((one) => ({ pods: one }));

describe('pods after each batch', () => {
  it.each<[string, Batch['pods'][], number, number[]]>([
    ['numbers and shares', [1, '50%', '100%'], 4, [1, 2, 4]],
    ['a share is rounded up', ['10%', '30%', '100%'], 5, [1, 2, 5]],
    ['all comes last, declared or not', [1], 3, [1, 3]],
    ['none is more than all', [2, 5], 3, [2, 3]],
    ['none is less than the one before', [3, '50%'], 4, [3, 3, 4]],
    ['one pod is one batch', ['10%', '50%'], 1, [1, 1]],
  ])('%s', (_, batches, replicas, counts) => {
    expect(batchCounts(pods(...batches), replicas)).toEqual(counts);
  });

  it('go up to all, and stable is handed over in steps that are not larger, whatever is declared', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 100 }).map((n) => `${n}%`),
    );
    fc.assert(
      fc.property(fc.array(size, { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (sizes, replicas) => {
        const batches = batchCounts(pods(...sizes), replicas);
        const steps = (counts: readonly number[]): number[] => counts.map((n, i) => n - (counts[i - 1] ?? 0));
        expect(batches.at(-1)).toBe(replicas);
        expect(Math.min(...steps(batches))).toBeGreaterThanOrEqual(0);
        const target = { batches, stableReplicas: replicas };
        const rounds = handedOver(target);
        expect(rounds.at(-1)).toBe(replicas);
        expect(Math.min(...steps(rounds))).toBeGreaterThan(0);
        expect(Math.max(...steps(rounds))).toBeLessThanOrEqual(Math.max(...steps(batches)));
        expect(sizesOf(target)).toEqual(expect.arrayContaining([replicas, 0, ...rounds]));
      }),
    );
  });
});

const seen: Observation = {
  application: 'shop',
  environment: 'prod',
  exists: true,
  stableImage: 'r/shop:v1',
  stableDigest: 'sha256:v1',
  replicas: 4,
  readyReplicas: 4,
  container: 'app',
};
const image = { requested: 'v2', reference: 'r/shop@sha256:v2', digest: 'sha256:v2', version: 'v2' };
const spec = (release: ReleaseInput) => ({
  name: 'shop',
  image: 'r/shop',
  traffic: { router: 'contour' } as const,
  release: { strategy: 'rolling' as const, ...release },
  environments: [{ name: 'prod', type: 'prod' as const, namespace: 'shop' }],
});
const plan = (release: ReleaseInput, change: Partial<Observation> = {}, rest: object = {}) =>
  computePlan({
    applications: [{ spec: spec(release), image, observations: [{ ...seen, ...change }] }],
    environment: null,
    strategy: null,
    lane: null,
    ...rest,
  });
const kinds = (of: ReturnType<typeof plan>): string => of.stages[0]!.steps.map((s) => s.kind).join(' ');
const three: Batch[] = [{ pods: 1, approval: true }, { pods: '50%', hold: '10m' }, { pods: '100%' }];

describe('the plan of batches', () => {
  it('has a hold or an approval after any of them, and says how many pods', () => {
    const made = plan({ approval: { required: false, quorum: 2 }, batches: three });
    expect(kinds(made)).toBe('batch approval batch hold batch promote cleanup');
    expect(made.stages[0]!.steps).toMatchObject([
      { pods: 1, summary: '1 of 4 pod(s) of shop on v2' },
      { settings: { required: true, quorum: 2 } },
      { pods: 2 },
      { weight: 0, pods: 2, durationMs: 600_000, analysis: null },
      { pods: 4 },
      { kind: 'promote' },
      { kind: 'cleanup', drainMs: 0 },
    ]);
    expect(made.stages[0]!.targets).toMatchObject([{ gray: 'shop-batch', batches: [1, 2, 4], route: null }]);
    expect(made.warnings).toEqual([expect.stringContaining('not judged')]);
  });

  it('asks before the first one too, where the strategy does', () => {
    expect(kinds(plan({ batches: [{ pods: 1 }] }))).toBe('approval batch batch promote cleanup');
  });

  it.each<[string, ReturnType<typeof plan>, string]>([
    [
      'nothing of it where no pod of stable could carry the rest',
      plan({ batches: three }, { readyReplicas: 0 }),
      'rolled at once',
    ],
    ['nor where stable has no replicas', plan({ batches: three }, { replicas: 0 }), 'rolled at once'],
    ['nor in a first release', plan({ batches: three }, { exists: false }), 'First release'],
    ['nor with weights', plan({ batches: three }, {}, { strategy: 'canary' }), 'left out'],
  ])('%s', (_, made, warning) => {
    expect(kinds(made)).not.toContain('batch');
    expect(made.stages[0]!.targets[0]).not.toHaveProperty('batches');
    expect(made.warnings.join()).toContain(warning);
  });

  it('nor in a rollback', () => {
    const way = {
      stages: [{ application: 'shop', environment: 'prod', image: 'v2', from: 'v3', undoes: null }],
      warnings: [],
    };
    const made = plan({ batches: three }, {}, { rollback: { of: 'r1', way } });
    expect(kinds(made)).toBe('deploy-straight');
    expect(made.stages[0]!.targets[0]).not.toHaveProperty('batches');
  });
});

describe('several applications in one release', () => {
  const other = { ...spec({}), name: 'cart' };
  const asked = { environment: null, strategy: null };

  it('have no batches: each that declares them is named', () => {
    const problems = batchProblems([spec({ batches: three }), other], asked);
    expect(problems).toMatchObject([
      { code: 'batches_together', message: expect.stringContaining('"shop" is promoted in batches in prod') },
    ]);
  });

  it('may where weights are asked for instead, or where it is the way back', () => {
    const both = [spec({ batches: three }), other];
    expect(batchProblems(both, { ...asked, strategy: 'gray' })).toEqual([]);
    expect(batchProblems(both, { ...asked, wayBack: { stages: [], warnings: [] } })).toEqual([]);
    expect(batchProblems([both[0]!], asked)).toEqual([]);
  });
});
