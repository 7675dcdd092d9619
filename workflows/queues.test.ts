import { describe, expect, it } from 'vitest';
import { laneTurn } from '../domain/queue.js';
import { Queues } from './queues.js';

const blue = laneTurn('prod', 'x-lane: blue');
const ticket = { urgent: false, asked: '2026-01-02T03:04:05.000Z', tag: 'x-lane: blue' };
const take = (queues: Queues, release: string, environment = 'prod'): void =>
  queues.take({ release, environment, policy: 'wait', ticket });

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
