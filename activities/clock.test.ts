import { describe, expect, it } from 'vitest';
import { elapsedClock, temporalClock } from './clock.js';

const hourMs = 3_600_000;
const scheduled = Date.parse('2026-01-01T12:00:00Z');

describe("Temporal's time in an activity", () => {
  it.each([
    ['is the own time where that fits', 300, 300],
    ['is the own time where that is a little behind', -400, -400],
    ['is that of the schedule where the own clock is hours ahead', 5 * hourMs, 0],
    ['is that of the schedule where the own clock is hours behind', -5 * hourMs, 0],
  ])('%s', (_, ahead, expected) => {
    const info = { currentAttemptScheduledTimestampMs: scheduled };
    const now = temporalClock(
      info,
      () => scheduled + ahead,
      () => 1_000,
    );
    expect(now() - scheduled).toBe(expected);
  });

  it('goes on by the time that passes, whatever the clock is set to meanwhile', () => {
    let wall = scheduled + 100;
    let up = 5_000;
    const now = temporalClock(
      { currentAttemptScheduledTimestampMs: scheduled },
      () => wall,
      () => up,
    );
    wall += 5 * hourMs;
    up += 2_000;
    expect(now() - scheduled).toBe(2_100);
  });

  it('counts the earlier attempts of an activity, by the schedule alone', () => {
    let up = 0;
    const elapsed = elapsedClock(
      { scheduledTimestampMs: scheduled, currentAttemptScheduledTimestampMs: scheduled + 7_000 },
      () => up,
    );
    up = 500;
    expect(elapsed()).toBe(7_500);
  });
});
