import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput } from './application.js';
import { consumersIn, filled, grayLabels, grayVariables, unknownWords, type Consumers } from './consumers.js';
import type { Calls } from './chain.js';
import { computePlan, type Plan } from './plan.js';

const words = { lane: 'blue', tag: 'b1' };

describe('the variables of gray', () => {
  it('are none where there are no consumers, or none are declared', () => {
    expect([grayVariables(null, words), grayVariables('none', words)]).toEqual([[], []]);
  });

  it('have usual values, and words of the lane in those that are given', () => {
    const consumers: Consumers = [
      { name: 'orders', group: { env: 'G' }, filter: { env: 'F', value: "lane = '{{ tag }}'" } },
      { name: 'bills', topic: { env: 'T' } },
    ];
    expect(grayVariables(consumers, words)).toEqual([
      { consumer: 'orders', env: 'G', value: '{{stable}}-blue', isApart: true },
      { consumer: 'orders', env: 'F', value: "lane = 'b1'", isApart: false },
      { consumer: 'bills', env: 'T', value: '{{stable}}-blue', isApart: true },
    ]);
    expect(grayVariables([{ name: 'a', filter: { env: 'F' } }], words)).toMatchObject([{ value: 'b1' }]);
  });

  it('and labels of its pods have the words of the lane', () => {
    const declared = { 'alicloud.service.tag': '{{tag}}', 'x/lane': 'lane-{{ lane }}', team: 'a' };
    expect(grayLabels(declared, words)).toEqual({
      grayLabels: { 'alicloud.service.tag': 'b1', 'x/lane': 'lane-blue', team: 'a' },
    });
    expect(grayLabels(undefined, words)).toEqual({});
  });

  it('keep what nobody knows, and name it', () => {
    expect(filled('{{stable}} {{nobody}}', { stable: 'x' })).toBe('x {{nobody}}');
    expect(unknownWords('{{stable}} {{ nobody }} {{lane}}')).toEqual(['nobody']);
  });
});

describe('a plan', () => {
  type Traffic = NonNullable<Application['traffic']>;
  const spec = (name: string, change: Partial<Application> = {}): Application => ({
    name,
    image: `r/${name}`,
    traffic: { router: 'gateway-api', entry: `http://${name}/` },
    environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
    ...change,
  });
  const planOf = (specs: readonly Application[], lane: string | null = null, calls: Calls = {}): Plan =>
    computePlan({
      calls,
      applications: specs.map((one) => ({
        spec: one,
        image: { requested: 'v2', reference: 'r', digest: 'sha256:2', version: 'v2' },
        observations: [
          {
            application: one.name,
            environment: 'prod',
            exists: true,
            stableImage: 'r:v1',
            stableDigest: 'sha256:1',
            replicas: 2,
            readyReplicas: 2,
            container: 'app',
          },
        ],
      })),
      environment: null,
      strategy: null,
      lane,
    });
  const consumers = { consumers: 'none' } as const;
  const undeclared = ({ stages }: Plan) => stages[0]!.targets.map((t) => t.probe?.undeclared);

  it('tells the probe of whom nobody has said it, and warns of a lane', () => {
    const plan = planOf([spec('a', consumers), spec('c')]);
    expect(undeclared(plan)).toEqual([['c'], ['c']]);
    expect(plan.warnings).toEqual([
      expect.stringMatching(/^The lane in prod will be not verified: the consumers of c are not declared/),
    ]);
    expect(planOf([spec('a')], 'blue').warnings).toHaveLength(1);
  });

  it('says nothing of a lane whose applications all say it', () => {
    const plan = planOf([
      spec('a', consumers),
      spec('c', { consumers: [{ name: 'x', topic: { env: 'T' } }] }),
    ]);
    expect([undeclared(plan), plan.warnings]).toEqual([[[], []], []]);
    expect(plan.stages[0]!.targets.map((t) => t.grayVariables?.length)).toEqual([undefined, 1]);
  });

  it('says neither where one application is released without a named lane', () => {
    const plan = planOf([spec('a')]);
    expect([undeclared(plan), plan.warnings]).toEqual([[undefined], []]);
    expect(undeclared(planOf([spec('a', consumers)]))).toEqual([[]]);
    const turned = spec('a', { release: { strategy: 'blue-green' } });
    expect(undeclared(planOf([turned]))).toEqual([undefined]);
    expect(undeclared(planOf([turned], 'blue'))).toEqual([['a']]);
  });

  it.each<{ readonly name: string; readonly traffic: Partial<Traffic>; readonly found: readonly RegExp[] }>([
    { name: 'nobody asks', traffic: {}, found: [/through gray of c. Say where requests come in/] },
    {
      name: 'no answer tells',
      traffic: { entry: 'http://a/' },
      found: [/through gray of c. Name the header in which answers tell/],
    },
    { name: 'answers tell', traffic: { entry: 'http://a/', chainHeader: 'x-chain' }, found: [] },
  ])('says of a lane of which the inner part is not seen, that $name', ({ traffic, found }) => {
    const inner = spec('c', consumers);
    const entry = spec('a', { ...consumers, traffic: { router: 'gateway-api', ...traffic } });
    const { warnings, stages } = planOf([entry, inner], null, { a: ['c'] });
    expect(warnings).toEqual(found.map((text) => expect.stringMatching(text)));
    const isAsked = traffic.entry !== undefined && found.length > 0;
    expect(stages[0]!.targets.find((t) => t.application === 'a')?.probe?.unseen).toEqual(
      isAsked ? ['c'] : undefined,
    );
  });

  it('warns of no lane that nobody enters by a tag', () => {
    const rolling: { release: ReleaseInput } = { release: { strategy: 'rolling' } };
    expect(planOf([spec('a', rolling), spec('c', rolling)]).warnings).toEqual([]);
    expect(planOf([spec('a', { release: { strategy: 'canary' } })], 'blue').warnings).toEqual([]);
  });
});

it('what an environment says of consumers goes before what the application says', () => {
  const environment = { name: 'prod', type: 'prod', namespace: 'shop' } as const;
  const application: Application = { name: 'a', image: 'r', consumers: [], environments: [environment] };
  expect(consumersIn(application, { ...environment, consumers: 'none' })).toBe('none');
  expect(consumersIn(application, environment)).toEqual([]);
  expect(consumersIn({ ...application, consumers: 'none' }, environment)).toBe('none');
});
