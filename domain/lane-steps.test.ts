import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput } from './application.js';
import type { Calls } from './chain.js';
import { computePlan, type Plan } from './plan.js';
import { type Step } from './stage.js';
import { type Observation, type ResolvedImage } from './target.js';

const image = (name: string): ResolvedImage => ({
  requested: `r/${name}:v2`,
  reference: `r/${name}@sha256:${name}`,
  digest: `sha256:${name}`,
  version: 'v2',
});
const seen = (name: string): Observation => ({
  application: name,
  environment: 'prod',
  exists: true,
  stableImage: `r/${name}:v1`,
  stableDigest: 'sha256:1',
  replicas: 2,
  readyReplicas: 2,
  container: 'app',
});

interface Given {
  readonly release?: ReleaseInput;
  readonly seen?: Partial<Observation>;
  readonly change?: Partial<Application>;
}

/** The plan of a release of these applications; a calls b, which calls c, and d and e call nobody. */
function planOf(
  given: Readonly<Record<string, Given>>,
  approveEach = false,
  edges: readonly Application[] = [],
): Plan {
  const calls: Calls = { a: ['b'], b: ['c'], c: [], d: [], e: [] };
  const applications = Object.entries(given).map(
    ([name, { release = {}, change = {}, seen: more = {} }]) => ({
      spec: {
        name,
        image: `r/${name}`,
        traffic: { router: 'gateway-api', entry: `http://${name}/` },
        release,
        environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
        ...change,
      } satisfies Application,
      image: image(name),
      observations: [{ ...seen(name), ...more }],
    }),
  );
  const asked = { environment: null, strategy: null, lane: null, approveEach };
  return computePlan({ applications, calls, edges, ...asked });
}
const stage = (plan: Plan) => plan.stages[0]!;
const line = (step: Step): string => `${step.kind} ${(step.of ?? ['all']).join('+')}`;
const lines = (plan: Plan): string[] => stage(plan).steps.map(line);
const twoSteps: ReleaseInput = { steps: [{ weight: 10 }, { weight: 100 }] };

describe('a stage with several applications', () => {
  it('deploys all gray, tags and probes, asks once, weighs, promotes, returns, cleans', () => {
    expect(lines(planOf({ a: { release: twoSteps }, c: {} }))).toEqual([
      'deploy-gray c+a',
      'tag c+a',
      'probe a',
      'approval c+a',
      'weight c+a',
      'hold c+a',
      'weight c+a',
      'hold c+a',
      'promote c+a',
      'return-traffic c+a',
      'cleanup c+a',
    ]);
  });

  it('has called before caller, and says who gets requests only through others', () => {
    const { targets } = stage(planOf({ a: {}, d: {}, c: {} }));
    expect(targets.map((t) => [t.application, t.level, t.inner ?? false])).toEqual([
      ['d', 0, false],
      ['c', 0, true],
      ['a', 1, false],
    ]);
  });

  it('stamps the tag where requests come in, and only if somebody behind has to know', () => {
    const stamps = (plan: Plan) =>
      stage(plan).targets.map((t) => [t.application, t.route?.stamps?.value ?? null]);
    expect(stamps(planOf({ a: {}, c: {} }))).toEqual([
      ['c', null],
      ['a', 'gray'],
    ]);
    expect(stamps(planOf({ d: {}, e: {} }))).toEqual([
      ['d', null],
      ['e', null],
    ]);
  });

  it('lets those enter that the application declares, with the tag also where it is released alone, and not behind others', () => {
    const group = { query: 'group', exact: 'gray' } as const;
    const user = { header: 'x-user', prefix: 'qa-' } as const;
    const enter: ReleaseInput = { tag: { enter: [group, { all: [group, user] }] } };
    const marks = (given: Readonly<Record<string, Given>>) =>
      stage(planOf(given)).targets.map(({ application, route }) => [
        application,
        route?.stamps,
        route?.enter,
        route?.untold,
      ]);
    const tag = { header: 'x-lane', value: 'gray' };
    const ways = [[group], [group, user]];
    const part: ReleaseInput = {
      tag: {
        enter: [
          { ...user, percent: 30 },
          { all: [group], percent: 100 },
        ],
      },
    };
    expect(marks({ d: { release: part } })).toEqual([['d', tag, [[user, { percent: 30 }], [group]], true]]);
    expect(marks({ a: { release: enter }, c: { release: enter } })).toEqual([
      ['c', undefined, undefined, undefined],
      ['a', tag, ways, undefined],
    ]);
    expect(marks({ d: { release: enter }, e: {} })).toEqual([
      ['d', tag, ways, true],
      ['e', undefined, undefined, undefined],
    ]);
    expect(marks({ d: { release: enter } })).toEqual([['d', tag, ways, true]]);
  });

  it('lets nobody enter a canary that is released alone, but a lane that begins with one', () => {
    const release: ReleaseInput = { strategy: 'canary', tag: { enter: [{ cookie: 'beta', exact: '1' }] } };
    const entering = (given: Readonly<Record<string, Given>>) =>
      stage(planOf(given)).targets.flatMap(({ application, route }) =>
        route?.enter === undefined ? [] : [application],
      );
    expect(entering({ d: { release } })).toEqual([]);
    expect(entering({ a: { release: { ...release, strategy: 'rolling' } } })).toEqual([]);
    expect(entering({ a: { release }, c: {} })).toEqual(['a']);
  });

  it('takes what an environment declares of the tag over what the application does, field by field', () => {
    const local: ReleaseInput = { tag: { enter: [{ query: 'b', in: ['1'] }] } };
    const plan = planOf({
      a: {
        release: { tag: { header: 'x-shop', enter: [{ query: 'a', exact: '1' }] } },
        change: { environments: [{ name: 'prod', type: 'prod', namespace: 'shop', release: local }] },
      },
    });
    expect(stage(plan).targets[0]!.route).toMatchObject({
      stamps: { header: 'x-shop', value: 'gray' },
      enter: [[{ query: 'b', in: ['1'] }]],
    });
  });

  it('takes steps and tag of the application that requests come to', () => {
    const { steps, strategy } = stage(
      planOf({ a: { release: twoSteps }, c: { release: { strategy: 'canary' } } }),
    );
    expect(strategy).toBe('gray');
    expect(steps.flatMap((s) => (s.kind === 'weight' ? [s.weight] : []))).toEqual([10, 100]);
  });

  it('has the tag also for a canary that leads to others, and not for canaries side by side', () => {
    const canary = { release: { strategy: 'canary' } } as const;
    expect(lines(planOf({ a: canary, c: canary }))).toContain('tag c+a');
    expect(lines(planOf({ d: canary, e: canary }))).not.toContain('tag d+e');
  });

  it('sizes each gray track by its own stable', () => {
    const plan = planOf({ a: { release: twoSteps }, c: { seen: { replicas: 30 } } });
    const sizes = stage(plan).steps.flatMap((s) => (s.kind === 'weight' ? [s.sizes] : []));
    expect(sizes).toEqual([
      { a: 1, c: 3 },
      { a: 2, c: 30 },
    ]);
  });

  it('asks once for those with the same approval settings, and for each that wants to be asked for itself', () => {
    const approvers = (name: string): Given => ({ release: { approval: { approvers: [name] } } });
    const asked = (plan: Plan) => lines(plan).filter((l) => l.startsWith('approval'));
    expect(asked(planOf({ a: approvers('ann'), c: approvers('ann') }))).toEqual(['approval c+a']);
    expect(asked(planOf({ a: approvers('ann'), c: approvers('bob') }))).toEqual(['approval c', 'approval a']);
    expect(asked(planOf({ a: {}, c: {} }, true))).toEqual(['approval c', 'approval a']);
    expect(asked(planOf({ a: {}, c: { release: { approval: { required: false } } } }))).toEqual([
      'approval a',
    ]);
  });

  it('judges each by its own analysis, and warns where nothing is judged at all', () => {
    const none = { release: { analysis: null } };
    const { targets, steps } = stage(planOf({ a: none, c: {} }));
    expect(targets.map((t) => t.analysis === null)).toEqual([false, true]);
    expect(steps.find((s) => s.kind === 'hold')).toMatchObject({ analysis: { interval: '10s' } });
    expect(planOf({ a: none, c: none }).warnings).toEqual([
      expect.stringContaining('No analysis'),
      expect.stringContaining('the consumers of c, a are not declared'),
    ]);
  });

  it('deploys straight what has no stable version, first, and lets requests come to what it would have led to', () => {
    const plan = planOf({ a: { seen: { exists: false, readyReplicas: 0 } }, c: {} });
    expect(lines(plan).slice(0, 2)).toEqual(['deploy-straight a', 'deploy-gray c']);
    expect(lines(plan)).toContain('promote c');
    expect(stage(plan).targets.find((t) => t.application === 'c')).not.toHaveProperty('inner');
  });

  it('rolls with the promotion what has no gray track, and only rolls where nothing has one', () => {
    const rolling = { release: { strategy: 'rolling' } } as const;
    expect(lines(planOf({ a: {}, c: rolling }))).toContain('promote c+a');
    expect(lines(planOf({ a: rolling, c: rolling }))).toEqual(['approval c+a', 'deploy-straight c+a']);
  });

  it('P2: changes stable only after every gate, while gray carries everything', () => {
    const { steps } = stage(planOf({ a: { release: { steps: [{ weight: 10 }] } }, c: {} }));
    const before = steps.slice(
      0,
      steps.findIndex((s) => s.kind === 'promote'),
    );
    expect(before.at(-1)).toMatchObject({ kind: 'weight', weight: 100 });
    expect(before.filter((s) => s.kind === 'approval')).toHaveLength(1);
  });
});

describe('an application that is reached through others that are not released', () => {
  const edge: Application = {
    name: 'a',
    image: 'r/a',
    traffic: { router: 'contour', entry: 'http://a/', chainHeader: 'x-versions' },
    environments: [{ name: 'prod', type: 'prod', namespace: 'front' }],
  };
  const behind: Given = {
    release: twoSteps,
    change: { traffic: { router: 'gateway-api', entry: 'http://c/', edges: ['a'] } },
  };

  it('has its share at their routes, where the tag is put on, and none at its own', () => {
    const { targets, edges, steps } = stage(planOf({ c: behind }, false, [edge]));
    expect(targets).toMatchObject([{ application: 'c', inner: true, route: { grayService: 'c-gray' } }]);
    expect(targets[0]!.route).not.toHaveProperty('stamps');
    const tag = { header: 'x-lane', value: 'gray' };
    const route = {
      router: 'contour',
      namespace: 'front',
      stableService: 'a',
      grayService: 'a',
      guest: true,
    };
    expect(edges).toMatchObject([{ application: 'a', level: 1, route: { ...route, stamps: tag } }]);
    expect(edges![0]!.probe?.chain?.members).toEqual([{ names: ['c', 'c'], isSame: false, version: 'v2' }]);
    expect(steps.map(line).slice(0, 6)).toEqual([
      'deploy-gray c',
      'tag c',
      'probe ',
      'approval c',
      'weight c',
      'hold c',
    ]);
  });

  it('waits as long as proxies of the edge may need to hear of a change', () => {
    const far = { ...edge, traffic: { router: 'istio' as const } };
    const drain = (at: Application): unknown =>
      stage(planOf({ c: behind }, false, [at])).steps.find((step) => step.kind === 'cleanup');
    expect([drain(edge), drain(far)]).toMatchObject([{ drainMs: 5_000 }, { drainMs: 12_000 }]);
  });

  it('lets in at the edge whom any of those behind it lets in, each way once', () => {
    const [group, user] = [
      { query: 'group', exact: 'gray' } as const,
      { header: 'x-user', exact: '7' } as const,
    ];
    const entered = (...enter: NonNullable<NonNullable<ReleaseInput['tag']>['enter']>): Given => ({
      ...behind,
      release: { tag: { enter } },
    });
    const { edges } = stage(planOf({ b: entered(group), c: entered(user, group) }, false, [edge]));
    expect(edges![0]!.route.enter).toEqual(expect.arrayContaining([[group], [user]]));
    expect(edges![0]!.route.enter).toHaveLength(2);
    const part = { ...group, percent: 30 };
    const more = { ...group, percent: 60 };
    const enterBy = (...ways: Given[]): unknown =>
      stage(planOf({ b: ways[0]!, c: ways[1]! }, false, [edge])).edges![0]!.route.enter;
    expect(enterBy(entered(more), entered(part))).toEqual([[group, { percent: 60 }]]);
    expect(enterBy(entered(part), entered(more))).toEqual([[group, { percent: 60 }]]);
    expect(enterBy(entered(group), entered(more))).toEqual([[group]]);
  });

  it('is an ordinary member of a lane where they are released with it', () => {
    const { targets, edges } = stage(planOf({ a: {}, c: behind }));
    expect(edges).toBeUndefined();
    expect(targets.map((t) => [t.application, t.level, t.inner ?? false])).toEqual([
      ['c', 0, true],
      ['a', 1, false],
    ]);
  });

  it('has no edge where there is nothing gray, or where nobody knows it any more', () => {
    const first = { ...behind, seen: { exists: false, stableImage: null } };
    expect(stage(planOf({ c: first }, false, [edge]))).toMatchObject({ strategy: 'first' });
    expect(stage(planOf({ c: first }, false, [edge])).edges).toBeUndefined();
    expect(stage(planOf({ c: behind })).targets[0]).not.toHaveProperty('inner');
  });
});
