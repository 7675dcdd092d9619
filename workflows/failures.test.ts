import { ActivityFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import { failureError, failureOf } from './failures.js';

const timedOut = (type: TimeoutFailure['timeoutType']): ActivityFailure =>
  new ActivityFailure(
    'Activity task timed out',
    'setTraffic',
    '1',
    RetryState.TIMEOUT,
    '',
    new TimeoutFailure('activity timed out', undefined, type),
  );

describe('what an error of a workflow is told as', () => {
  it.each<[string, unknown, string]>([
    [
      'one of the catalogue',
      failureError(failure('superseded', { application: 'a', environment: 'e', by: 'b' })),
      'superseded',
    ],
    ['an activity that no worker began', timedOut('SCHEDULE_TO_START'), 'worker_missing'],
    ['an activity that took too long', timedOut('START_TO_CLOSE'), 'internal'],
    ['anything else', new Error('a defect'), 'internal'],
  ])('%s', (_, error, code) => {
    expect(failureOf(error).code).toBe(code);
  });

  it('names the activity that took too long', () => {
    expect(failureOf(timedOut('START_TO_CLOSE')).message).toContain('setTraffic');
  });
});
