import { ActivityFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import { failureError, failureOf } from './failures.js';

const away = failureError(failure('cluster_unreachable', { cluster: 'two', why: 'ECONNREFUSED' }));
const timedOut = (type: TimeoutFailure['timeoutType'], cause?: Error): ActivityFailure =>
  new ActivityFailure(
    'Activity task timed out',
    'setTraffic',
    '1',
    RetryState.TIMEOUT,
    '',
    Object.assign(new TimeoutFailure('activity timed out', undefined, type), { cause }),
  );

describe('what an error of a workflow is told as', () => {
  it.each<[string, unknown, string]>([
    [
      'one of the catalogue',
      failureError(failure('superseded', { application: 'a', environment: 'e', by: 'b' })),
      'superseded',
    ],
    ['an activity that no worker began', timedOut('SCHEDULE_TO_START'), 'worker_missing'],
    ['an activity that took too long', timedOut('START_TO_CLOSE'), 'activity_timeout'],
    ['an activity that had no time left', timedOut('SCHEDULE_TO_CLOSE'), 'activity_timeout'],
    [
      'an activity that had no time left, and what it failed with',
      timedOut('SCHEDULE_TO_CLOSE', away),
      'cluster_unreachable',
    ],
    ['anything else', new Error('a defect'), 'internal'],
  ])('%s', (_, error, code) => {
    expect(failureOf(error).code).toBe(code);
  });

  it('names the activity that took too long', () => {
    expect(failureOf(timedOut('START_TO_CLOSE')).message).toContain('setTraffic');
  });
});
