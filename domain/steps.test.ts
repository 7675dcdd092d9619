import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput, Strategy } from './application.js';
import { computePlan, type Plan } from './plan.js';
import { type Observation, type ResolvedImage } from './target.js';
import type { BackTo } from './release.js';
import type { RouterKind } from './traffic.js';

const image = (version: string): ResolvedImage => ({
  requested: `r/shop:${version}`,
  reference: `r/shop@sha256:${version}`,
  digest: `sha256:${version}`,
  version,
});
const shop: Application = {
  name: 'shop',
  image: 'r/shop',
  traffic: { router: 'gateway-api', entry: 'http://entry/' },
  release: { verify: '5s' },
  environments: [
    { name: 'test', type: 'test', namespace: 'test' },
    { name: 'prod', type: 'prod', namespace: 'shop' },
  ],
};
const seen: Observation = {
  application: 'shop',
  environment: 'prod',
  exists: true,
  stableImage: 'r/shop:v2',
  stableDigest: 'sha256:v2',
  replicas: 4,
  readyReplicas: 4,
  container: 'app',
};
const back = (environment: string): BackTo => ({
  application: 'shop',
  environment,
  image: 'r/shop:v1@sha256:1',
  from: 'v2',
  undoes: 'sha256:v2',
});

/** The plan of a rollback to v1; `release` over the declared settings. */
function plan(
  observations: readonly Partial<Observation>[] = [{}],
  release: ReleaseInput = {},
  change: Partial<Application> = {},
): Plan {
  const spec = { ...shop, ...change, release: { ...shop.release, ...release } };
  const looked = observations.map((o) => ({ ...seen, ...o }));
  const stages = looked.map((o) => back(o.environment));
  return computePlan({
    applications: [{ spec, image: image('v1'), observations: looked }],
    environment: null,
    strategy: null,
    lane: null,
    rollback: { of: 'r2', way: { stages, warnings: ['test is left as it is.'] } },
  });
}
const steps = (p: Plan) => p.stages[0]!.steps;
const kinds = (p: Plan): string =>
  steps(p)
    .map((s) => s.kind)
    .join(' ');
const straight = 'deploy-straight';
const whole = 'deploy-gray weight promote return-traffic cleanup';

describe('the plan of a blue-green release', () => {
  const planned = (release: ReleaseInput, strategy: Strategy | null = null): Plan =>
    computePlan({
      applications: [
        {
          spec: { ...shop, release: { ...shop.release, ...release } },
          image: image('v3'),
          observations: [seen],
        },
      ],
      environment: 'prod',
      strategy,
      lane: null,
    });

  it('comes up whole, is seen by its tag, switches at once, keeps the old version for a while, promotes', () => {
    const p = planned({ strategy: 'blue-green', undoWindow: '20m', steps: [{ weight: 5 }] });
    expect(kinds(p)).toBe('deploy-gray tag probe hold approval weight hold promote return-traffic cleanup');
    expect(steps(p).flatMap((s) => ('replicas' in s ? [s.replicas] : []))).toEqual([4, 4]);
    const [, last] = steps(p).filter((s) => s.kind === 'hold');
    expect(last).toMatchObject({
      weight: 100,
      durationMs: 1_200_000,
      analysis: { interval: '10s' },
      summary: 'keep the old version, one write away, for 20m under analysis',
    });
  });

  it('may be asked for by the release; the window is 10 minutes', () => {
    const last = steps(planned({}, 'blue-green')).findLast((s) => s.kind === 'hold');
    expect(last).toMatchObject({ weight: 100, durationMs: 600_000 });
  });
});

describe('the plan of a rollback', () => {
  it.each<[string, Plan, string]>([
    ['deploys whole, moves all traffic at once, promotes, cleans up', plan(), whole],
    ['asks nobody, where approval is required', plan([{}], { approval: { required: true } }), whole],
    ['holds nothing and judges nothing, whatever the strategy', plan([{}], { strategy: 'canary' }), whole],
    ['deploys straight without traffic', plan([{}], { strategy: 'rolling' }), straight],
    ['deploys straight where the version that goes has no ready pod', plan([{ readyReplicas: 0 }]), straight],
    ['deploys straight what was deleted', plan([{ exists: false, readyReplicas: 0 }]), straight],
    ['does nothing where it runs already', plan([{ stableDigest: 'sha256:v1' }]), ''],
    [
      'does nothing half-way: pods of the earlier version that are about to go do not count',
      plan([{ stableDigest: 'sha256:v1', stableImage: `r/shop@sha256:${'2'.repeat(64)}` }]),
      whole,
    ],
  ])('%s', (_, p, expected) => {
    expect(kinds(p)).toBe(expected);
  });

  it('P1: has as many pods as the whole traffic needs, from the beginning', () => {
    const needs = (release: ReleaseInput): unknown[] =>
      steps(plan([{}], release)).flatMap((s) => ('replicas' in s ? [s.replicas] : []));
    expect(needs({})).toEqual([4, 4]);
    expect(needs({ replicas: 1 })).toEqual([4, 4]);
    expect(needs({ replicas: 6 })).toEqual([6, 6]);
  });

  it('says what it undoes, what is left, and that gates are shortened', () => {
    const p = plan();
    expect(p.rollbackOf).toBe('r2');
    expect(p.warnings).toEqual([
      'test is left as it is.',
      expect.stringMatching(/^A rollback has no approval, .* no holds and no analysis/),
    ]);
    expect(steps(p).map((s) => s.summary)).toEqual([
      'deploy v1 beside v2, with all its pods',
      '100 % of traffic back from v2 to v1',
      'set stable to v1',
      'traffic back to stable',
      'remove the gray objects after a drain of 5s',
    ]);
  });

  it.each([
    ['5s', 'contour', {}],
    ['12s', 'istio', {}],
    ['1s', 'istio', { drain: '1s' }],
  ] as const satisfies [string, RouterKind, ReleaseInput][])(
    'drains for %s with %s and %j',
    (drain, router, release) => {
      const { steps } = plan([{}], release, { traffic: { router } }).stages[0]!;
      expect(steps.at(-1)?.summary).toContain(`a drain of ${drain}`);
    },
  );

  it('goes through the environments in its own order', () => {
    const p = plan([{ environment: 'prod' }, { environment: 'test' }]);
    expect(p.stages.map((s) => s.environment)).toEqual(['prod', 'test']);
  });

  it('may bring another version to each environment', () => {
    const stages = ['prod', 'test'].map(back);
    const p = computePlan({
      applications: [
        {
          spec: shop,
          image: image('v1'),
          images: { test: image('v0') },
          observations: [seen, { ...seen, environment: 'test' }],
        },
      ],
      environment: null,
      strategy: null,
      lane: null,
      rollback: { of: 'r2', way: { stages, warnings: [] } },
    });
    expect(p.stages.map((s) => s.targets[0]!.image.version)).toEqual(['v1', 'v0']);
  });

  it('lets nobody enter, so that no lane of others is in its way', () => {
    const release = { tag: { enter: [{ query: 'group', exact: 'gray' }] } } as const;
    const { route } = plan([{}], release).stages[0]!.targets[0]!;
    expect(route).not.toHaveProperty('enter');
    expect(route).not.toHaveProperty('stamps');
  });
});
