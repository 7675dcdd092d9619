/** What steering does to the way through a stage, and when it makes sense. Pure. */
import { entriesOf } from './member.js';
import { concerned, type Stage, type Step } from './stage.js';
import { type Target } from './target.js';
import { replicasOf } from './steps.js';
import { canShare } from './traffic.js';

/** Where a release is in a stage. */
export interface Way {
  readonly stage: Stage;
  /** The step that is taken now; null between two. */
  readonly current: Step | null;
  /** What comes after it. */
  readonly rest: readonly Step[];
}

/** Why nobody can move the weight or promote now, for people; null: it can be done. */
export function shiftProblem(way: Way | null): string | null {
  if (way === null) return 'it is in no stage yet, or in none any more.';
  const { stage, current, rest } = way;
  const firstWeight = stage.steps.findIndex((step) => step.kind === 'weight');
  if (firstWeight < 0) return `its stage ${stage.environment} moves no traffic by weights.`;
  const gates = stage.steps.slice(0, firstWeight);
  const gate = [current, ...rest].find((step) => step !== null && gates.includes(step));
  if (gate != null) return `untagged requests may reach gray only after this step: ${gate.summary}.`;
  const promotes = rest.some((step) => step.kind === 'promote');
  return promotes
    ? null
    : 'stable is being promoted already, and gray carries the traffic until it is ready.';
}

/** Why that weight cannot be set, for people; null: it can. */
export function weightProblem(way: Way | null, weight: number): string | null {
  if (way === null) return null;
  const { stage } = way;
  const routers = entriesOf(stage, stage.targets).flatMap(({ route }) =>
    route === null ? [] : [route.router],
  );
  const router = routers.find((one) => !canShare(one, weight));
  return router === undefined ? null : `router ${router} switches all requests at once, so it is 0 or 100.`;
}

/** The planned way from here on when gray has this weight: from the first planned weight above it. */
export function wayAbove(stage: Stage, weight: number): readonly Step[] {
  const next = stage.steps.findIndex((step) => step.kind === 'weight' && step.weight > weight);
  return stage.steps.slice(next >= 0 ? next : promotionOf(stage));
}

/** Straight to the promotion: everything to gray, which is held no longer. */
export function wayToPromotion(stage: Stage, weight: number): readonly Step[] {
  const last = stage.steps.findLast((step) => step.kind === 'weight');
  const whole = weight === 100 || last === undefined ? [] : [last];
  return [...whole, ...stage.steps.slice(promotionOf(stage))];
}

const promotionOf = (stage: Stage): number => stage.steps.findIndex((step) => step.kind === 'promote');

export interface SteeredSteps {
  readonly set: Extract<Step, { kind: 'weight' }>;
  readonly hold: Extract<Step, { kind: 'hold' }>;
}

/**
 * The two steps of a weight that somebody set: to set it, and to hold it as long as the plan holds the next lower weight.
 * @param n counts what was set in this release
 * @param podsOf gray pods of an application now; they are not made fewer while requests still come
 */
export function steeredSteps(
  stage: Stage,
  weight: number,
  n: number,
  podsOf: (target: Target) => number,
): SteeredSteps {
  const firstWeight = stage.steps.findIndex((step) => step.kind === 'weight');
  const { of } = stage.steps[firstWeight] ?? {};
  const whom = of === undefined ? {} : { of };
  const holds = stage.steps.slice(firstWeight).filter((step) => step.kind === 'hold');
  const { durationMs = 0, analysis = null } =
    holds.findLast((step) => step.weight <= weight) ?? holds[0] ?? {};
  const sizes = Object.fromEntries(
    concerned(stage, whom).map((target) => [
      target.application,
      Math.max(replicasOf(target, weight), podsOf(target)),
    ]),
  );
  const id = `${stage.environment}/set-${n}`;
  return {
    set: {
      id: `${id}-weight`,
      kind: 'weight',
      ...whom,
      weight,
      replicas: Math.max(...Object.values(sizes)),
      ...(of === undefined ? {} : { sizes }),
      summary: `${weight} % of traffic to gray, as was asked for`,
    },
    hold: {
      id: `${id}-hold`,
      kind: 'hold',
      ...whom,
      weight,
      durationMs,
      analysis,
      summary: `hold ${weight} %${analysis === null ? '' : ' under analysis'}`,
    },
  };
}
