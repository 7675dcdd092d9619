/** What can be read of a release while it runs: its view, its events, and what the Temporal UI shows of it. */
import { log, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import type { Decision } from '../domain/approval.js';
import type { Failure } from '../domain/failures.js';
import type { Plan } from '../domain/plan.js';
import type { Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import {
  hasEnded,
  type Batching,
  type EndedPhase,
  type Outcome,
  type Phase,
  type QueuePlace,
  type ReleasedApplication,
  type ReleaseEvent,
  type ReleaseInputs,
  type ReleaseView,
  type Revision,
  type StepView,
  type Waiting,
} from '../domain/release.js';
import { describeForUi } from './details.js';
import { declaredFindings, EvidenceBox } from './evidence.js';
import { newsOf, type Standing } from './standing.js';

/** Characters of one line: an answer of a neighbour may be a page. */
const longest = 2_000;

const now = (): string => new Date().toISOString();

/** A step that undoing takes, beside the steps of the plan. */
export interface UndoStep {
  readonly id: string;
  readonly kind: 'rollback';
  readonly summary: string;
}

export class ReleaseRecord {
  phase: Phase = 'queued';
  waitingOn: Waiting | null = null;
  paused = false;
  plan: Plan | null = null;
  decisions: Decision[] = [];
  outcome: Outcome | null = null;
  private current: string | null = null;
  private awaited: Waiting | null = null;
  private steps: StepView[] = [];
  private applications: ReleasedApplication[];
  private readonly evidence = new EvidenceBox();
  private readonly log: ReleaseEvent[] = [];
  private readonly startedAt = now();
  private endedAt: string | null = null;
  /** Waits so far, one that was given more time counted again. */
  private waits = 0;
  /** What the list of releases was told last. */
  private told: Standing = { phase: 'queued', weight: 0, environment: '', waiting: null, wait: 0 };

  constructor(private readonly inputs: ReleaseInputs) {
    const { wayBack, environment } = inputs.request;
    // As the API set it at the start.
    const first = wayBack?.stages[0]?.environment ?? environment;
    this.told = { ...this.told, environment: first ?? inputs.applications[0]?.environments[0]?.name ?? '' };
    this.applications = inputs.request.applications.map(({ name, image }) => ({
      name,
      version: image,
      digest: null,
      stableDigest: null,
      grayWeight: 0,
    }));
  }

  view(): ReleaseView {
    const { id, request } = this.inputs;
    return {
      id,
      phase: this.phase,
      waitingOn: this.waitingOn ?? this.awaited,
      paused: this.paused,
      applications: this.applications,
      environment: request.environment,
      lane: request.lane,
      plan: this.plan,
      planHash: this.plan?.hash ?? null,
      step: this.current,
      steps: this.steps,
      decisions: this.decisions,
      evidence: this.evidence.all(),
      initiator: request.initiator,
      reason: request.reason,
      ...(request.rollbackOf === undefined ? {} : { rollbackOf: request.rollbackOf }),
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      outcome: this.outcome,
    };
  }

  eventsAfter(id: number): readonly ReleaseEvent[] {
    return this.log.slice(Math.max(0, id));
  }

  note(type: ReleaseEvent['type'], message: string): void {
    const short = message.length > longest ? `${message.slice(0, longest)}...` : message;
    this.log.push({ id: this.log.length + 1, at: now(), type, step: this.current, message: short });
    log.info('release event', { release: this.inputs.id, step: this.current, type, text: short });
  }

  /** A new plan, computed before the stage that it begins with; steps that are done stay as they are. */
  follow(plan: Plan): void {
    if (this.plan !== null && this.plan.hash !== plan.hash) {
      this.note('note', `The plan changed while the release waited: ${this.plan.hash} is now ${plan.hash}.`);
    }
    this.plan = plan;
    const kept = new Map(this.steps.filter((s) => s.state !== 'pending').map((s) => [s.id, s]));
    this.steps = plan.stages.flatMap((stage) =>
      stage.steps.map((step) => kept.get(step.id) ?? pending(step)),
    );
    // Where it leads each of them to; a rollback begins with the last environment.
    const stages = plan.rollbackOf === undefined ? plan.stages.toReversed() : plan.stages;
    const targets = new Map<string, Target>();
    for (const target of stages.flatMap((stage) => stage.targets))
      if (!targets.has(target.application)) targets.set(target.application, target);
    const released = [...targets.values()].map((t) => ({
      name: t.application,
      version: t.image.version,
      digest: t.image.digest,
      stableDigest: t.stableDigest,
      grayWeight: 0,
    }));
    const gone = this.applications.filter((a) => a.failure !== undefined);
    const others = released.filter((one) => gone.every((a) => a.name !== one.name));
    this.applications = plan.stages.length === 0 ? this.applications : [...others, ...gone];
  }

  /** @param awaited what the step waits for while it is not over, unless it tells better itself. Default nothing. */
  begin(step: Step | UndoStep, phase: Phase, awaited: Omit<Waiting, 'since'> | null = null): void {
    this.current = step.id;
    this.phase = phase;
    this.expect(awaited);
    const known = this.steps.some((s) => s.id === step.id);
    if (!known) {
      const at = this.steps.findLastIndex((s) => s.state !== 'pending') + 1;
      this.steps = this.steps.toSpliced(at, 0, pending(step));
    }
    this.change(step.id, { state: 'running', startedAt: now(), endedAt: null, result: null });
    this.note('step', `${step.summary} ...`);
  }

  /** What is awaited while nothing tells better; told without an event in the history. */
  expect(awaited: Omit<Waiting, 'since'> | null): void {
    this.awaited = awaited === null ? null : { ...awaited, since: now() };
  }

  end(
    id: string,
    state: 'done' | 'failed' | 'skipped',
    result: string | null,
    findings: readonly Finding[] = [],
  ): void {
    this.change(id, { state, endedAt: now(), result });
    // A step that was cancelled may end when undoing has begun.
    if (id === this.current) this.awaited = null;
    this.keep(id, findings);
    const summary = this.steps.find((s) => s.id === id)?.summary ?? id;
    this.note('step', `${summary}: ${state}${result === null ? '' : `, ${result}`}`);
  }

  keep(step: string, findings: readonly Finding[]): void {
    this.evidence.add(findings.map((finding) => ({ ...finding, step })));
  }

  /** What is declared of the Deployments, rendered where it is a template, and how those that are there differ from it. */
  keepDeclared(plan: Plan): void {
    this.keep('plan', declaredFindings(plan, this.inputs.applications, now()));
  }

  weigh(names: readonly string[], grayWeight: number): void {
    if (names.length === 0) return;
    this.applications = this.applications.map((a) => (names.includes(a.name) ? { ...a, grayWeight } : a));
    this.note(
      'traffic',
      `${names.join(', ')}: ${grayWeight} % of traffic on gray, ${100 - grayWeight} % on stable.`,
    );
  }

  /** It went back by itself, the others go on. */
  withdraw(name: string, failure: Failure): void {
    this.applications = this.applications.map((a) =>
      a.name === name ? { ...a, grayWeight: 0, failure } : a,
    );
  }

  /** What runs of an application whose pods are changed in batches. */
  count(application: string, batching: Batching | undefined): void {
    if (batching === undefined) return;
    this.applications = this.applications.map((a) => (a.name === application ? { ...a, batching } : a));
    const told = ({ image, revision, workload, pods }: Revision): string =>
      `${pods} pod(s) of ${image} (${workload}${revision === null ? '' : `, revision ${revision}`})`;
    this.note('traffic', `${application}: ${told(batching.old)}, ${told(batching.new)}.`);
  }

  batchingOf(application: string): Batching | undefined {
    return this.applications.find((a) => a.name === application)?.batching;
  }

  weightOf(application: string): number {
    return this.applications.find((a) => a.name === application)?.grayWeight ?? 0;
  }

  wait(waiting: Omit<Waiting, 'since'>): void {
    this.startWaiting(waiting);
    this.note('phase', `Waiting for ${waiting.what}.`);
    this.publish();
  }

  /** The waiting that a step consists of; that the step has begun is noted already. */
  waitInStep(waiting: Omit<Waiting, 'since'>): void {
    this.startWaiting(waiting);
    this.publish();
  }

  private startWaiting(waiting: Omit<Waiting, 'since'>): void {
    this.waitingOn = { ...waiting, since: now() };
    this.waits++;
  }

  /** The same waiting in other words, for those who ask; it is not worth an event in the history. */
  retell(what: string): void {
    if (this.waitingOn !== null) this.waitingOn = { ...this.waitingOn, what };
  }

  /** The same waiting, at another place of the queue. */
  moveUp(what: string, queue: QueuePlace): void {
    if (this.waitingOn === null) return;
    this.waitingOn = { ...this.waitingOn, what, queue };
    this.publish();
  }

  /** Somebody gave it more time. */
  waitLonger(until: string): void {
    if (this.waitingOn === null) return;
    this.waitingOn = { ...this.waitingOn, until };
    this.waits++;
    this.publish();
  }

  go(): void {
    this.waitingOn = null;
  }

  /** Another way than the planned one: what is not on it any more is skipped, what is on it comes (again). */
  reroute(rest: readonly Step[], why: string): void {
    const ahead = new Set(rest.map((step) => step.id));
    this.steps = this.steps.map((s) => {
      if (ahead.has(s.id)) return { ...s, state: 'pending', startedAt: null, endedAt: null, result: null };
      return s.state === 'pending' ? { ...s, state: 'skipped', result: why } : s;
    });
  }

  finish(phase: EndedPhase, failure: Failure | null, left: readonly string[]): void {
    for (const { id, state } of this.steps) {
      if (state === 'pending') this.change(id, { state: 'skipped' });
      if (state === 'running') this.change(id, { state: 'skipped', endedAt: now() });
    }
    this.current = null;
    this.awaited = null;
    this.waitingOn = null;
    this.paused = false;
    this.phase = phase;
    this.endedAt = now();
    this.outcome = { phase, failure, left };
    this.note('ended', failure === null ? phase : `${phase}: ${failure.message}`);
    this.publish();
  }

  /** Tells the Temporal UI and its list where the release stands; an event in the history only where something differs. */
  publish(): void {
    const next: Standing = {
      phase: this.phase,
      weight: Math.max(0, ...this.applications.map((a) => a.grayWeight)),
      environment: this.current?.split('/')[0] ?? this.told.environment,
      waiting: this.waitingOn,
      wait: this.waits,
    };
    setCurrentDetails(describeForUi(this.view(), this.log.slice(-12)));
    const news = newsOf(this.told, next, this.inputs.patience);
    if (news.length > 0) upsertSearchAttributes(news);
    this.told = next;
  }

  get ended(): boolean {
    return hasEnded(this.phase);
  }

  private change(id: string, fields: Partial<StepView>): void {
    this.steps = this.steps.map((s) => (s.id === id ? { ...s, ...fields } : s));
  }
}

function pending(step: Step | UndoStep): StepView {
  const { id, kind, summary } = step;
  return { id, kind, summary, state: 'pending', startedAt: null, endedAt: null, result: null };
}
