/** The queue of one application in one environment: who holds it, who waits, in which order, and who takes whose place. Pure. */
import type { QueuePolicy } from './application.js';
import type { HistoryEntry, Phase, ReleaseRequest } from './release.js';
import type { PassQuestion } from './stage-order.js';
import type { Way } from './steering.js';

/** What a release comes to the queue with. */
export interface Ticket {
  /** A hotfix or a rollback: before ordinary ones, behind earlier urgent ones. */
  readonly urgent: boolean;
  /** When the release was asked for, ISO: who was asked for later is newer, whoever comes to an environment first. */
  readonly asked: string;
  /** The tag that it tells requests by, `header: value`: it also needs the turn of that lane. Absent: it tells none. */
  readonly tag?: string;
  /** In the queue of a lane: the environment whose turn it has, and for which it needs this one too. */
  readonly own?: string;
  /** What it wants to know with its turn. Absent: nothing. */
  readonly passed?: PassQuestion;
  /** At an edge: the tag that it puts on its requests there, and takes off others, `header: value`. Absent: not known. */
  readonly stamps?: string;
}

/** What the turn at an edge is asked for by: who gives the tag to a share there. */
export const edgeTurn = (environment: string): string => `${environment} (edge)`;

/** What the turn of a lane is asked for by: who tells requests with this tag by it, in an application that they come through. */
export const laneTurn = (environment: string, tag: string): string => `${environment} (${tag})`;

/** What a worker of the time before tickets wrote has none of the optional fields. */
export interface Queue {
  readonly running: string | null;
  /** Urgent ones first, each kind in the order of arrival. */
  readonly waiting: readonly string[];
  /** Of the running one and of those that wait. One without belongs to an older worker: it cannot be told to give way. */
  readonly tickets?: Readonly<Record<string, Ticket>>;
  /** Since when the running one holds the turn, ISO. */
  readonly since?: string;
  /** Who keeps the running one from its turn, by one in another queue of the application. Absent: nobody. */
  readonly behind?: string;
}

export interface Superseded {
  readonly release: string;
  /** The newer release. */
  readonly by: string;
}

export interface Arrival {
  readonly queue: Queue;
  /** The release that runs, where the policy refuses to wait for it. */
  readonly refusedBy: string | null;
  /** Who gives up its place at once, which may be the one that arrives: a newer one waits already. */
  readonly superseded: readonly Superseded[];
  /** Who runs and is asked to give its turn up. It keeps the turn until it has undone what it did. */
  readonly toEnd: string | null;
}

export const emptyQueue: Queue = { running: null, waiting: [] };
export const isEmpty = ({ running, waiting }: Queue): boolean => running === null && waiting.length === 0;

const unknownTicket: Ticket = { urgent: false, asked: '' };
const ticketOf = (queue: Queue, release: string): Ticket => queue.tickets?.[release] ?? unknownTicket;

export const isUrgent = ({ hotfix, rollbackOf }: ReleaseRequest): boolean =>
  hotfix === true || rollbackOf !== undefined;

/** What an ordinary release says is never more than what an urgent one says. */
const outranks = (newer: Ticket, older: Ticket): boolean => newer.urgent || !older.urgent;

/** Takes the turn or a place, as the policy says; who is there already keeps it (the same queue is answered). */
export function arrive(
  queue: Queue,
  release: string,
  ticket: Ticket | null,
  policy: QueuePolicy,
  now: string,
): Arrival {
  const unchanged: Arrival = { queue, refusedBy: null, superseded: [], toEnd: null };
  const { running, waiting } = queue;
  if (running === release || waiting.includes(release)) return unchanged;
  const tickets = { ...queue.tickets, ...(ticket === null ? {} : { [release]: ticket }) };
  if (running === null) return { ...unchanged, queue: { ...queue, running: release, tickets, since: now } };
  switch (policy) {
    case 'refuse':
      return { ...unchanged, refusedBy: running };
    case 'wait':
      return { ...unchanged, queue: lineUp({ ...queue, tickets }, release) };
    case 'supersede':
    case 'supersede-running':
      return supersede({ ...queue, tickets }, release, policy);
  }
}

function supersede(queue: Queue, release: string, policy: 'supersede' | 'supersede-running'): Arrival {
  const { running, waiting } = queue;
  const ticket = ticketOf(queue, release);
  const newer = waiting.find((other) => {
    const seen = ticketOf(queue, other);
    return seen.asked > ticket.asked && outranks(seen, ticket);
  });
  if (newer !== undefined) {
    const superseded = [{ release, by: newer }];
    return { queue: without(queue, [release]), refusedBy: null, superseded, toEnd: null };
  }
  const mayReplace = (other: string): boolean => {
    const seen = queue.tickets?.[other];
    return seen !== undefined && seen.asked <= ticket.asked && outranks(ticket, seen);
  };
  const gone = waiting.filter(mayReplace);
  return {
    queue: lineUp(without(queue, gone), release),
    refusedBy: null,
    superseded: gone.map((other) => ({ release: other, by: release })),
    toEnd: policy === 'supersede-running' && running !== null && mayReplace(running) ? running : null,
  };
}

/** Behind the last urgent one, or at the end. */
function lineUp(queue: Queue, release: string): Queue {
  const { waiting } = queue;
  const ordinary = waiting.findIndex((other) => !ticketOf(queue, other).urgent);
  const at = ticketOf(queue, release).urgent && ordinary >= 0 ? ordinary : waiting.length;
  return { ...queue, waiting: waiting.toSpliced(at, 0, release) };
}

/** Leaves turn or place; the next in line gets the turn. */
export function leave(queue: Queue, release: string, now: string): Queue {
  if (queue.running !== release) return without(queue, [release]);
  const { behind: _, ...rest } = without(queue, [release]);
  const [next = null, ...waiting] = rest.waiting;
  return { ...rest, running: next, waiting, ...(next === null ? {} : { since: now }) };
}

function without(queue: Queue, gone: readonly string[]): Queue {
  const kept = Object.entries(queue.tickets ?? {}).filter(([release]) => !gone.includes(release));
  const waiting = queue.waiting.filter((release) => !gone.includes(release));
  return { ...queue, waiting, tickets: Object.fromEntries(kept) };
}

/** The environment of a turn at an edge or in a lane, and the tag of the running one there; null: it has none, or is released there itself. */
function stampedIn(turn: string, queue: Queue): { readonly at: string; readonly tag: string } | null {
  const [, at, what] = /^(\S+) \((.+)\)$/.exec(turn) ?? [];
  if (at === undefined || what === undefined || queue.running === null) return null;
  const { stamps, own } = ticketOf(queue, queue.running);
  const tag = turn === edgeTurn(at) ? stamps : own === undefined ? what : undefined;
  return tag === undefined ? null : { at, tag };
}

const askedAt = (queue: Queue): string => ticketOf(queue, queue.running!).asked;
const headerOf = (tag: string): string => tag.slice(0, tag.indexOf(':'));

/**
 * Who has a turn, or has asked earlier for one, beside which the running one of this queue cannot have its own: where one release puts its tag on, and takes others off, those lose theirs
 * whose lane comes through there by the same header. Null: nobody.
 */
export function rivalIn(queues: Readonly<Record<string, Queue>>, turn: string): string | null {
  const queue = queues[turn] ?? emptyQueue;
  const own = stampedIn(turn, queue);
  if (own === null) return null;
  const isEdge = turn === edgeTurn(own.at);
  const rival = Object.entries(queues).find(([key, other]) => {
    const its = stampedIn(key, other);
    return (
      its !== null &&
      its.at === own.at &&
      (key === edgeTurn(its.at)) !== isEdge &&
      other.running !== queue.running &&
      (other.behind === undefined || askedAt(other) < askedAt(queue)) &&
      its.tag !== own.tag &&
      headerOf(its.tag) === headerOf(own.tag)
    );
  });
  return rival?.[1].running ?? null;
}

/**
 * Whether a running release can still give way to a newer one without harm. Not while stable is being changed, or traffic returns to it
 * after that, or it is being undone: then what has begun is ended, and the newer one waits for it.
 */
export function canGiveWay(phase: Phase, way: Way | null): boolean {
  switch (phase) {
    case 'promoting':
    case 'cleaning_up':
    case 'rolling_back':
    case 'needs_attention':
    case 'succeeded':
    case 'rolled_back':
    case 'cancelled':
    case 'failed':
      return false;
    case 'queued':
      return true;
    case 'building':
    case 'deploying':
    case 'verifying':
    case 'waiting_for_approval':
    case 'shifting':
    case 'holding':
      return way?.rest.some(({ kind }) => kind === 'promote' || kind === 'deploy-straight') ?? false;
  }
}

/**
 * When the running release is asked again whether it is there: one that was terminated cannot give its turn back. Every 10 s, then less
 * often the longer the others wait. Each question is some events in its history, of which Temporal allows 50,000, and 10,000 signals.
 */
export const pingAfterMs = (waitedMs: number): number => Math.max(10_000, waitedMs / 20);

/** One that waits, as it can be read. */
export interface Waiter {
  readonly release: string;
  /** A hotfix or a rollback. */
  readonly urgent: boolean;
  /** When its turn is expected, ISO; null: nobody can tell. The API adds it at each answer. */
  readonly expectedAt?: string | null;
}

/** What can be read of a queue: who is there, and how long it took others. */
export interface QueueView {
  readonly running: string | null;
  /** Since when, ISO; null: nobody runs, or it is not known. */
  readonly since: string | null;
  /** In the order of their turns. */
  readonly waiting: readonly Waiter[];
  /** How long the last successful releases held this environment, newest first, ms. */
  readonly heldMs: readonly number[];
}

export function queueView(environment: string, queue: Queue, history: readonly HistoryEntry[]): QueueView {
  return {
    running: queue.running,
    since: queue.running === null ? null : (queue.since ?? null),
    waiting: queue.waiting.map((release) => ({ release, urgent: ticketOf(queue, release).urgent })),
    heldMs: lastHeldMs(environment, history),
  };
}

function lastHeldMs(environment: string, history: readonly HistoryEntry[]): readonly number[] {
  const succeeded = history.filter((h) => h.environment === environment && h.phase === 'succeeded');
  return succeeded.flatMap((h) => (h.heldMs === undefined ? [] : [h.heldMs])).slice(0, 10);
}

/**
 * When each of those that wait can expect its turn, ISO, in their order. The running one is expected to take as long as those of the
 * last ones that took longer than it has taken yet; each other one as long as the median. Null: nobody can tell, because nothing was
 * released yet or the running one takes longer than any of them did.
 */
export function expectedStarts(
  { since, waiting, heldMs }: Pick<QueueView, 'since' | 'waiting' | 'heldMs'>,
  nowMs: number,
): readonly (string | null)[] {
  const elapsed = since === null ? Infinity : nowMs - Date.parse(since);
  const whole = median(heldMs.filter((ms) => ms > elapsed));
  const each = median(heldMs);
  if (since === null || whole === null || each === null) return waiting.map(() => null);
  const free = Date.parse(since) + whole;
  return waiting.map((_, i) => new Date(free + i * each).toISOString());
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** What an environment shows: who is there, and what the last success left. */
export interface EnvironmentState {
  readonly name: string;
  readonly running: string | null;
  /** Since when. Absent: a worker of another version answered. */
  readonly since?: string | null;
  readonly queue: readonly string[];
  /** The same with more about each. Absent: a worker of another version answered. */
  readonly waiting?: readonly Waiter[];
  readonly digest: string | null;
  readonly version: string | null;
}

export function environmentAfter(
  name: string,
  queue: Queue,
  history: readonly HistoryEntry[],
): EnvironmentState {
  const last = history.find((h) => h.environment === name && h.phase === 'succeeded');
  const { running, since, waiting } = queueView(name, queue, history);
  const digest = last?.digest ?? null;
  return { name, running, since, queue: queue.waiting, waiting, digest, version: last?.version ?? null };
}

/** The same with the times at which those that wait can expect their turn. */
export function withExpectations(
  state: EnvironmentState,
  history: readonly HistoryEntry[],
  nowMs: number,
): EnvironmentState {
  const { name, since = null, waiting = [] } = state;
  const starts = expectedStarts({ since, waiting, heldMs: lastHeldMs(name, history) }, nowMs);
  return { ...state, waiting: waiting.map((w, i) => ({ ...w, expectedAt: starts[i] ?? null })) };
}
