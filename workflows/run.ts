/** One release at work: its record, and what people have asked of it so far. */
import { condition, setHandler } from '@temporalio/workflow';
import {
  hasRole,
  objection,
  tallyDecisions,
  type ApprovalState,
  type Decision,
  type DecisionRequest,
} from '../domain/approval.js';
import { failure, type Failure } from '../domain/failures.js';
import type { ReleaseInputs } from '../domain/release.js';
import { failureError } from './failures.js';
import * as messages from './messages.js';
import { ReleaseRecord } from './record.js';

type Remedy = 'retry' | 'skip' | 'abandon';

export interface ClosedApproval {
  /** Null: the deadline came first. */
  readonly outcome: 'approved' | 'rejected' | null;
  readonly decisions: readonly Decision[];
}

/** Decisions that did not count are kept for the record, but a storm of them must not fill it. */
const keptUncounted = 100;

export class Run {
  readonly record: ReleaseRecord;
  /** Answer to `submit`, once it is known. */
  submitted: messages.Submitted | null = null;
  /** Who wants it undone, and why; never taken back. */
  aborted: Failure | null = null;
  /** While an analysis is inconclusive: somebody said to go on. */
  goOn: messages.Steering | null = null;
  /** While undoing cannot go on: what somebody said to do. */
  attention: { readonly remedy: Remedy; readonly steering: messages.Steering } | null = null;
  private asking: 'inconclusive' | 'attention' | null = null;
  private approval: ApprovalState | null = null;
  private seq = 0;
  /** When gray began to be reachable: what an earlier track of the same name answered before does not count. */
  graySince: string | null = null;
  /** Gray Deployments and the replicas that they were last brought to. */
  private readonly replicas = new Map<string, number>();

  constructor(readonly inputs: ReleaseInputs) {
    this.record = new ReleaseRecord(inputs);
    setHandler(messages.state, () => this.record.view());
    setHandler(messages.events, (after) => this.record.eventsAfter(after));
    setHandler(messages.ping, () => undefined);
    setHandler(messages.submit, async () => {
      await condition(() => this.submitted !== null);
      return this.submitted!;
    });
    this.listenForDecisions();
    this.listenForSteering();
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

  requestAbort(who: string, reason: string): void {
    if (this.aborted !== null) return;
    this.aborted = failure('aborted', { who, reason });
    this.record.note('steering', `${who} aborted: ${reason}`);
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

  // --- steering ---

  private listenForSteering(): void {
    this.steer(
      messages.pause,
      'pause',
      () => this.undoing('pause') ?? this.when(!this.record.paused, 'pause', 'it is paused already.'),
      () => {
        this.record.paused = true;
      },
    );
    this.steer(
      messages.resume,
      'resume',
      () =>
        this.undoing('resume') ??
        this.when(this.record.paused || this.isDoubtful, 'resume', 'it is not held.'),
      (steering) => {
        if (this.record.paused) this.record.paused = false;
        else this.goOn = steering;
      },
    );
    this.steer(
      messages.abort,
      'abort',
      () => this.undoing('abort'),
      ({ by, reason }) => this.requestAbort(by.name, reason),
    );
    const remedies = { retry: messages.retry, skip: messages.skip, abandon: messages.abandon };
    for (const remedy of ['retry', 'skip', 'abandon'] as const) {
      this.steer(
        remedies[remedy],
        remedy,
        () =>
          this.when(
            this.asking === 'attention' && this.attention === null,
            remedy,
            'it does not need attention.',
          ),
        (steering) => {
          this.attention = { remedy, steering };
        },
      );
    }
  }

  private steer(
    definition: typeof messages.pause,
    verb: string,
    problem: () => Failure | null,
    act: (steering: messages.Steering) => void,
  ): void {
    setHandler(
      definition,
      (steering) => {
        // The validator ran before; between it and here another message may have been handled.
        this.refuse(problem());
        act(steering);
        if (verb !== 'abort')
          this.record.note('steering', `${steering.by.name}: ${verb}, ${steering.reason}`);
        return { accepted: true };
      },
      {
        validator: ({ by }) =>
          this.refuse(
            hasRole(by, 'releaser') ? problem() : failure('forbidden', { who: by.name, needs: 'releaser' }),
          ),
      },
    );
  }

  /** Nobody has said yet what to do about an inconclusive analysis. */
  private get isDoubtful(): boolean {
    return this.asking === 'inconclusive' && this.goOn === null;
  }

  private undoing(action: string): Failure | null {
    if (this.record.ended) return failure('release_ended', { id: this.inputs.id, phase: this.record.phase });
    const { phase } = this.record;
    const undoing = this.aborted !== null || phase === 'rolling_back' || phase === 'needs_attention';
    return undoing ? this.notNow(action, 'it is being undone already.') : null;
  }

  private when(possible: boolean, action: string, why: string): Failure | null {
    if (this.record.ended) return failure('release_ended', { id: this.inputs.id, phase: this.record.phase });
    return possible ? null : this.notNow(action, why);
  }

  private notNow(action: string, why: string): Failure {
    return failure('not_now', { action, phase: this.record.phase, why });
  }

  private refuse(problem: Failure | null): void {
    if (problem !== null) throw failureError(problem);
  }
}
