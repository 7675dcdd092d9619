import { describe, expect, it } from 'vitest';
import { overdueAt } from './waiting.js';

const since = '2026-01-01T00:00:00.000Z';
const after = (ms: number): string => new Date(Date.parse(since) + ms).toISOString();
const hour = 3_600_000;

describe('a wait is longer than it should be', () => {
  it.each([
    ['a quarter of an hour into a pause', 'holding', null, ['resume', 'abort'], 900_000],
    ['a quarter of an hour into needs_attention', 'needs_attention', null, ['retry'], 900_000],
    ['at half the deadline of an approval', 'waiting_for_approval', after(2 * hour), ['approve'], hour],
    ['at half the deadline of the queue', 'queued', after(2 * hour), ['abort'], hour],
    ['at half the deadline of a doubt', 'holding', after(2 * hour), ['resume', 'skip'], hour],
    [
      'a minute after a hold should have ended, and not within it',
      'holding',
      after(hour),
      ['skip'],
      hour + 60_000,
    ],
    ['a minute after pods should have been ready', 'deploying', after(hour), ['abort'], hour + 60_000],
  ] as const)('%s', (_, phase, until, can, ms) => {
    expect(overdueAt({ since, until, can }, phase)).toBe(after(ms));
  });

  it('sooner where the settings say so', () => {
    const patience = { endlessMs: 1_000, share: 10 };
    expect(overdueAt({ since, until: null, can: [] }, 'holding', patience)).toBe(after(1_000));
    expect(overdueAt({ since, until: after(hour), can: [] }, 'queued', patience)).toBe(after(hour / 10));
  });
});
