import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import { computePlan, replanned, stageNames, type PlanInput } from './plan.js';
import { type Observation, type ResolvedImage } from './target.js';
import { grayReplicas } from './traffic.js';

const image: ResolvedImage = {
  requested: 'r/shop:v2',
  reference: 'r/shop@sha256:2',
  digest: 'sha256:2',
  version: 'v2',
};
const shop: Application = {
  name: 'shop',
  image: 'r/shop',
  traffic: { router: 'gateway-api', entry: 'http://entry/' },
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
};
const seen: Observation = {
  application: 'shop',
  environment: 'prod',
  exists: true,
  stableImage: 'r/shop:v1',
  stableDigest: 'sha256:1',
  replicas: 4,
  readyReplicas: 4,
  container: 'app',
};
const input = (spec: Application = shop, observation: Observation = seen): PlanInput => ({
  applications: [{ spec, image, observations: [observation] }],
  environment: null,
  strategy: null,
  lane: null,
});
const kinds = (plan: ReturnType<typeof computePlan>): string[] => plan.stages[0]!.steps.map((s) => s.kind);

describe('computePlan', () => {
  it('goes gray, tagged, probed, approved, weighted, promoted, returned, cleaned', () => {
    expect(kinds(computePlan(input()))).toEqual(
      'deploy-gray tag probe approval weight hold weight hold weight hold weight hold promote return-traffic cleanup'.split(
        ' ',
      ),
    );
  });

  it('deploys a first release straight and says so', () => {
    const plan = computePlan(
      input(shop, {
        ...seen,
        exists: false,
        stableImage: null,
        stableDigest: null,
        replicas: 0,
        readyReplicas: 0,
      }),
    );
    expect(kinds(plan)).toEqual(['deploy-straight']);
    expect(plan.stages[0]!.strategy).toBe('first');
    expect(plan.warnings[0]).toContain('First release of shop in prod');
  });

  it('deploys straight over a stable version without a ready pod, and says so', () => {
    const plan = computePlan(input(shop, { ...seen, readyReplicas: 0 }));
    expect(kinds(plan)).toEqual(['deploy-straight']);
    expect(plan.warnings[0]).toContain('no ready pod');
  });

  it('says when stable already runs what is asked for', () => {
    expect(computePlan(input(shop, { ...seen, stableDigest: image.digest })).warnings[0]).toContain(
      'already runs v2',
    );
  });

  it('has neither tag nor probe for a canary, and no approval where none is required', () => {
    const spec = {
      ...shop,
      release: { strategy: 'canary' as const, approval: { required: false }, steps: [{ weight: 100 }] },
    };
    expect(kinds(computePlan(input(spec)))).toEqual(
      'deploy-gray weight hold promote return-traffic cleanup'.split(' '),
    );
  });

  it('is plain rolling without traffic', () => {
    const plain: Application = { name: 'shop', image: 'r/shop', environments: shop.environments };
    expect(kinds(computePlan(input(plain)))).toEqual(['approval', 'deploy-straight']);
  });

  it('P2: changes stable only after every gate, while gray carries everything', () => {
    const spec = { ...shop, release: { steps: [{ weight: 10 }, { weight: 50 }] } };
    const steps = computePlan(input(spec)).stages[0]!.steps;
    const promote = steps.findIndex((s) => s.kind === 'promote');
    const before = steps.slice(0, promote);
    expect(before.filter((s) => s.kind === 'approval')).toHaveLength(1);
    expect(before.at(-1)).toMatchObject({ kind: 'weight', weight: 100, replicas: 4 });
    expect(steps.slice(promote).some((s) => s.kind === 'approval' || s.kind === 'hold')).toBe(false);
  });

  it('judges tagged requests before anybody is asked, where that is wished', () => {
    const spec = { ...shop, release: { verify: '5s' } };
    const steps = computePlan(input(spec)).stages[0]!.steps;
    const verify = steps.findIndex((s) => s.kind === 'hold' && s.weight === 0);
    expect(verify).toBeGreaterThan(-1);
    expect(verify).toBeLessThan(steps.findIndex((s) => s.kind === 'approval'));
  });

  it('scales gray to what its weight needs before the weight is set', () => {
    const weights = computePlan(input()).stages[0]!.steps.flatMap((s) =>
      s.kind === 'weight' ? [[s.weight, s.replicas]] : [],
    );
    expect(weights).toEqual([
      [10, 1],
      [25, 1],
      [50, 2],
      [100, 4],
    ]);
  });

  it('lets an environment differ from its application', () => {
    const spec: Application = {
      ...shop,
      release: { steps: [{ weight: 10, hold: '1h' }] },
      environments: [
        { name: 'prod', type: 'prod', namespace: 'shop', release: { steps: [{ weight: 50, hold: '2s' }] } },
      ],
    };
    const hold = computePlan(input(spec)).stages[0]!.steps.find((s) => s.kind === 'hold');
    expect(hold).toMatchObject({ weight: 50, durationMs: 2_000 });
  });

  it('goes through the environments in their order, or only the one that was asked for', () => {
    const spec: Application = {
      ...shop,
      environments: [
        { name: 'test', type: 'test', namespace: 't', release: { strategy: 'rolling' } },
        { name: 'prod', type: 'prod', namespace: 'p' },
      ],
    };
    const observations = [{ ...seen, environment: 'test' }, seen];
    const whole = { ...input(spec), applications: [{ spec, image, observations }] };
    expect(computePlan(whole).stages.map((s) => s.environment)).toEqual(['test', 'prod']);
    expect(computePlan({ ...whole, environment: 'prod' }).stages.map((s) => s.environment)).toEqual(['prod']);
  });

  it('P5: has another hash for another digest, another setting and another stable version, and the same for the same', () => {
    const hashes = [
      computePlan(input()).hash,
      computePlan({
        ...input(),
        applications: [{ spec: shop, image: { ...image, digest: 'sha256:9' }, observations: [seen] }],
      }).hash,
      computePlan(input({ ...shop, release: { drain: '6s' } })).hash,
      computePlan(input(shop, { ...seen, stableDigest: 'sha256:0' })).hash,
    ];
    expect(new Set(hashes).size).toBe(4);
    expect(computePlan(structuredClone(input())).hash).toBe(hashes[0]);
  });

  it('gives every step an id of its own', () => {
    const ids = computePlan(input()).stages.flatMap((s) => s.steps.map((t) => t.id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('grayReplicas', () => {
  it('is at least one and never fewer than the weight needs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 100 }), (replicas, weight) => {
        const gray = grayReplicas(replicas, weight);
        expect(gray).toBeGreaterThanOrEqual(1);
        expect(gray * 100).toBeGreaterThanOrEqual(replicas * weight);
        expect((gray - 1) * 100).toBeLessThan(Math.max(1, replicas * weight));
      }),
    );
  });
});

it('a later look changes only the stages that are still to come', () => {
  const environments = ['test', 'prod'].map((name) => ({ name, type: 'prod' as const, namespace: name }));
  const spec = { ...shop, environments };
  const at = (stableDigest: string) =>
    computePlan({
      ...input(spec),
      applications: [
        {
          spec,
          image,
          observations: environments.map((e) => ({ ...seen, environment: e.name, stableDigest })),
        },
      ],
    });
  const [before, now] = [at('sha256:1'), at(image.digest)];
  const later = replanned(before, now, 1);
  expect(later.stages).toEqual([before.stages[0], now.stages[1]]);
  expect(later.hash).not.toBe(now.hash);
  expect(replanned(before, before, 1)).toEqual(before);
});

describe('stages', () => {
  const spec: Application = {
    ...shop,
    release: { steps: [{ weight: 10, hold: '1m' }, { weight: 100 }], approval: { quorum: 2 } },
    environments: [
      {
        name: 'test',
        type: 'test',
        namespace: 'shop-test',
        release: { strategy: 'rolling', approval: { required: false } },
      },
      {
        name: 'pre',
        type: 'pre',
        namespace: 'shop-pre',
        release: { steps: [{ weight: 50, hold: '1s' }], approval: { approvers: ['qa'] }, analysis: null },
      },
      { name: 'prod', type: 'prod', namespace: 'shop', cluster: 'eu' },
    ],
  };
  const observations = ['test', 'pre', 'prod'].map((environment) => ({ ...seen, environment }));
  const plan = computePlan({ ...input(spec), applications: [{ spec, image, observations }] });
  const [test, pre, prod] = plan.stages;

  it('have the approval, the steps and the analysis of their environment, and where they say nothing those of the application', () => {
    expect(test!.steps.map((s) => s.kind)).toEqual(['deploy-straight']);
    const weights = (stage: typeof prod): number[] =>
      stage!.steps.flatMap((s) => (s.kind === 'weight' ? [s.weight] : []));
    expect([weights(pre), weights(prod)]).toEqual([
      [50, 100],
      [10, 100],
    ]);
    const approval = (stage: typeof prod) => stage!.steps.find((s) => s.kind === 'approval');
    expect(approval(pre)).toMatchObject({ settings: { quorum: 2, approvers: ['qa'] } });
    expect(approval(prod)).toMatchObject({ settings: { quorum: 2, approvers: [] } });
    const judged = (stage: typeof prod): boolean[] =>
      stage!.steps.flatMap((s) => (s.kind === 'hold' ? [s.analysis !== null] : []));
    expect([judged(pre), judged(prod)]).toEqual([[false], [true, true]]);
  });

  it('release the same bytes to their own place', () => {
    const places = plan.stages.map(({ targets: [t] }) => `${t!.cluster}/${t!.namespace} ${t!.image.digest}`);
    expect(places).toEqual(['default/shop-test sha256:2', 'default/shop-pre sha256:2', 'eu/shop sha256:2']);
  });

  it('have their gates in the hash: an approval is for what was seen', () => {
    const gate = { application: 'shop', environment: 'test', passed: 'here' } as const;
    const gates = new Map([['pre', [gate]]]);
    const gated = computePlan({ ...input(spec), applications: [{ spec, image, observations }], gates });
    expect(gated.stages.map((s) => s.gates)).toEqual([undefined, [gate], undefined]);
    expect(gated.hash).not.toBe(plan.hash);
  });

  it.each<[string, readonly (readonly string[])[], readonly string[]]>([
    ['one application: as it has them', [['test', 'pre', 'prod']], ['test', 'pre', 'prod']],
    [
      'what only a later one has stands where that one has it',
      [
        ['test', 'prod'],
        ['test', 'pre', 'prod'],
      ],
      ['test', 'pre', 'prod'],
    ],
    ['what only one has, before what both have', [['prod'], ['test', 'prod']], ['test', 'prod']],
    ['nothing in common: one after the other', [['a'], ['b']], ['a', 'b']],
    [
      'two that want the opposite: the first has its way',
      [
        ['x', 'y'],
        ['y', 'x'],
      ],
      ['x', 'y'],
    ],
  ])('of several applications come in an order: %s', (_, orders, expected) => {
    const specs = orders.map((names) => ({
      ...shop,
      environments: names.map((name) => ({ name, type: 'prod', namespace: name }) as const),
    }));
    expect(stageNames(specs, null)).toEqual(expected);
  });
});
