import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queuePolicies, type QueuePolicy } from './application.js';
import type { Step } from './stage.js';
import {
  arrive,
  canGiveWay,
  emptyQueue,
  environmentAfter,
  expectedStarts,
  leave,
  pingAfterMs,
  withExpectations,
  type Queue,
  type Ticket,
} from './queue.js';
import { openPhases, type HistoryEntry } from './release.js';
import type { Way } from './steering.js';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const now = at(0);

/** Ids are names with the minute they were asked for at; an exclamation mark says that it is urgent: "b2!". */
const ticketOf = (id: string): Ticket => ({
  urgent: id.endsWith('!'),
  asked: at(Number(/\d+/.exec(id)?.[0] ?? 0)),
});
const come = (queue: Queue, id: string, policy: QueuePolicy = 'wait') =>
  arrive(queue, id, ticketOf(id), policy, now);
const line = (ids: readonly string[]): Queue => ids.reduce((q, id) => come(q, id).queue, emptyQueue);
const read = ({ running, waiting }: Queue): string => `${running ?? '-'}: ${waiting.join(' ')}`;

describe('wait', () => {
  it('gives the turn to the first and places to the others, in order', () => {
    expect(read(line(['a1', 'b2', 'c3']))).toBe('a1: b2 c3');
  });

  it('changes nothing when somebody asks twice', () => {
    const queue = line(['a1', 'b2']);
    for (const policy of queuePolicies) {
      expect(come(queue, 'a1', policy).queue).toBe(queue);
      expect(come(queue, 'b2', policy).queue).toBe(queue);
    }
  });

  it('gives the turn to the next when the running one leaves', () => {
    expect(read(leave(line(['a1', 'b2', 'c3']), 'a1', now))).toBe('b2: c3');
  });

  it('lets a waiting one leave at once, and a stranger leave without effect', () => {
    const queue = line(['a1', 'b2', 'c3']);
    expect(read(leave(queue, 'b2', now))).toBe('a1: c3');
    expect(leave(queue, 'z9', now)).toEqual(queue);
  });

  it('lets hotfixes go before ordinary ones, behind earlier hotfixes', () => {
    expect(read(line(['a1', 'b2', 'c3', 'd4!', 'e5', 'f6!']))).toBe('a1: d4! f6! b2 c3 e5');
  });

  it('says since when the running one holds the turn', () => {
    const queue = line(['a1', 'b2']);
    expect(queue.since).toBe(now);
    expect(leave(queue, 'a1', at(7)).since).toBe(at(7));
    expect(leave(queue, 'b2', at(7)).since).toBe(now);
  });

  it('goes on with what a worker wrote that knew of ids only', () => {
    const old: Queue = { running: 'a', waiting: ['b', 'c'] };
    expect(read(come(old, 'd4!').queue)).toBe('a: d4! b c');
    expect(read(leave(old, 'a', now))).toBe('b: c');
    expect(read(arrive(old, 'd', null, 'wait', now).queue)).toBe('a: b c d');
  });

  it('never waits in vain for an old one to give way, which would not hear it', () => {
    const old: Queue = { running: 'a', waiting: ['b', 'c'] };
    const arrival = come(old, 'd4', 'supersede-running');
    expect(read(arrival.queue)).toBe('a: b c d4');
    expect(arrival).toMatchObject({ superseded: [], toEnd: null });
  });
});

describe('refuse', () => {
  it('names the running one and changes nothing; hotfixes are refused too', () => {
    const queue = line(['a1']);
    for (const id of ['b2', 'b2!']) {
      const arrival = come(queue, id, 'refuse');
      expect(arrival).toEqual({ queue, refusedBy: 'a1', superseded: [], toEnd: null });
    }
    expect(read(come(emptyQueue, 'a1', 'refuse').queue)).toBe('a1: ');
  });
});

describe('supersede', () => {
  const cases: readonly (readonly [string, readonly string[], string, string, readonly string[]])[] = [
    ['takes the place of all that wait', ['a1', 'b2', 'c3'], 'd4', 'a1: d4', ['b2 by d4', 'c3 by d4']],
    ['takes no place of a hotfix', ['a1', 'b2!', 'c3'], 'd4', 'a1: b2! d4', ['c3 by d4']],
    ['as a hotfix takes them all', ['a1', 'b2!', 'c3'], 'd4!', 'a1: d4!', ['b2! by d4!', 'c3 by d4!']],
    ['takes no place of one asked for later', ['a1', 'c3'], 'b2', 'a1: c3', ['b2 by c3']],
    ['as a late hotfix goes first of a newer ordinary one', ['a1', 'c3'], 'b2!', 'a1: b2! c3', []],
    ['behind a newer hotfix is not needed any more', ['a1', 'c3!'], 'b2', 'a1: c3!', ['b2 by c3!']],
    [
      'of two in the same millisecond keeps the one that comes last',
      ['a1', 'b2'],
      'c2',
      'a1: c2',
      ['b2 by c2'],
    ],
    ['never ends the running one', ['a1'], 'b2', 'a1: b2', []],
  ];
  it.each(cases)('%s', (_, before, id, after, superseded) => {
    const arrival = come(line(before), id, 'supersede');
    expect(read(arrival.queue)).toBe(after);
    expect(arrival.superseded.map(({ release, by }) => `${release} by ${by}`)).toEqual(superseded);
    expect(arrival.toEnd).toBeNull();
    expect(Object.keys(arrival.queue.tickets ?? {}).toSorted()).toEqual(
      [arrival.queue.running!, ...arrival.queue.waiting].toSorted(),
    );
  });
});

describe('supersede-running', () => {
  const cases: readonly (readonly [string, readonly string[], string, string, string | null])[] = [
    ['asks the running one to end, which keeps the turn until it has', ['a1'], 'b2', 'a1: b2', 'a1'],
    ['takes the place of those that wait as well', ['a1', 'b2'], 'c3', 'a1: c3', 'a1'],
    ['waits for a hotfix', ['a1!'], 'b2', 'a1!: b2', null],
    ['as a hotfix ends a hotfix', ['a1!'], 'b2!', 'a1!: b2!', 'a1!'],
    ['waits for one that was asked for later', ['b2'], 'a1', 'b2: a1', null],
    ['ends nobody when a newer one waits already', ['a1', 'c3'], 'b2', 'a1: c3', null],
    ['begins at once where nobody is', [], 'a1', 'a1: ', null],
  ];
  it.each(cases)('%s', (_, before, id, after, toEnd) => {
    const arrival = come(line(before), id, 'supersede-running');
    expect(read(arrival.queue)).toBe(after);
    expect(arrival.toEnd).toBe(toEnd);
  });
});

describe('any order of arrivals and departures', () => {
  const ids = ['a1', 'b2', 'c3!', 'd4', 'e5!', 'f6'];
  const action = fc.record({
    arrives: fc.boolean(),
    id: fc.constantFrom(...ids),
    policy: fc.constantFrom(...queuePolicies),
  });

  it('P6: never has two running, loses nobody who was not told so, never lets the turn lie idle, keeps hotfixes first', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        let queue = emptyQueue;
        const present = new Set<string>();
        for (const { arrives, id, policy } of actions) {
          if (arrives) {
            const arrival = come(queue, id, policy);
            queue = arrival.queue;
            if (arrival.refusedBy === null) present.add(id);
            for (const { release } of arrival.superseded) present.delete(release);
          } else {
            queue = leave(queue, id, now);
            present.delete(id);
          }
          const members = [queue.running, ...queue.waiting].filter((m) => m !== null);
          expect(new Set(members)).toEqual(present);
          expect(members).toHaveLength(present.size);
          expect(new Set(Object.keys(queue.tickets ?? {}))).toEqual(present);
          expect(queue.running === null).toBe(present.size === 0);
          const urgent = queue.waiting.map((w) => w.endsWith('!'));
          expect(urgent).toEqual(urgent.toSorted((a, b) => Number(b) - Number(a)));
        }
      }),
    );
  });
});

describe('giving way', () => {
  const step = (kind: Step['kind']): Step => ({ id: kind, kind, summary: kind }) as Step;
  const way = (current: Step['kind'] | null, ...rest: Step['kind'][]): Way => ({
    stage: {} as Way['stage'],
    current: current === null ? null : step(current),
    rest: rest.map(step),
  });
  const ahead = ['promote', 'return-traffic', 'cleanup'] as const;
  const cases: readonly (readonly [string, Parameters<typeof canGiveWay>, boolean])[] = [
    ['in a queue', ['queued', null], true],
    ['while gray is deployed', ['deploying', way('deploy-gray', 'weight', ...ahead)], true],
    ['while it is asked for approval', ['waiting_for_approval', way('approval', ...ahead)], true],
    ['at a weight', ['holding', way('hold', ...ahead)], true],
    ['paused before the promotion', ['holding', way(null, ...ahead)], true],
    ['before it rolls stable', ['waiting_for_approval', way('approval', 'deploy-straight')], true],
    ['while stable is rolled', ['deploying', way('deploy-straight')], false],
    ['after stable was rolled', ['deploying', null], false],
    ['while it promotes', ['promoting', way('promote', 'return-traffic', 'cleanup')], false],
    ['paused after the promotion', ['promoting', way(null, 'return-traffic', 'cleanup')], false],
    ['while it cleans up', ['cleaning_up', way('cleanup')], false],
    ['while it is undone', ['rolling_back', null], false],
    ['while undoing needs a person', ['needs_attention', null], false],
    ['after its end', ['succeeded', null], false],
  ];
  it.each(cases)('%s', (_, given, expected) => {
    expect(canGiveWay(...given)).toBe(expected);
  });

  it('is decided for every open phase', () => {
    for (const phase of openPhases) expect(typeof canGiveWay(phase, null)).toBe('boolean');
  });
});

const entry: HistoryEntry = {
  release: 'r',
  environment: 'prod',
  version: 'v2',
  digest: 'sha256:2',
  previousDigest: null,
  phase: 'succeeded',
  initiator: 'i',
  reason: '',
  startedAt: '',
  endedAt: '',
};
const minutes = (count: number): number => count * 60_000;
const took = (...counts: number[]): HistoryEntry[] =>
  counts.map((count) => ({ ...entry, heldMs: minutes(count) }));

describe('the expected start', () => {
  const waiting = ['b', 'c'].map((release) => ({ release, urgent: false }));
  const starts = (elapsed: number, ...counts: number[]) =>
    expectedStarts(
      { since: at(0), waiting, heldMs: counts.map(minutes) },
      Date.parse(at(0)) + minutes(elapsed),
    );

  it('is after what others took, and as long again for each one before', () => {
    expect(starts(1, 10, 20, 6)).toEqual([at(10), at(20)]);
  });

  it('counts only those that took longer than the running one has', () => {
    expect(starts(12, 10, 20, 6)).toEqual([at(20), at(30)]);
  });

  it('is unknown where the running one takes longer than any other did', () => {
    expect(starts(21, 10, 20, 6)).toEqual([null, null]);
  });

  it('is unknown where nothing was released yet, or nobody knows since when one runs', () => {
    expect(starts(1)).toEqual([null, null]);
    expect(expectedStarts({ since: null, waiting, heldMs: [1] }, 0)).toEqual([null, null]);
  });

  it('comes from the last ten successes of this environment', () => {
    const history = [
      { ...entry, phase: 'rolled_back' as const, heldMs: minutes(90) },
      { ...entry, environment: 'test', heldMs: minutes(80) },
      entry,
      ...took(5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70),
    ];
    const state = environmentAfter('prod', line(['a1', 'b2', 'c3!']), history);
    expect(withExpectations(state, history, Date.parse(now)).waiting).toEqual([
      { release: 'c3!', urgent: true, expectedAt: at(5) },
      { release: 'b2', urgent: false, expectedAt: at(10) },
    ]);
  });

  it('is no time at all where a worker answered that knows nothing of it', () => {
    const old = { name: 'prod', running: 'a', queue: ['b'], digest: null, version: null };
    expect(withExpectations(old, took(5), 0).waiting).toEqual([]);
  });
});

describe('an environment', () => {
  it('shows what the last success left, not what a failure tried', () => {
    const history = [{ ...entry, version: 'v3', digest: 'sha256:3', phase: 'rolled_back' as const }, entry];
    expect(environmentAfter('prod', emptyQueue, history)).toEqual({
      name: 'prod',
      running: null,
      since: null,
      queue: [],
      waiting: [],
      version: 'v2',
      digest: 'sha256:2',
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
