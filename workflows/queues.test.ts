import { describe, expect, it } from 'vitest';
import { edgeTurn, laneTurn } from '../domain/queue.js';
import { Queues } from './queues.js';

const blue = laneTurn('prod', 'x-lane: blue');
const ticket = { urgent: false, asked: '2026-01-02T03:04:05.000Z', tag: 'x-lane: blue' };
const take = (queues: Queues, release: string, environment = 'prod'): void =>
  queues.take({ release, environment, policy: 'wait', ticket });

describe('a turn at an edge', () => {
  const edge = edgeTurn('prod');
  const gray = laneTurn('prod', 'x-lane: gray');
  const ask = (
    queues: Queues,
    release: string,
    environment: string,
    stamps?: string,
    asked = ticket.asked,
  ): void => {
    const own = { urgent: false, asked, ...(stamps === undefined ? {} : { stamps }) };
    queues.take({ release, environment, policy: 'wait', ticket: own });
  };

  it('is not beside one in another lane whose requests come through there by the same header', () => {
    const queues = new Queues('web', {}, () => []);
    ask(queues, 'lane', gray);
    ask(queues, 'stamper', edge, 'x-lane: blue');
    expect(queues.of(edge)).toMatchObject({ running: 'stamper', behind: 'lane' });
    expect(queues.hasWaiting).toBe(true);
    queues.end('lane', gray);
    expect(queues.of(edge)).not.toHaveProperty('behind');
    ask(queues, 'late', gray);
    expect(queues.of(gray)).toMatchObject({ running: 'late', behind: 'stamper' });
    queues.end('stamper', edge);
    expect(queues.of(gray)).not.toHaveProperty('behind');
  });

  it('comes before one that is asked for later, in another lane or at the same edge', () => {
    const queues = new Queues('web', {}, () => []);
    const green = laneTurn('prod', 'x-lane: green');
    ask(queues, 'lane', gray);
    ask(queues, 'stamper', edge, 'x-lane: blue', '2026-01-02T03:04:06.000Z');
    ask(queues, 'later', green, undefined, '2026-01-02T03:04:07.000Z');
    expect(queues.of(green)).toMatchObject({ running: 'later', behind: 'stamper' });
    ask(queues, 'last', edge, 'x-lane: blue', '2026-01-02T03:04:08.000Z');
    queues.forget('lane');
    expect(queues.of(edge)).toMatchObject({ running: 'stamper', waiting: ['last'] });
    expect(queues.of(edge)).not.toHaveProperty('behind');
    queues.end('stamper', edge);
    expect(queues.of(green)).not.toHaveProperty('behind');
    expect(queues.of(edge)).toMatchObject({ running: 'last', behind: 'later' });
    queues.forget('later');
    expect(queues.of(edge)).not.toHaveProperty('behind');
  });

  it('is kept by who has it, also where that asks again and one that asked earlier has come meanwhile', () => {
    const queues = new Queues('web', {}, () => []);
    const late = '2026-01-02T03:04:06.000Z';
    ask(queues, 'stamper', edge, 'x-lane: blue', late);
    ask(queues, 'lane', gray);
    expect(queues.of(gray)).toMatchObject({ running: 'lane', behind: 'stamper' });
    ask(queues, 'stamper', edge, 'x-lane: blue', late);
    expect(queues.of(edge)).not.toHaveProperty('behind');
    ask(queues, 'lane', gray);
    expect(queues.of(gray)).toMatchObject({ behind: 'stamper' });
  });

  it.each([
    ['the same tag', 'x-lane: gray'],
    ['another header', 'x-team: blue'],
    ['no tag, as older workers ask', undefined],
  ])('is beside one with %s', (_, stamps) => {
    const queues = new Queues('web', {}, () => []);
    ask(queues, 'lane', gray);
    ask(queues, 'stamper', edge, stamps);
    expect(queues.of(edge)).not.toHaveProperty('behind');
  });

  it('is beside the release of the application itself, which holds the route too', () => {
    const queues = new Queues('web', {}, () => []);
    take(queues, 'own');
    ask(queues, 'stamper', edge, 'x-lane: gray');
    expect(queues.of(edge)).not.toHaveProperty('behind');
  });
});

describe('the queues that outlive a run', () => {
  it('are those that somebody is in: of the lane as long as one is in it', () => {
    const queues = new Queues('web', {}, () => []);
    take(queues, 'r1');
    take(queues, 'r2');
    expect(queues.occupied).toMatchObject({
      prod: { running: 'r1', waiting: ['r2'] },
      [blue]: { running: 'r1', waiting: [] },
    });
    queues.end('r1', 'prod');
    expect(queues.occupied).toMatchObject({ prod: { running: 'r2' }, [blue]: { running: 'r2' } });
    queues.end('r2', 'prod');
    expect(queues.occupied).toEqual({});
  });

  it('are not those that an earlier run left empty', () => {
    const carried = { [blue]: { running: null, waiting: [] }, prod: { running: 'r1', waiting: [] } };
    expect(Object.keys(new Queues('web', carried, () => []).occupied)).toEqual(['prod']);
  });
});
