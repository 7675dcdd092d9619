import { describe, expect, it } from 'vitest';
import type { ReleaseInput } from './application.js';
import { mayLeave, stageWithout, stepKindAt, wayAfter, withoutApplication } from './leaving.js';
import { computePlan, type Plan } from './plan.js';
import type { ReleaseInputs } from './release.js';
import type { Stage, Step } from './stage.js';

const calls = { a: ['b'], b: ['c'] };
const specOf = (name: string, release: ReleaseInput = {}) => ({
  name,
  image: `r/${name}`,
  traffic: { router: 'gateway-api', entry: `http://${name}/`, chainHeader: 'x-versions' } as const,
  release: { steps: [{ weight: 10 }, { weight: 50 }], ...release },
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }] as const,
});

/** A release of these; a calls b, which calls c, and d calls nobody. */
function planOf(given: Readonly<Record<string, ReleaseInput>>): Plan {
  const applications = Object.entries(given).map(([name, release]) => ({
    spec: specOf(name, release),
    image: { requested: `r/${name}:v2`, reference: `r/${name}@2`, digest: 'sha256:2', version: 'v2' },
    observations: [
      {
        application: name,
        environment: 'prod',
        exists: true,
        stableImage: `r/${name}:v1`,
        stableDigest: 'sha256:1',
        replicas: name === 'c' ? 40 : 2,
        readyReplicas: 2,
        container: 'app',
      },
    ],
  }));
  return computePlan({
    applications,
    calls,
    environment: null,
    strategy: null,
    lane: null,
    approveEach: true,
  });
}
const alone: ReleaseInput = { onFailure: 'alone' };
const stageOf = (given: Readonly<Record<string, ReleaseInput>>): Stage => planOf(given).stages[0]!;
const stepOf = (stage: Stage, kind: Step['kind'], nth = 0): Step =>
  stage.steps.filter((step) => step.kind === kind)[nth]!;
const kinds = (steps: readonly Step[]): string[] =>
  steps.map((step) => `${step.kind} ${(step.of ?? []).join('+')}`);

describe('who goes back alone', () => {
  it.each<[string, Readonly<Record<string, ReleaseInput>>, string, boolean]>([
    ['who says so and is reached through others', { a: {}, c: alone }, 'c', true],
    ['who says so and has an entry of its own', { a: {}, d: alone }, 'd', true],
    ['nobody who does not say so', { a: {}, c: alone }, 'a', false],
    ['nobody that others are reached through', { a: alone, c: {} }, 'a', false],
    ['nobody of a strict lane', { a: { tag: { strict: true } }, c: alone }, 'c', false],
    ['nobody who is alone', { c: alone }, 'c', false],
    ['nobody without a gray track', { a: {}, c: { ...alone, strategy: 'rolling' } }, 'c', false],
  ])('%s', (_, given, name, expected) => {
    expect(mayLeave(stageOf(given), 'hold', name)).toBe(expected);
  });

  it('and the plan says so, or why all go back', () => {
    const told = (given: Readonly<Record<string, ReleaseInput>>): string[] =>
      planOf(given).warnings.filter((warning) => warning.startsWith('If '));
    expect(told({ a: alone, c: alone })).toEqual([
      'If c fails in prod before the promotion, it goes back alone and the others go on.',
      'If a fails in prod, all go back: requests to c come in through it.',
    ]);
    expect(told({ a: { tag: { strict: true } }, c: alone })).toEqual([
      'If c fails in prod, all go back: the lane is strict.',
    ]);
    expect(told({ a: {}, c: {} })).toEqual([]);
  });

  it.each<[Step['kind'], boolean]>([
    ['deploy-gray', true],
    ['tag', true],
    ['approval', true],
    ['weight', true],
    ['hold', true],
    ['promote', false],
    ['return-traffic', false],
    ['cleanup', false],
  ])('in the step %s: %s', (kind, expected) => {
    expect(mayLeave(stageOf({ a: {}, c: alone }), kind, 'c')).toBe(expected);
  });

  it('never the last one that has a gray track', () => {
    const stage = stageOf({ a: alone, d: alone });
    expect(mayLeave(stage, 'hold', 'a')).toBe(true);
    expect(mayLeave(stageWithout(stage, new Set(['d'])), 'hold', 'a')).toBe(false);
  });
});

describe('what is left', () => {
  const stage = stageOf({ a: {}, c: alone });
  const gone = new Set(['c']);

  it('has neither the target nor its steps, needs its pods no more, and expects nobody on the way who has gone', () => {
    const rest = stageWithout(stage, gone);
    expect(rest.targets.map((t) => t.application)).toEqual(['a']);
    expect(kinds(stage.steps).filter((step) => step.startsWith('approval'))).toEqual([
      'approval c',
      'approval a',
    ]);
    expect(kinds(rest.steps)).toEqual([
      'deploy-gray a',
      'tag a',
      'probe a',
      'approval a',
      'weight a',
      'hold a',
      'weight a',
      'hold a',
      'weight a',
      'promote a',
      'return-traffic a',
      'cleanup a',
    ]);
    expect(stepOf(stage, 'weight')).toMatchObject({ replicas: 4, sizes: { a: 1, c: 4 } });
    expect(stepOf(rest, 'weight')).toMatchObject({ replicas: 1, sizes: { a: 1 } });
    expect(stage.targets[1]!.probe?.chain?.members.map((m) => m.names[0])).toEqual(['c', 'a']);
    expect(rest.targets[0]!.probe?.chain?.members.map((m) => m.names[0])).toEqual(['a']);
  });

  it('waits without a judge where only who has gone was judged', () => {
    const judged = stageOf({ a: { analysis: null }, c: alone });
    expect(stepOf(judged, 'hold')).toMatchObject({ analysis: { failureLimit: 0 } });
    expect(stepOf(stageWithout(judged, gone), 'hold')).toMatchObject({ of: ['a'], analysis: null });
  });

  it('is the stage itself while nobody has gone', () => {
    expect(stageWithout(stage, new Set())).toBe(stage);
  });

  it.each<[string, Step | null, number, string[]]>([
    ['a failed deployment is made again', stepOf(stage, 'deploy-gray'), 1, ['deploy-gray a', 'tag a']],
    [
      'an approval of who has gone is not asked again',
      stepOf(stage, 'approval'),
      4,
      ['approval a', 'weight a'],
    ],
    ['a weight is set again', stepOf(stage, 'weight', 1), 8, ['weight a', 'hold a']],
    ['before a hold its weight, which is with stable', stepOf(stage, 'hold'), 6, ['weight a', 'hold a']],
    ['a pause has a weight too', null, 7, ['weight a', 'weight a']],
  ])('%s', (_, current, from, expected) => {
    const way = { current, rest: stage.steps.slice(from) };
    expect(kinds(wayAfter(way, stageWithout(stage, gone), stepOf(stage, 'weight')).rest).slice(0, 2)).toEqual(
      expected,
    );
  });

  it('before a look at tagged requests they have to come to gray again', () => {
    const look: Step = {
      id: 'prod/look',
      kind: 'hold',
      summary: '',
      of: ['c', 'a'],
      weight: 0,
      durationMs: 1,
      analysis: null,
    };
    const left = stageWithout(stage, gone);
    const { rest } = wayAfter({ current: look, rest: [] }, left, stepOf(stage, 'tag'));
    expect(kinds(rest)).toEqual(['tag a', 'hold a']);
  });

  it('in a pause before the promotion everything is given to gray, and held, again', () => {
    const promotion = stage.steps.findIndex(({ kind }) => kind === 'promote');
    const way = { current: null, rest: stage.steps.slice(promotion) };
    expect([stepKindAt(way), stepKindAt({ current: null, rest: way.rest.slice(1) })]).toEqual([
      'hold',
      'return-traffic',
    ]);
    const { rest } = wayAfter(way, stageWithout(stage, gone), stepOf(stage, 'weight', 2));
    expect(kinds(rest).slice(0, 3)).toEqual(['weight a', 'hold a', 'promote a']);
  });

  it('is released further as if the other had only been called, or come through', () => {
    const edged = { ...specOf('d'), traffic: { router: 'gateway-api', edges: ['a'] } as const };
    const inputs = {
      applications: [specOf('a'), edged, { ...specOf('c'), dependsOn: ['e'] }],
    } as unknown as ReleaseInputs;
    const withoutC = withoutApplication(inputs, 'c');
    expect(withoutC).toMatchObject({ calls: { c: ['e'] } });
    expect(withoutC.applications.map((a) => a.name)).toEqual(['a', 'd']);
    expect(withoutC.edges).toBeUndefined();
    expect(withoutApplication(inputs, 'a').edges?.map((a) => a.name)).toEqual(['a']);
  });
});
