/** What can be sent to and asked of workflows: plain definitions, importable outside the sandbox. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Actor, DecisionRequest } from '../domain/approval.js';
import type { Application, ApplicationVersion, QueuePolicy } from '../domain/application.js';
import type { Duration } from '../domain/duration.js';
import type { Failure } from '../domain/failures.js';
import type { Plan } from '../domain/plan.js';
import type { EnvironmentState, QueueView, Ticket } from '../domain/queue.js';
import type { EndedPhase, HistoryEntry, Phase, ReleaseEvent, ReleaseView } from '../domain/release.js';
import type { Pass } from '../domain/stage-order.js';

/**
 * Answer of an update that a person sent. What makes no sense is turned down by the validator, before anything is written to the
 * history: the client gets an ApplicationFailure whose type is the code and whose first detail is the Failure.
 */
export interface Answer {
  readonly accepted: true;
}

export interface Steering {
  readonly by: Actor;
  readonly reason: string;
}

export interface Submitted {
  readonly phase: Phase;
  readonly plan: Plan | null;
  /** Non-empty: the release was refused and changed nothing. */
  readonly problems: readonly Failure[];
}

// --- release ---

/** Sent with the start: answers when the plan stands and the release is queued or running, or is refused. */
export const submit = defineUpdate<Submitted>('submit');
export const decide = defineUpdate<Answer, [DecisionRequest]>('decide');
/** The same decision for callers that fire and forget. */
export const approval = defineSignal<[DecisionRequest]>('approval');
/** Holds before the next step; the weight stays and stays guarded. */
export const pause = defineUpdate<Answer, [Steering]>('pause');
/** Ends a pause, or goes on although an analysis is inconclusive. */
export const resume = defineUpdate<Answer, [Steering]>('resume');
/** Returns traffic to stable and undoes everything; cannot be taken back. */
export const abort = defineUpdate<Answer, [Steering]>('abort');
/** Moves gray's share of untagged requests now, holds it, and goes on with the next higher weight of the plan. */
export const weight = defineUpdate<Answer, [Steering & { readonly weight: number }]>('weight');
/** Gives what is waited for more time: a hold, an approval, an analysis in doubt. */
export const extend = defineUpdate<Answer, [Steering & { readonly duration: Duration }]>('extend');
/** Leaves out the weights and holds that are left. */
export const promote = defineUpdate<Answer, [Steering]>('promote');
/** In needs_attention: tries the undoing again. */
export const retry = defineUpdate<Answer, [Steering]>('retry');
/** Ends the hold that is under way; in needs_attention: leaves this one undoing step out and goes on with the next. */
export const skip = defineUpdate<Answer, [Steering]>('skip');
/** In needs_attention: ends the release and leaves everything as it is. */
export const abandon = defineUpdate<Answer, [Steering]>('abandon');

/** What a query fails with that is to be asked again. */
export const askedTooEarly = 'asked while the worker had read a part of the history only; ask again';
/** Header of a query: what is `Settled`. */
export const settledHeader = 'sluice-settled';
/** All that a workflow had done when it was asked: no workflow task was open. */
export interface Settled {
  readonly runId: string;
  /** The length of its history. */
  readonly events: number;
}
export const state = defineQuery<ReleaseView>('state');
/** Events with an id above the given one, oldest first. */
export const events = defineQuery<readonly ReleaseEvent[], [number]>('events');

/** From the application: the release holds the environment now. With what it asked to be told of the environments before. */
export const granted = defineSignal<[Turn & { readonly passes?: readonly Pass[] }]>('granted');
/** From the application: it waits; place 1 is next. */
export const queued = defineSignal<[Turn & { readonly place: number; readonly behind: string }]>('queued');
/** From the application: refused by policy. */
export const turnedAway = defineSignal<[Turn & { readonly running: string }]>('turnedAway');
/** From the application: a newer release takes its place. One that waits has left the queue; one that runs gives way if it still can. */
export const superseded = defineSignal<[Turn & { readonly by: string }]>('superseded');
/** From the application: are you there? A release that is not is no longer waited for. */
export const ping = defineSignal('ping');

export interface Turn {
  readonly application: string;
  readonly environment: string;
}

// --- application ---

export interface ApplicationView {
  readonly current: ApplicationVersion;
  readonly versions: readonly ApplicationVersion[];
  readonly environments: readonly EnvironmentState[];
  /** Newest first, at most 100. */
  readonly history: readonly HistoryEntry[];
}

/** Sent with the start. Answers the version that is now current; an unchanged declaration makes no new one. */
export const declare = defineUpdate<
  ApplicationVersion,
  [{ readonly application: Application; readonly by: string }]
>('declare');
/** Ends the application's workflow; refused while a release runs or waits. */
export const remove = defineUpdate<Answer, [{ readonly by: string }]>('remove');
export const application = defineQuery<ApplicationView>('application');
/** One environment's queue, without the rest of the application. */
export const queue = defineQuery<QueueView, [string]>('queue');

export interface TurnRequest {
  readonly release: string;
  readonly environment: string;
  readonly policy: QueuePolicy;
  /** Absent: a release of an older worker, which knew no urgent ones. */
  readonly ticket?: Ticket;
}

export const takeTurn = defineSignal<[TurnRequest]>('takeTurn');
/** The release has ended or no longer wants its turn. */
export const endTurn =
  defineSignal<
    [{ readonly release: string; readonly environment: string; readonly entry: HistoryEntry | null }]
  >('endTurn');

/** From the API: that release is not there any more, and has not said so. */
export const lost = defineSignal<[{ readonly release: string }]>('lost');

/** Search attributes by what they say; their types are searchAttributeTypes. */
export const searchAttributes = {
  /** All that are released. */
  applications: 'SluiceApplications',
  environment: 'SluiceEnvironment',
  lane: 'SluiceLane',
  phase: 'SluicePhase',
  weight: 'SluiceWeight',
  waitingOn: 'SluiceWaitingOn',
  initiator: 'SluiceInitiator',
  /** Since when it waits; not set while it does not. */
  waitingSince: 'SluiceWaitingSince',
  /** From when on it waits for longer than it should; not set while it does not wait. */
  overdueAt: 'SluiceOverdueAt',
} as const;

/** By name. */
export const searchAttributeTypes: Readonly<Record<string, 'Keyword' | 'KeywordList' | 'Int' | 'Datetime'>> =
  {
    [searchAttributes.applications]: 'KeywordList',
    [searchAttributes.environment]: 'Keyword',
    [searchAttributes.lane]: 'Keyword',
    [searchAttributes.phase]: 'Keyword',
    [searchAttributes.weight]: 'Int',
    [searchAttributes.waitingOn]: 'Keyword',
    [searchAttributes.initiator]: 'Keyword',
    [searchAttributes.waitingSince]: 'Datetime',
    [searchAttributes.overdueAt]: 'Datetime',
  };

/** Result of the release workflow. */
export interface ReleaseResult {
  readonly phase: EndedPhase;
  readonly view: ReleaseView;
}
