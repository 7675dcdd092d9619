/**
 * What Temporal Cloud bills for a history, by its rules of https://docs.temporal.io/cloud/actions: one action for each start, timer,
 * upsert of search attributes, signal (where it is sent), update, and attempt of an activity; all local activities of one workflow
 * task together are one. A start that an update came with is two: the start and the update. Search attributes of the start and those
 * of versioning are free. Heartbeats and queries are billed too but are in no history: see `heartbeatsIn`.
 */
import type { temporal } from '@temporalio/proto';

type Event = temporal.api.history.v1.IHistoryEvent;

export const actionKinds = [
  'start',
  'update',
  'signal',
  'timer',
  'search attributes',
  'activity',
  'local activities',
  'child workflow',
  'options',
] as const;
export type ActionKind = (typeof actionKinds)[number];
export type Actions = Readonly<Record<ActionKind, number>>;

export function actionsOf(events: readonly Event[]): Actions {
  const counts = Object.fromEntries(actionKinds.map((kind) => [kind, 0])) as Record<ActionKind, number>;
  const tasksWithMarkers = new Set<string>();
  for (const event of events) {
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName === 'core_local_activity')
      tasksWithMarkers.add(String(marker.workflowTaskCompletedEventId));
    const kind = kindOf(event);
    if (kind !== null) counts[kind] += timesOf(event);
  }
  counts['local activities'] = tasksWithMarkers.size;
  return counts;
}

export const totalOf = (actions: Actions): number => Object.values(actions).reduce((a, b) => a + b, 0);

function kindOf(event: Event): ActionKind | null {
  if (event.workflowExecutionStartedEventAttributes) return 'start';
  if (event.workflowExecutionUpdateAcceptedEventAttributes) return 'update';
  if (event.signalExternalWorkflowExecutionInitiatedEventAttributes) return 'signal';
  // A signal of another workflow was counted where it was sent.
  if (event.workflowExecutionSignaledEventAttributes)
    return event.workflowExecutionSignaledEventAttributes.externalWorkflowExecution ? null : 'signal';
  if (event.timerStartedEventAttributes) return 'timer';
  if (event.upsertWorkflowSearchAttributesEventAttributes)
    return isVersioning(event) ? null : 'search attributes';
  if (event.activityTaskStartedEventAttributes) return 'activity';
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return 'child workflow';
  if (event.workflowExecutionOptionsUpdatedEventAttributes) return 'options';
  return null;
}

function timesOf(event: Event): number {
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return 2;
  // One event stands for all attempts.
  return event.activityTaskStartedEventAttributes?.attempt ?? 1;
}

function isVersioning({ upsertWorkflowSearchAttributesEventAttributes: upsert }: Event): boolean {
  const names = Object.keys(upsert?.searchAttributes?.indexedFields ?? {});
  return names.length > 0 && names.every((name) => name === 'TemporalChangeVersion');
}

/** Heartbeats of activities that have reached a Temporal server, by its metrics. */
export function heartbeatsIn(metrics: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith('service_requests{'));
  const ours = lines.filter(
    (line) =>
      line.includes('operation="RecordActivityTaskHeartbeat"') && line.includes('service_name="frontend"'),
  );
  return ours.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
