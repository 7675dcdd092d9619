/** The queues of one application, one for each environment, and telling the releases in them what changed. */
import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { releaseWorkflowId } from '../domain/ids.js';
import {
  arrive,
  emptyQueue,
  isEmpty,
  laneTurn,
  leave,
  pingAfterMs,
  queueView,
  rivalIn,
  type Queue,
  type QueueView,
  type Ticket,
} from '../domain/queue.js';
import type { HistoryEntry } from '../domain/release.js';
import { passesIn, type Pass } from '../domain/stage-order.js';
import * as messages from './messages.js';

export type QueuesByEnvironment = Readonly<Record<string, Queue>>;

interface Notice {
  readonly release: string;
  readonly send: (workflowId: string) => Promise<void>;
}

const now = (): string => new Date().toISOString();

export class Queues {
  /**
   * Not sent yet. A later notice of somebody's place overtakes the earlier one, so that a queue which many enter or leave at once costs
   * each of them one signal.
   */
  private readonly notices = new Map<string, Notice>();
  /** Since when nobody's place has changed. */
  private still = Date.now();

  constructor(
    private readonly application: string,
    private queues: QueuesByEnvironment,
    /** As it is by now. */
    private readonly history: () => readonly HistoryEntry[],
  ) {}

  /**
   * Those that somebody is in: all that outlives a run, or the queue of every tag that ever was would. Within a run an empty one stays,
   * because their order is the order in which releases are told, which is to be repeated.
   */
  get occupied(): QueuesByEnvironment {
    return Object.fromEntries(Object.entries(this.queues).filter(([, queue]) => !isEmpty(queue)));
  }

  of(environment: string): Queue {
    return this.queues[environment] ?? emptyQueue;
  }

  view(environment: string, history: readonly HistoryEntry[]): QueueView {
    return queueView(environment, this.of(environment), history);
  }

  /** Some release that runs. */
  get busy(): string | null {
    return Object.values(this.queues).find((q) => q.running !== null)?.running ?? null;
  }

  get hasWaiting(): boolean {
    return Object.values(this.queues).some((q) => q.waiting.length > 0 || q.behind !== undefined);
  }

  get hasNotices(): boolean {
    return this.notices.size > 0;
  }

  get pingAfterMs(): number {
    return pingAfterMs(Date.now() - this.still);
  }

  take({ release, environment, policy, ticket }: messages.TurnRequest): void {
    const before = this.of(environment);
    const { queue, refusedBy, superseded, toEnd } = arrive(before, release, ticket ?? null, policy, now());
    const turn = { application: this.application, environment };
    if (refusedBy !== null) {
      const refusal = { ...turn, running: refusedBy };
      this.note(`out ${environment}`, release, (id) => handle(id).signal(messages.turnedAway, refusal));
      return;
    }
    // Asked twice: the answer may have been lost, so it is given again.
    if (queue === before) return this.notePlace(environment, release);
    for (const { release: old, by } of superseded) this.noteSuperseded(turn, old, by);
    this.change(environment, queue);
    if (toEnd !== null) this.noteSuperseded(turn, toEnd, release);
    else if (before.running !== null) this.ping(before.running);
  }

  /** Answers how long it held the environment, in ms; null: it did not, or that is not known. */
  end(release: string, environment: string): number | null {
    const { running, since, tickets } = this.of(environment);
    const tag = tickets?.[release]?.tag;
    if (tag !== undefined) this.end(release, laneTurn(environment, tag));
    const before = this.of(environment);
    // Who waits behind it in another queue comes before who follows it in its own.
    if (before.running === release) this.queues = { ...this.queues, [environment]: emptyQueue };
    for (const [other, { behind, running: next }] of Object.entries(this.queues)) {
      if (behind !== release || next === null) continue;
      this.settle(other);
      this.notePlace(other, next);
    }
    this.queues = { ...this.queues, [environment]: before };
    this.change(environment, leave(before, release, now()));
    return running === release && since !== undefined ? Date.now() - Date.parse(since) : null;
  }

  /** Asks every release that others wait for whether it is still there. */
  pingRunning(): void {
    for (const { running, waiting, behind } of Object.values(this.queues)) {
      if (running !== null && waiting.length > 0) this.ping(running);
      if (behind !== undefined) this.ping(behind);
    }
  }

  /** Sends what there is to tell, and what comes up meanwhile; to one release never two batches at once. */
  async tell(): Promise<void> {
    while (this.notices.size > 0) {
      const batch = [...this.notices.values()];
      this.notices.clear();
      await Promise.all(
        batch.map(({ release, send }) =>
          send(releaseWorkflowId(release)).catch((error: unknown) => {
            // A release that cannot be told anything has ended without saying so: its turn is over.
            if (!hasHeardTooMuch(error)) this.forget(release);
          }),
        ),
      );
    }
  }

  /** Its turns and places are over. */
  forget(release: string): void {
    for (const environment of Object.keys(this.queues)) this.end(release, environment);
  }

  private change(environment: string, next: Queue): void {
    const before = this.of(environment);
    this.queues = { ...this.queues, [environment]: next };
    this.still = Date.now();
    const members = (queue: Queue) => [queue.running, ...queue.waiting];
    const [then, today] = [members(before), members(next)];
    if (then[0] !== today[0]) this.settle(environment);
    for (const release of then)
      if (!today.includes(release)) this.notices.delete(`${environment} ${release}`);
    today.forEach((release, i) => {
      const isSame = then[i] === release && (i === 0 || then[i - 1] === today[i - 1]);
      if (release !== null && !isSame) this.notePlace(environment, release);
    });
  }

  private notePlace(environment: string, release: string): void {
    const { running, waiting, tickets, behind: rival } = this.of(environment);
    const ticket = tickets?.[release];
    if (running === release && ticket?.tag !== undefined) {
      this.enterLane(environment, release, ticket, ticket.tag);
      return;
    }
    const turn = { application: this.application, environment: ticket?.own ?? environment };
    if (running === release && rival !== undefined) {
      const place = { ...turn, place: 1, behind: rival };
      this.note(turn.environment, release, (id) => handle(id).signal(messages.queued, place));
      this.ping(rival);
      return;
    }
    if (running === release) {
      // Asked when it is sent: whoever left just now is in the history by then.
      const answer = () => ({ ...turn, ...this.passesFor(ticket) });
      this.note(turn.environment, release, (id) => handle(id).signal(messages.granted, answer()));
      return;
    }
    const i = waiting.indexOf(release);
    const place = { ...turn, place: i + 1, behind: waiting[i - 1] ?? running ?? '' };
    this.note(turn.environment, release, (id) => handle(id).signal(messages.queued, place));
  }

  /** Whether the running one of a queue has its turn now, and if not behind whom it is; one that has it keeps it. */
  private settle(environment: string): void {
    const { behind: _, ...queue } = this.of(environment);
    const rival = rivalIn(this.queues, environment);
    this.queues = { ...this.queues, [environment]: rival === null ? queue : { ...queue, behind: rival } };
  }

  /** Its own turn is worth something when no other release leads requests with its tag through here. */
  private enterLane(environment: string, release: string, { tag: _, ...ticket }: Ticket, tag: string): void {
    const lane = laneTurn(environment, tag);
    const before = this.of(lane);
    const { queue } = arrive(before, release, { ...ticket, own: environment }, 'wait', now());
    if (queue === before) this.notePlace(lane, release);
    else this.change(lane, queue);
  }

  private passesFor(ticket: Ticket | undefined): { readonly passes?: readonly Pass[] } {
    const asked = ticket?.passed;
    if (asked === undefined) return {};
    const passes = passesIn(this.history(), asked.environments);
    return { passes: passes.filter((p) => p.digest === asked.digest) };
  }

  private noteSuperseded(turn: messages.Turn, release: string, by: string): void {
    const notice = { ...turn, by };
    this.note(`out ${turn.environment}`, release, (id) => handle(id).signal(messages.superseded, notice));
  }

  private ping(release: string): void {
    this.note('ping', release, (id) => handle(id).signal(messages.ping));
  }

  private note(about: string, release: string, send: Notice['send']): void {
    this.notices.set(`${about} ${release}`, { release, send });
  }
}

const handle = (workflowId: string) => getExternalWorkflowHandle(workflowId);

/** Alive, but Temporal lets nobody send it one more signal. */
const hasHeardTooMuch = (error: unknown): boolean => error instanceof Error && /limit/i.test(error.message);
