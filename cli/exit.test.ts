import { expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import type { Outcome } from '../domain/release.js';
import { exitCodeOf } from './exit.js';

const aborted = failure('aborted', { who: 'ann', reason: 'wrong version' });
const rejected = failure('approval_rejected', { who: 'ben', reason: 'prices are wrong' });
const expired = failure('approval_expired', { deadline: '2026-01-01T00:00:00Z' });
const failed = failure('analysis_failed', { why: 'errors 3 %' });

it.each<[string, Outcome['phase'], Outcome['failure'], number]>([
  ['success', 'succeeded', null, 0],
  ['a rollback', 'rolled_back', failed, 3],
  ['a rejection that undid something', 'rolled_back', rejected, 4],
  ['a rejection before anything was changed', 'failed', rejected, 4],
  ['nobody decided', 'rolled_back', expired, 4],
  ['an abort that undid something', 'rolled_back', aborted, 7],
  ['a cancelled release', 'cancelled', aborted, 7],
  ['a failed release', 'failed', failed, 8],
])('%s has its own exit code', (_, phase, why, code) => {
  expect(exitCodeOf({ phase, failure: why, left: [] })).toBe(code);
});
