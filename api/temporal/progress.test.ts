import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { withProgress, type Described } from './progress.js';

const since = '2026-01-01T00:00:00.500Z';
const waitingOn = { what: '2 pod(s) of web-gray to be ready', since, until: null, can: ['abort'] };
const pending = (name: string, beat: unknown, message?: string, startedAfterMs = 0): Described => {
  const ms = Date.parse(since) + startedAfterMs;
  const activity = {
    activityType: { name },
    lastStartedTime: {
      seconds: { toNumber: () => Math.floor(ms / 1_000) },
      nanos: (ms % 1_000) * 1_000_000,
    },
    heartbeatDetails: { payloads: beat === null ? [] : [defaultPayloadConverter.toPayload(beat)] },
    ...(message === undefined ? {} : { lastFailure: { message } }),
  };
  return { raw: { pendingActivities: [activity] } };
};
const told = (described: Described): string => withProgress({ waitingOn }, described).waitingOn.what;

describe('what is awaited', () => {
  it.each<[string, Described, string]>([
    [
      'is told with how far it is',
      pending('deployGray', 'web-gray: 1 of 2 ready; a: Pending'),
      ': 1 of 2 ready; a: Pending',
    ],
    [
      'is told with why it is tried again',
      pending('setTraffic', null, 'no answer'),
      ': the last attempt failed: no answer',
    ],
    [
      'is told as it is where the activity was for what was awaited before',
      pending('deployGray', 'deploying web-gray', undefined, -1),
      '',
    ],
    ['is told as it is where nothing is under way', { raw: {} }, ''],
    ['is told as it is under an analysis, whose beats are data', pending('analyse', { passed: 1 }), ''],
  ])('%s', (_, described, more) => {
    expect(told(described)).toBe(`${waitingOn.what}${more}`);
  });

  const scheduled = (name: string, state: number, agoMs: number, message?: string): Described => {
    const seconds = { toNumber: () => (Date.now() - agoMs) / 1_000 };
    const lastFailure = message === undefined ? null : { message };
    const activity = { activityType: { name }, state, scheduledTime: { seconds }, lastFailure };
    return { raw: { pendingActivities: [activity] } };
  };
  it.each<[string, Described, string]>([
    ['after seconds in which nobody has', scheduled('setTraffic', 1, 10_000), ': no worker'],
    ['also under an analysis', scheduled('analyse', 1, 10_000), ': no worker'],
    ['not at once', scheduled('setTraffic', 1, 1_000), ''],
    ['not where one has', scheduled('setTraffic', 2, 10_000), ''],
    [
      'not where it is tried again',
      scheduled('setTraffic', 1, 10_000, 'no answer'),
      ': the last attempt failed',
    ],
  ])('is told to be taken up by no worker: %s', (_, described, more) => {
    const what = told(described);
    expect(what.startsWith(`${waitingOn.what}${more}`)).toBe(true);
    expect(what === waitingOn.what).toBe(more === '');
  });

  it('is nothing where nothing is', () => {
    const view = { waitingOn: null };
    expect(withProgress(view, pending('deployGray', 'web-gray: 1 of 2 ready'))).toBe(view);
  });
});
