/** How far an activity is that a release waits for: Temporal knows it beside the workflow, so that telling it costs no event. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { ReleaseView } from '../../domain/release.js';

/** What of `describe` is read here. */
export interface Described {
  readonly raw: {
    readonly pendingActivities?: readonly Pending[] | null;
  };
}

interface Pending {
  /** PendingActivityState of Temporal's API. */
  readonly state?: number | null;
  readonly activityType?: { readonly name?: string | null } | null;
  readonly heartbeatDetails?: { readonly payloads?: readonly Payload[] | null } | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
  /** One of them is there: the server tells only the one that fits its state. */
  readonly lastStartedTime?: Timestamp | null;
  readonly scheduledTime?: Timestamp | null;
}

interface Timestamp {
  readonly seconds?: { toNumber(): number } | null;
  readonly nanos?: number | null;
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

const scheduledState = 1;
/** A worker that is there takes an activity up within milliseconds, a busy one within seconds. */
const takenUpMs = 3_000;

/** Characters: a scheduler names every node. */
const longest = 600;

/**
 * The view with `waitingOn.what` as far as the activity is, and with why an earlier attempt of it failed.
 *
 * @param described from before the view: an activity that it has and that began before the wait did is over.
 */
export function withProgress<T extends Pick<ReleaseView, 'waitingOn'>>(view: T, { raw }: Described): T {
  const { waitingOn } = view;
  if (waitingOn === null) return view;
  const since = Date.parse(waitingOn.since);
  const told = (raw.pendingActivities ?? [])
    .filter(({ lastStartedTime, scheduledTime }) => msOf(lastStartedTime ?? scheduledTime) >= since)
    .flatMap((pending) =>
      isLeft(pending) ? ['no worker that serves its cluster has taken it up yet'] : progressOf(pending),
    )
    .join('; ');
  if (told === '') return view;
  const short = told.length > longest ? `${told.slice(0, longest)}...` : told;
  return { ...view, waitingOn: { ...waitingOn, what: `${waitingOn.what}: ${short}` } };
}

/** Nobody has begun with it. */
const isLeft = ({ state, lastFailure, scheduledTime }: Pending): boolean =>
  state === scheduledState && !lastFailure?.message && Date.now() - msOf(scheduledTime) > takenUpMs;

function progressOf({ activityType, heartbeatDetails, lastFailure }: Pending): string[] {
  // What an analysis beats is its tally, not a sentence.
  if (activityType?.name === 'analyse') return [];
  const [payload] = heartbeatDetails?.payloads ?? [];
  const beat = payload === undefined ? null : defaultPayloadConverter.fromPayload<unknown>(payload);
  const failed = lastFailure?.message;
  return [
    ...(typeof beat === 'string' ? [withoutName(beat)] : []),
    ...(failed ? [`the last attempt failed: ${failed}`] : []),
  ];
}

const msOf = (time: Timestamp | null | undefined): number =>
  (time?.seconds?.toNumber() ?? 0) * 1_000 + (time?.nanos ?? 0) / 1_000_000;

/** `shop-gray: 0 of 1 ready`: the name stands before it already. */
const withoutName = (beat: string): string => beat.replace(/^[a-z0-9.-]+: (?=\d)/, '');
