import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentAfter, leave, pingAfterMs, take, type Queue } from './queue.js';

const empty: Queue = { running: null, waiting: [] };

describe('queue', () => {
  it('gives the turn to the first and places to the others, in order', () => {
    const queue = ['a', 'b', 'c'].reduce(take, empty);
    expect(queue).toEqual({ running: 'a', waiting: ['b', 'c'] });
  });

  it('changes nothing when somebody asks twice', () => {
    const queue = ['a', 'b'].reduce(take, empty);
    expect(take(queue, 'a')).toBe(queue);
    expect(take(queue, 'b')).toBe(queue);
  });

  it('gives the turn to the next when the running one leaves', () => {
    const queue = ['a', 'b', 'c'].reduce(take, empty);
    expect(leave(queue, 'a')).toEqual({ running: 'b', waiting: ['c'] });
  });

  it('lets a waiting one leave at once, and a stranger leave without effect', () => {
    const queue = ['a', 'b', 'c'].reduce(take, empty);
    expect(leave(queue, 'b')).toEqual({ running: 'a', waiting: ['c'] });
    expect(leave(queue, 'z')).toEqual(queue);
  });

  it('P6: never has two running, never loses one that waits, never lets the turn lie idle', () => {
    const action = fc.tuple(fc.boolean(), fc.constantFrom('a', 'b', 'c', 'd'));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let queue = empty;
        const present = new Set<string>();
        for (const [arrives, release] of actions) {
          queue = arrives ? take(queue, release) : leave(queue, release);
          if (arrives) present.add(release);
          else present.delete(release);
          const members = [queue.running, ...queue.waiting].filter((m) => m !== null);
          expect(new Set(members)).toEqual(present);
          expect(members).toHaveLength(present.size);
          expect(queue.running === null).toBe(present.size === 0);
        }
      }),
    );
  });

  it('shows what the last success left, not what a failure tried', () => {
    const entry = {
      release: 'r',
      environment: 'prod',
      previousDigest: null,
      initiator: 'i',
      reason: '',
      startedAt: '',
      endedAt: '',
    };
    const history = [
      { ...entry, version: 'v3', digest: 'sha256:3', phase: 'rolled_back' as const },
      { ...entry, version: 'v2', digest: 'sha256:2', phase: 'succeeded' as const },
    ];
    expect(environmentAfter('prod', empty, history)).toMatchObject({
      version: 'v2',
      digest: 'sha256:2',
      running: null,
    });
  });
});

describe('asking whether the running release is there', () => {
  it('is done each 10 seconds at first, and less than 300 times in a month', () => {
    const month = 30 * 24 * 3_600_000;
    let asked = 0;
    for (let waited = 0; waited < month; waited += pingAfterMs(waited)) asked++;
    expect(pingAfterMs(0)).toBe(10_000);
    expect(asked).toBeLessThan(300);
  });
});
