import { describe, expect, it } from 'vitest';
import { samplePlan } from '../test/fakes/release-view.js';
import { defaultAnalysis } from './application.js';
import type { Stage, Step } from './stage.js';
import type { Target } from './target.js';
import { shiftProblem, steeredSteps, wayAbove, wayToPromotion, weightProblem, type Way } from './steering.js';

const planned = samplePlan().stages[0]!;
const hold = (weight: number, durationMs: number): Step => ({
  id: `prod/hold-${weight}`,
  kind: 'hold',
  weight,
  durationMs,
  analysis: defaultAnalysis,
  summary: `hold ${weight} %`,
});
const weight = (of: number): Step => ({
  id: `prod/weight-${of}`,
  kind: 'weight',
  weight: of,
  replicas: 1,
  summary: `${of} %`,
});
/** deploy, tag, verification, approval; 10, 25, 100 with a hold each; promote, return, cleanup. */
const stage: Stage = {
  ...planned,
  targets: [{ ...planned.targets[0]!, stableReplicas: 8 }],
  steps: [
    ...planned.steps.slice(0, 2),
    hold(0, 5_000),
    planned.steps[2]!,
    ...[10, 25, 100].flatMap((w) => [weight(w), hold(w, w * 1_000)]),
    ...planned.steps.slice(5),
  ],
};
const kinds = (steps: readonly Step[]): string[] =>
  steps.map((s) => (s.kind === 'weight' || s.kind === 'hold' ? `${s.kind} ${s.weight}` : s.kind));
const at = (kind: Step['kind'], nth = 0): Way => {
  const found = stage.steps.filter((s) => s.kind === kind)[nth]!;
  return { stage, current: found, rest: stage.steps.slice(stage.steps.indexOf(found) + 1) };
};

describe('weightProblem', () => {
  const route = { ...stage.targets[0]!.route!, router: 'contour-include' as const };
  const way = { ...at('hold', 1), stage: { ...stage, targets: [{ ...stage.targets[0]!, route }] } };

  it.each([1, 50, 99])('%i percent is no weight where all requests are switched at once', (share) => {
    expect(weightProblem(way, share)).toMatch(/it is 0 or 100/);
    expect(weightProblem(at('hold', 1), share)).toBeNull();
  });

  it.each([0, 100])('%i percent is one', (share) => expect(weightProblem(way, share)).toBeNull());
});

describe('shiftProblem', () => {
  it.each([
    ['outside of a stage', null, /no stage/],
    ['while gray is deployed', at('deploy-gray'), /deploy v2 gray/],
    ['while tagged requests are judged', at('hold'), /only after this step: hold 0 %/],
    ['while an approval is awaited', at('approval'), /wait for 1 approval/],
    ['while stable is promoted', at('promote'), /promoted already/],
    ['while gray is removed', at('cleanup'), /promoted already/],
    [
      'in a stage without weights',
      { stage: { ...stage, steps: [stage.steps.at(-3)!] }, current: null, rest: [] },
      /no traffic by weights/,
    ],
  ] as const)('%s it makes no sense', (_, way, why) => expect(shiftProblem(way)).toMatch(why));

  it.each([
    [
      'after the approval, before the first weight',
      { ...at('weight'), current: null, rest: stage.steps.slice(4) },
    ],
    ['while a weight is set', at('weight')],
    ['while a weight is held', at('hold', 1)],
    ['while 100 % is held', at('hold', 3)],
  ] as const)('%s it can be done', (_, way) => expect(shiftProblem(way)).toBeNull());
});

describe('the way that is left', () => {
  it('goes on with the next higher planned weight, up or down', () => {
    expect(kinds(wayAbove(stage, 30)).slice(0, 3)).toEqual(['weight 100', 'hold 100', 'promote']);
    expect(kinds(wayAbove(stage, 5)).slice(0, 3)).toEqual(['weight 10', 'hold 10', 'weight 25']);
    expect(kinds(wayAbove(stage, 100))).toEqual(['promote', 'return-traffic', 'cleanup']);
  });

  it('leads to the promotion through 100 %, which is not held, and set only where it is not there', () => {
    expect(kinds(wayToPromotion(stage, 25))).toEqual(['weight 100', 'promote', 'return-traffic', 'cleanup']);
    expect(kinds(wayToPromotion(stage, 100))).toEqual(['promote', 'return-traffic', 'cleanup']);
  });
});

describe('steeredSteps', () => {
  const steps = (of: number, replicas = 1, more: Partial<Target> = {}) =>
    steeredSteps({ ...stage, targets: stage.targets.map((t) => ({ ...t, ...more })) }, of, 3, () => replicas);

  it('holds as long as the plan holds the next lower weight, else as long as the first, under the same analysis', () => {
    expect(steps(50).hold).toMatchObject({ weight: 50, durationMs: 25_000, analysis: defaultAnalysis });
    expect(steps(1).hold).toMatchObject({ weight: 1, durationMs: 10_000 });
    expect(steps(0).hold).toMatchObject({ weight: 0, durationMs: 10_000 });
  });

  it('asks for the pods that the weight needs, and never for fewer than there are', () => {
    expect(steps(50).set.replicas).toBe(4);
    expect(steps(10, 6).set.replicas).toBe(6);
    expect(steps(50, 1, { grayReplicas: 2 }).set.replicas).toBe(2);
  });

  it('has ids of its own, which no planned step has', () => {
    const { set, hold: held } = steps(50);
    expect([set.id, held.id]).toEqual(['prod/set-3-weight', 'prod/set-3-hold']);
  });
});
