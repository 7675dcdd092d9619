import { describe, expect, it } from 'vitest';
import type { Waiting } from '../domain/release.js';
import { newsOf, type Standing } from './standing.js';

const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:00:00.001Z';
const hold = (since: string): Waiting => ({ what: 'the hold to end', since, until: null, can: ['abort'] });

const calm: Standing = { phase: 'deploying', weight: 0, environment: 'prod', waiting: null, wait: 0 };
const held: Standing = { ...calm, phase: 'holding', weight: 10, waiting: hold(noon), wait: 1 };
const times = ['SluiceWaitingSince', 'SluiceOverdueAt'];

describe('what the list of releases is told', () => {
  it.each<{
    readonly name: string;
    readonly last: Standing;
    readonly next: Standing;
    readonly news: readonly string[];
  }>([
    { name: 'nothing where nothing differs', last: calm, next: calm, news: [] },
    { name: 'the phase alone', last: calm, next: { ...calm, phase: 'verifying' }, news: ['SluicePhase'] },
    { name: 'the weight alone', last: calm, next: { ...calm, weight: 5 }, news: ['SluiceWeight'] },
    {
      name: 'the environment',
      last: calm,
      next: { ...calm, environment: 'gray' },
      news: ['SluiceEnvironment'],
    },
    {
      name: 'no environment where none is known any more',
      last: calm,
      next: { ...calm, environment: '' },
      news: [],
    },
    {
      name: 'a waiting with its times',
      last: calm,
      next: held,
      news: ['SluicePhase', 'SluiceWeight', 'SluiceWaitingOn', ...times],
    },
    {
      name: 'that a waiting is over, and its times with it',
      last: held,
      next: { ...held, waiting: null },
      news: ['SluiceWaitingOn', ...times],
    },
    {
      name: 'the times of a second waiting for the same, although it began in the same millisecond',
      last: held,
      next: { ...held, wait: 2 },
      news: times,
    },
    {
      name: 'nothing of the same waiting, although a replay was told another time',
      last: held,
      next: { ...held, waiting: hold(later) },
      news: [],
    },
  ])('$name', ({ last, next, news }) => {
    expect(newsOf(last, next).map((n) => n.key.name)).toEqual(news);
  });

  it('times are taken away with the waiting', () => {
    const values = newsOf(held, { ...held, waiting: null }).map((n) => n.value);
    expect(values).toEqual(['', null, null]);
  });

  it('a keyword is cut to what Temporal takes', () => {
    const waiting = { ...hold(noon), what: 'x'.repeat(500) };
    const told = newsOf(calm, { ...calm, waiting, wait: 1 }).find((n) => n.key.name === 'SluiceWaitingOn');
    expect(told?.value).toHaveLength(200);
  });
});
