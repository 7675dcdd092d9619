/** One release at work: its record, and what people have asked of it so far. */
import { condition, isCancellation, setHandler } from '@temporalio/workflow';
import {
  objection,
  tallyDecisions,
  type ApprovalState,
  type Decision,
  type DecisionRequest,
} from '../domain/approval.js';
import { failure, type Failure } from '../domain/failures.js';
import type { Observation } from '../domain/target.js';
import type { ReleaseInputs } from '../domain/release.js';
import { withoutApplication } from '../domain/leaving.js';
import type { Pass } from '../domain/stage-order.js';
import type { Way } from '../domain/steering.js';
import { Changes } from './changes.js';
import { failureError } from './failures.js';
import { Holders } from './holders.js';
import * as messages from './messages.js';
import { ReleaseRecord } from './record.js';
import { listenForSteering } from './steering.js';

type Remedy = 'retry' | 'skip' | 'abandon';

/** What somebody asked for instead of the planned way. */
export type Detour = { readonly steering: messages.Steering } & (
  | { readonly kind: 'weight'; readonly weight: number }
  | { readonly kind: 'promote' }
);

export interface ClosedApproval {
  /** Null: the deadline came first. */
  readonly outcome: 'approved' | 'rejected' | null;
  readonly decisions: readonly Decision[];
}

/** Decisions that did not count are kept for the record, but a storm of them must not fill it. */
const keptUncounted = 100;

export class Run {
  readonly changes = new Changes();
  readonly record: ReleaseRecord;
  /** Answer to `submit`, once it is known. */
  submitted: messages.Submitted | null = null;
  /** Who wants it undone, and why; never taken back. */
  aborted: Failure | null = null;
  /** While an analysis is inconclusive: somebody said to go on. */
  goOn: messages.Steering | null = null;
  /** While undoing cannot go on: what somebody said to do. */
  attention: { readonly remedy: Remedy; readonly steering: messages.Steering } | null = null;
  /** Where in a stage it is; null outside of them. */
  way: Way | null = null;
  /** Not followed yet; the latest counts. */
  detour: Detour | null = null;
  /** Who ended the hold that is under way. */
  skipped: messages.Steering | null = null;
  /** Whether stable of a whole lane has the new version, and gets the traffic back. */
  isClosing = false;
  /** Environments of lanes that were promoted, whatever became of what followed. */
  readonly promotedIn = new Set<string>();
  /** Whether a weight is held now. */
  holding = false;
  asking: 'inconclusive' | 'attention' | null = null;
  private deadlineMs: number | null = null;
  private extraMs = 0;
  private weightsSet = 0;
  private approval: ApprovalState | null = null;
  private seq = 0;
  /** When gray began to be reachable: what an earlier track of the same name answered before does not count. */
  graySince: string | null = null;
  /** What was seen last, by application and environment. */
  readonly seen = new Map<string, Observation>();
  /** Who was seen to hold the routes before anything of this release did, by application and environment. */
  readonly holders = new Holders();
  /** What passed the environments before one, as its application told with the turn. */
  private readonly passes = new Map<string, readonly Pass[]>();
  /** Gray Deployments and the replicas that they were last brought to. */
  private readonly replicas = new Map<string, number>();

  /** Of a lane, who goes back by itself now; null: nobody. */
  leaving: string | null = null;
  /** Those of a lane that went back by themselves. */
  readonly gone = new Set<string>();
  /** What could not be undone of them. */
  left: readonly string[] = [];
  /** Whose fault it is, of one application of several. */
  private readonly blamed = new Map<unknown, string>();
  /** Without those that have gone. */
  inputs: ReleaseInputs;

  constructor(inputs: ReleaseInputs) {
    this.inputs = inputs;
    this.record = new ReleaseRecord(inputs);
    setHandler(messages.state, () => this.record.view());
    setHandler(messages.events, (after) => this.record.eventsAfter(after));
    setHandler(messages.ping, () => undefined);
    setHandler(messages.submit, async () => {
      await condition(() => this.submitted !== null);
      return this.submitted!;
    });
    this.listenForDecisions();
    listenForSteering(this);
  }

  /** Fence for writes to a route: each one that the workflow asks for is newer than the last. */
  nextSeq(): number {
    return ++this.seq;
  }

  /** The guard of a hold writes with the number of the weight that it guards, so a newer write of the workflow wins. */
  get currentSeq(): number {
    return this.seq;
  }

  replicasOf(gray: string): number | undefined {
    return this.replicas.get(gray);
  }

  scaled(gray: string, replicas: number): void {
    this.replicas.set(gray, replicas);
  }

  learnPasses({ application, environment }: messages.Turn, passes: readonly Pass[]): void {
    this.passes.set(`${application}/${environment}`, passes);
  }

  /** Undefined: it was not told. */
  passesOf({ application, environment }: messages.Turn): readonly Pass[] | undefined {
    return this.passes.get(`${application}/${environment}`);
  }

  /** What goes wrong in `act` is the fault of this application, where it is of no other. */
  async blaming<T>(application: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw isCancellation(error) || this.blamed.has(error) ? error : this.blame(application, error);
    }
  }

  blame(application: string, error: unknown): unknown {
    this.blamed.set(error, application);
    return error;
  }

  /** Null: of nobody, or not of one alone. */
  toBlameFor(error: unknown): string | null {
    return this.blamed.get(error) ?? null;
  }

  /** It has gone back by itself; later stages are without it, as if it had not been released. */
  withdraw(application: string, why: Failure, left: readonly string[]): void {
    this.gone.add(application);
    this.left = [...this.left, ...left];
    this.inputs = withoutApplication(this.inputs, application);
    this.record.withdraw(application, why);
  }

  requestAbort(who: string, reason: string): void {
    if (this.aborted !== null) return;
    this.aborted = failure('aborted', { who, reason });
    this.record.note('steering', `${who} aborted: ${reason}`);
  }

  /** How many weights people have set, with this one. */
  countWeights(): number {
    return ++this.weightsSet;
  }

  /** Nothing more is held: somebody asked for another way, or for no more of this. */
  get cutShort(): messages.Steering | null {
    return this.detour?.steering ?? this.skipped;
  }

  // --- the deadline of what is waited for, which a person may move ---

  startDeadline(ms: number): void {
    this.deadlineMs = Date.now() + ms;
    this.extraMs = 0;
  }

  endDeadline(): void {
    this.deadlineMs = null;
    this.extraMs = 0;
  }

  /** ISO; null: nothing is waited for that ends by itself. For people: what happens follows from timers, never from a clock. */
  get deadline(): string | null {
    return this.deadlineMs === null ? null : new Date(this.deadlineMs).toISOString();
  }

  extend(ms: number): void {
    if (this.deadlineMs === null) return;
    this.extraMs += ms;
    this.deadlineMs += ms;
    this.record.waitLonger(this.deadline!);
  }

  /** What people have given since it was last asked for. */
  takeExtraMs(): number {
    const extra = this.extraMs;
    this.extraMs = 0;
    return extra;
  }

  /** Answers whether it came to be in this time, and what people give beside. */
  async meets(met: () => boolean, timeMs: number, summary: string): Promise<boolean> {
    for (let ms = timeMs; ms > 0; ms = this.takeExtraMs()) {
      if (await condition(met, ms, { summary })) return true;
    }
    return met();
  }

  // --- approval ---

  openApproval(state: ApprovalState): void {
    this.approval = state;
  }

  /** Null while it is open. */
  get approvalOutcome(): 'approved' | 'rejected' | null {
    const outcome = this.approval === null ? 'open' : tallyDecisions(this.approval);
    return outcome === 'open' ? null : outcome;
  }

  /** From now on no decision counts. Closing it again answers that nobody decided. */
  closeApproval(): ClosedApproval {
    const closed = { outcome: this.approvalOutcome, decisions: this.approval?.decisions ?? [] };
    this.approval = null;
    return closed;
  }

  // --- questions that only a person can answer ---

  ask(question: 'inconclusive' | 'attention'): void {
    this.asking = question;
    this.goOn = null;
    this.attention = null;
  }

  answered(): void {
    this.asking = null;
  }

  private listenForDecisions(): void {
    setHandler(
      messages.decide,
      (request) => {
        this.refuse(this.decide(request));
        return { accepted: true };
      },
      { validator: (request) => this.refuse(this.decisionObjection(request)) },
    );
    setHandler(messages.approval, (request) => void this.decide(request));
  }

  private decisionObjection(request: DecisionRequest): Failure | null {
    if (this.record.ended) return failure('release_ended', { id: this.inputs.id, phase: this.record.phase });
    if (this.approval === null) return this.notNow('decision', 'no approval is asked for.');
    return objection(this.approval, request);
  }

  /** Records a decision, counted or not; answers why it does not count. */
  private decide(request: DecisionRequest): Failure | null {
    const problem = this.decisionObjection(request);
    const decision = {
      ...request,
      at: new Date().toISOString(),
      step: this.record.view().step ?? '',
      counted: problem === null,
      ...(problem === null ? {} : { why: problem.message }),
    };
    const uncounted = this.record.decisions.filter((d) => !d.counted).length;
    if (!decision.counted && uncounted >= keptUncounted) return problem;
    this.record.decisions = [...this.record.decisions, decision];
    const verb = request.decision === 'approve' ? 'approved' : 'rejected';
    const note =
      problem === null ? `${request.by.name} ${verb}: ${request.reason}` : `Not counted: ${problem.message}`;
    this.record.note('decision', note);
    if (problem === null && this.approval !== null) {
      this.approval = { ...this.approval, decisions: [...this.approval.decisions, decision] };
    }
    return problem;
  }

  notNow(action: string, why: string): Failure {
    return failure('not_now', { action, phase: this.record.phase, why });
  }

  refuse(problem: Failure | null): void {
    if (problem !== null) throw failureError(problem);
  }
}
