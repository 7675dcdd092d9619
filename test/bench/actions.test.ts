import { describe, expect, it } from 'vitest';
import { actionKinds, actionsOf, heartbeatsIn, totalOf } from './actions.js';

type Events = Parameters<typeof actionsOf>[0];

const localActivity = (task: number): Events[number] => ({
  markerRecordedEventAttributes: {
    markerName: 'core_local_activity',
    workflowTaskCompletedEventId: task,
  } as unknown as NonNullable<Events[number]['markerRecordedEventAttributes']>,
});
const upsert = (...names: string[]): Events[number] => ({
  upsertWorkflowSearchAttributesEventAttributes: {
    searchAttributes: { indexedFields: Object.fromEntries(names.map((name) => [name, {}])) },
  },
});

describe('actionsOf', () => {
  it.each<[string, Events, Partial<Record<(typeof actionKinds)[number], number>>]>([
    ['a start is one', [{ workflowExecutionStartedEventAttributes: {} }], { start: 1 }],
    [
      'a start that an update came with is two',
      [
        { workflowExecutionStartedEventAttributes: {} },
        { workflowExecutionUpdateAcceptedEventAttributes: {} },
      ],
      { start: 1, update: 1 },
    ],
    ['a timer is one', [{ timerStartedEventAttributes: {} }], { timer: 1 }],
    [
      'several attributes at once are one',
      [upsert('SluicePhase', 'SluiceWeight')],
      { 'search attributes': 1 },
    ],
    ['those of versioning are free', [upsert('TemporalChangeVersion')], {}],
    [
      'a signal to another workflow is one',
      [{ signalExternalWorkflowExecutionInitiatedEventAttributes: {} }],
      { signal: 1 },
    ],
    ['a signal of a client is one', [{ workflowExecutionSignaledEventAttributes: {} }], { signal: 1 }],
    [
      'a signal of another workflow was counted there',
      [{ workflowExecutionSignaledEventAttributes: { externalWorkflowExecution: { workflowId: 'x' } } }],
      {},
    ],
    [
      'every attempt of an activity is one',
      [{ activityTaskStartedEventAttributes: { attempt: 3 } }],
      { activity: 3 },
    ],
    ['an activity that never began is none', [{ activityTaskScheduledEventAttributes: {} }], {}],
    [
      'local activities of one workflow task are one together',
      [localActivity(5), localActivity(5), localActivity(9)],
      { 'local activities': 2 },
    ],
    ['a marker of versioning is free', [{ markerRecordedEventAttributes: { markerName: 'core_patch' } }], {}],
    [
      'a child is two',
      [{ startChildWorkflowExecutionInitiatedEventAttributes: {} }],
      { 'child workflow': 2 },
    ],
    [
      'tasks and completions are none',
      [{ workflowTaskCompletedEventAttributes: {} }, { timerFiredEventAttributes: {} }],
      {},
    ],
  ])('%s', (_, events, expected) => {
    const none = Object.fromEntries(actionKinds.map((kind) => [kind, 0]));
    expect(actionsOf(events)).toEqual({ ...none, ...expected });
  });

  it('the total is the sum of all kinds', () => {
    const events = [{ timerStartedEventAttributes: {} }, { workflowExecutionStartedEventAttributes: {} }];
    expect(totalOf(actionsOf(events))).toBe(2);
  });
});

describe('heartbeatsIn', () => {
  it('adds up what the frontend was asked, not what it asked of others', () => {
    const metrics = [
      '# TYPE service_requests counter',
      'service_requests{namespace="default",operation="RecordActivityTaskHeartbeat",service_name="frontend"} 12',
      'service_requests{namespace="other",operation="RecordActivityTaskHeartbeat",service_name="frontend"} 3',
      'service_requests{namespace="default",operation="RecordActivityTaskHeartbeat",service_name="history"} 99',
      'service_requests{namespace="default",operation="StartWorkflowExecution",service_name="frontend"} 7',
    ].join('\n');
    expect(heartbeatsIn(metrics)).toBe(15);
  });
});
