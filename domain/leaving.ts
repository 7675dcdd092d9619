/** A member of a lane that goes back by itself, and what is left of the stage without it. Pure. */
import { reachedFrom } from './chain.js';
import { edgesOf, withEdges } from './edge.js';
import { hasGray, type Member } from './member.js';
import type { PlanInput } from './plan.js';
import type { ReleaseInputs } from './release.js';
import { concerned, type Stage, type Step, type StepKind } from './stage.js';
import type { Way } from './steering.js';
import type { ProbeTarget, Target } from './target.js';

/** From the promotion on gray carries everything, and stable of some may be new already: all go back then. */
const tooLate: readonly StepKind[] = ['batch', 'promote', 'return-traffic', 'cleanup'];

/** Marks those that go back alone, where they can: nobody that requests to others come in through, nobody of a lane that has to be whole. */
export function withAlone(
  stage: string,
  members: readonly Member[],
  input: PlanInput,
  warnings: string[],
): readonly Member[] {
  const gray = members.filter(({ target }) => hasGray(target));
  const specs = input.applications.map((a) => a.spec);
  const calls = withEdges(input.calls ?? {}, specs, stage);
  const isStrict = gray.some(({ settings }) => settings.strict === true);
  return members.map((member): Member => {
    const { target, settings } = member;
    const { application: name } = target;
    const isAsked = settings.onFailure === 'alone' && gray.length > 1 && input.rollback === undefined;
    if (!isAsked || !gray.includes(member)) return member;
    const reached = target.inner === true ? new Set<string>() : reachedFrom(name, calls);
    const behind = gray.map((m) => m.target.application).filter((other) => reached.has(other));
    if (isStrict || behind.length > 0) {
      const why = isStrict ? 'the lane is strict' : `requests to ${behind.join(', ')} come in through it`;
      warnings.push(`If ${name} fails in ${stage}, all go back: ${why}.`);
      return member;
    }
    warnings.push(
      `If ${name} fails in ${stage} before the promotion, it goes back alone and the others go on.`,
    );
    return { ...member, target: { ...target, alone: true } };
  });
}

/** In which step it is for those who might leave: before the promotion nothing is promoted, whoever waits there. Null: in none. */
export function stepKindAt({ current, rest }: Pick<Way, 'current' | 'rest'>): StepKind | null {
  if (current !== null) return current.kind;
  const next = rest[0]?.kind ?? null;
  return next === 'promote' ? 'hold' : next;
}

/** Whether the others can go on when this one fails in this step. */
export function mayLeave({ targets }: Pick<Stage, 'targets'>, kind: StepKind, application: string): boolean {
  const isAlone = targets.some((t) => t.application === application && t.alone === true);
  const others = targets.filter((t) => t.application !== application && hasGray(t));
  return isAlone && others.length > 0 && !tooLate.includes(kind);
}

/** A release of the others: this one is something that they may call, or come in through. */
export function withoutApplication(inputs: ReleaseInputs, application: string): ReleaseInputs {
  const { applications, calls, edges = [] } = inputs;
  const gone = applications.find((a) => a.name === application)!;
  const others = applications.filter((a) => a !== gone);
  const isEdge = others.some((a) => a.environments.some((e) => edgesOf(a, e).includes(application)));
  return {
    ...inputs,
    applications: others,
    calls: { ...calls, [application]: gone.dependsOn ?? [] },
    ...(isEdge ? { edges: [...edges, gone] } : {}),
  };
}

/** The stage of those that are still in it. */
export function stageWithout(stage: Stage, gone: ReadonlySet<string>): Stage {
  if (gone.size === 0) return stage;
  const { targets, edges, steps } = stage;
  const unasked = <T extends { readonly probe: ProbeTarget | null }>(one: T): T => ({
    ...one,
    probe: probeWithout(one.probe, gone),
  });
  const left = targets.filter((t) => !gone.has(t.application)).map(unasked);
  return {
    ...stage,
    targets: left,
    ...(edges === undefined ? {} : { edges: edges.map(unasked) }),
    steps: stepsOfThose(left, steps),
  };
}

/** Those that concern only who has gone are left out. */
const stepsOfThose = (left: readonly Target[], steps: readonly Step[]): readonly Step[] =>
  steps.flatMap((step) => stepOfThose(left, step) ?? []);

function stepOfThose(left: readonly Target[], step: Step): Step | null {
  if (step.of === undefined) return step;
  const targets = concerned({ targets: left }, step);
  const of = targets.map((t) => t.application);
  // A probe of edges alone concerns none.
  if (of.length === 0 && step.of.length > 0) return null;
  if (step.kind === 'hold' && targets.every((t) => t.analysis === null))
    return { ...step, of, analysis: null };
  if (!('sizes' in step) || step.sizes === undefined) return { ...step, of };
  const sizes = Object.fromEntries(Object.entries(step.sizes).filter(([name]) => of.includes(name)));
  return { ...step, of, sizes, replicas: Math.max(...Object.values(sizes)) };
}

/** Nobody has to be on the way any more who has gone. */
function probeWithout(probe: ProbeTarget | null, gone: ReadonlySet<string>): ProbeTarget | null {
  if (probe?.chain === undefined) return probe;
  const members = probe.chain.members.filter(({ names }) => !names.some((name) => gone.has(name)));
  return { ...probe, chain: { ...probe.chain, members } };
}

/**
 * What comes next when somebody has left in a step: the step again, and before a hold what gray got, which the analysis has taken back. Before
 * the promotion the last hold as well: what was seen in it was of a lane with who has left.
 * @param left the stage without who has left
 * @param share the step that said last what gray gets; null: none did
 * @param isTaken whether that may have been taken back where nothing is held
 */
export function wayAfter(
  { current, rest }: Pick<Way, 'current' | 'rest'>,
  left: Stage,
  share: Step | null,
  isTaken = false,
): Way {
  const isHeld = isTaken || current === null || current.kind === 'hold';
  const isLast = current === null && rest[0]?.kind === 'promote';
  const held = isLast ? (left.steps.findLast((step) => step.kind === 'hold') ?? null) : current;
  const again = [...(isHeld && share !== null ? [share] : []), ...(held === null ? [] : [held])];
  return { stage: left, current: null, rest: stepsOfThose(left.targets, [...again, ...rest]) };
}
