import { describe, expect, it } from 'vitest';
import type { Application } from './application.js';
import type { HistoryEntry } from './release.js';
import type { Plan } from './plan.js';
import type { Stage } from './stage.js';
import {
  keyOf,
  namesIn,
  releaseToUndo,
  rollbackNeedless,
  stableMoved,
  wayBack,
  type WayBackInput,
} from './way-back.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [d0, d1, d2, d3] = ['0', '1', '2', '3'].map(digest) as [string, string, string, string];
const shop: Application = {
  name: 'shop',
  image: 'r.example/shop',
  environments: [
    { name: 'test', type: 'test', namespace: 'test' },
    { name: 'prod', type: 'prod', namespace: 'shop' },
  ],
};

const entry = (
  release: string,
  version: string,
  to: string,
  from: string | null,
  more: Partial<HistoryEntry> = {},
): HistoryEntry => ({
  release,
  environment: 'prod',
  version,
  digest: to,
  previousDigest: from,
  phase: 'succeeded',
  initiator: 'ann',
  reason: '',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: '2026-01-02T03:05:05.000Z',
  ...more,
});
const r1 = entry('r1', 'v1', d1, d0);
const r2 = entry('r2', 'v2', d2, d1);
const r3 = entry('r3', 'v3', d3, d2);
const inTest = (e: HistoryEntry, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  ...e,
  environment: 'test',
  ...more,
});

/** `history` is newest first. */
const ask = (history: readonly HistoryEntry[], release: string, more: Partial<WayBackInput> = {}) =>
  wayBack({ release, application: shop, history, to: null, environment: null, names: {}, ...more });

const code = (answer: ReturnType<typeof wayBack>): string => ('code' in answer ? answer.code : 'none');
/** environment -> image */
const targets = (answer: ReturnType<typeof wayBack>): string[] =>
  'code' in answer
    ? [`${answer.code}: ${answer.message}`]
    : answer.stages.map((s) => `${s.environment} -> ${s.image.replace(/(sha256:.).*/, '$1')}`);

describe('a rollback without "to"', () => {
  it('goes back to what was stable before the release, by its digest and under its name', () => {
    expect(ask([r2, r1], 'r2')).toEqual({
      stages: [
        {
          application: 'shop',
          environment: 'prod',
          image: `r.example/shop:v1@${d1}`,
          from: 'v2',
          undoes: d2,
        },
      ],
      warnings: [],
    });
  });

  it('goes back to a version that Sluice did not release, under the name that stable had, or without one', () => {
    expect(targets(ask([r1], 'r1', { names: { [d0]: 'v0' } }))).toEqual([
      'prod -> r.example/shop:v0@sha256:0',
    ]);
    expect(targets(ask([r1], 'r1'))).toEqual(['prod -> r.example/shop@sha256:0']);
  });

  it('goes back by digest although the tag names another image by now', () => {
    const moved = entry('r3', 'v1', d3, d2);
    expect(targets(ask([moved, r2, r1], 'r3'))).toEqual(['prod -> r.example/shop:v2@sha256:2']);
    expect(targets(ask([r2, r1], 'r2'))).toEqual(['prod -> r.example/shop:v1@sha256:1']);
  });

  it('goes through every environment that the release changed, the last one first, each to what it had', () => {
    const history = [r2, inTest(r2, { previousDigest: d0 }), r1];
    expect(targets(ask(history, 'r2'))).toEqual([
      'prod -> r.example/shop:v1@sha256:1',
      'test -> r.example/shop@sha256:0',
    ]);
  });

  it('goes through one environment where that is asked for', () => {
    expect(targets(ask([r2, inTest(r2), r1], 'r2', { environment: 'test' }))).toEqual([
      'test -> r.example/shop:v1@sha256:1',
    ]);
  });

  it('leaves an environment out where the release did not succeed', () => {
    const history = [{ ...r2, phase: 'rolled_back' as const }, inTest(r2), r1];
    expect(targets(ask(history, 'r2'))).toEqual(['test -> r.example/shop:v1@sha256:1']);
  });

  it('leaves an environment alone where a later release put another version, and says so', () => {
    const answer = ask([inTest(r3), r2, inTest(r2), r1], 'r2');
    expect(targets(answer)).toEqual(['prod -> r.example/shop:v1@sha256:1']);
    expect(answer).toMatchObject({
      warnings: [expect.stringContaining('test is left as it is. What r2 released')],
    });
  });

  it('is refused where a later release put another version everywhere, and names that release', () => {
    const answer = ask([r3, r2, r1], 'r2');
    expect(code(answer)).toBe('rollback_superseded');
    expect(answer).toMatchObject({
      message: expect.stringMatching(/runs v3, by r3/),
      remedy: expect.stringMatching(/r3.*--to/),
    });
  });

  it('is taken where later releases are undone, so that what it released runs again', () => {
    const back = entry('b2', 'v1', d1, d2, { rollbackOf: 'r2' });
    expect(targets(ask([back, r2, r1], 'r1'))).toEqual(['prod -> r.example/shop@sha256:0']);
  });

  it('is refused where it was done already, and names by whom', () => {
    const back = entry('b2', 'v1', d1, d2, { rollbackOf: 'r2' });
    const answer = ask([back, r2, r1], 'r2');
    expect(code(answer)).toBe('rollback_needless');
    expect(answer).toMatchObject({
      message: expect.stringContaining('runs v1 already, since b2 rolled it back'),
    });
  });

  it('undoes a rollback like any release', () => {
    const back = entry('b2', 'v1', d1, d2, { rollbackOf: 'r2' });
    expect(targets(ask([back, r2, r1], 'b2'))).toEqual(['prod -> r.example/shop:v2@sha256:2']);
  });

  it.each(['rolled_back', 'cancelled', 'failed'] as const)(
    'is refused where the release was %s and left nothing',
    (phase) => {
      expect(code(ask([{ ...r2, phase }, r1], 'r2'))).toBe('rollback_needless');
    },
  );

  it('is refused for a release that the history does not know any more', () => {
    expect(code(ask([r2, r1], 'r0'))).toBe('rollback_needless');
  });

  it('is refused for a first release, before which nothing ran', () => {
    expect(code(ask([entry('r1', 'v1', d1, null)], 'r1'))).toBe('rollback_impossible');
  });

  it('does nothing in part: a first release in one environment refuses the whole', () => {
    expect(code(ask([{ ...r2, previousDigest: null }, inTest(r2), r1], 'r2'))).toBe('rollback_impossible');
  });

  it('is refused in an environment that is not declared', () => {
    expect(code(ask([r2, r1], 'r2', { environment: 'pre' }))).toBe('environment_unknown');
    const gone = { ...shop, environments: [shop.environments[0]!] };
    expect(code(ask([r2, r1], 'r2', { application: gone }))).toBe('rollback_needless');
  });
});

describe('a rollback to something named', () => {
  const history = [r3, r2, r1];
  it.each([
    ['a release', 'r1', 'prod -> r.example/shop:v1@sha256:1'],
    ['a version', 'v1', 'prod -> r.example/shop:v1@sha256:1'],
    ['a digest', d1, 'prod -> r.example/shop:v1@sha256:1'],
    ['a digest with the @ of an image', `@${d1}`, 'prod -> r.example/shop:v1@sha256:1'],
    ['the first digits of a digest', '1111111', 'prod -> r.example/shop:v1@sha256:1'],
    ['what ran before the first release, by its digest', d0, 'prod -> r.example/shop:v0@sha256:0'],
    ['what ran before the first release, by its name', 'v0', 'prod -> r.example/shop:v0@sha256:0'],
    ['the version of the release itself, after a later one', 'r2', 'prod -> r.example/shop:v2@sha256:2'],
  ])('takes %s, whatever was released since', (_, to, expected) => {
    const answer = ask(history, 'r2', { to, names: { [d0]: 'v0' } });
    expect(targets(answer)).toEqual([expected]);
    expect(answer).toMatchObject({ stages: [{ from: 'v3', undoes: null }] });
  });

  it.each([
    ['a version that was only tried', [{ ...r3, phase: 'rolled_back' as const }, r2, r1], 'v3'],
    ['a release that was rolled back', [{ ...r3, phase: 'rolled_back' as const }, r2, r1], 'r3'],
    ['a version of another environment', [r2, r1, inTest(r3)], 'v3'],
    ['a digest that never ran', history, digest('9')],
    ['a word', history, 'yesterday'],
    ['too few digits', history, '11'],
  ])('refuses %s, with what is known', (_, past, to) => {
    const answer = ask(past, 'r2', { to });
    expect(code(answer)).toBe('rollback_target_unknown');
    expect(answer).toMatchObject({ pointer: '/to', message: expect.stringContaining(`v1 (${d1})`) });
  });

  it('refuses a name that two images had, and takes the release or the digest', () => {
    const moved = entry('r3', 'v1', d3, d2);
    const past = [entry('r4', 'v4', digest('4'), d3), moved, r2, r1];
    expect(code(ask(past, 'r4', { to: 'v1' }))).toBe('rollback_target_ambiguous');
    expect(targets(ask(past, 'r4', { to: 'r1' }))).toEqual(['prod -> r.example/shop:v1@sha256:1']);
    expect(targets(ask(past, 'r4', { to: d3 }))).toEqual(['prod -> r.example/shop:v1@sha256:3']);
  });

  it('is refused where that runs already', () => {
    expect(code(ask(history, 'r2', { to: 'v3' }))).toBe('rollback_needless');
  });

  it('is taken after a release that failed there', () => {
    expect(targets(ask([{ ...r3, phase: 'failed' }, r2, r1], 'r3', { to: 'v1' }))).toEqual([
      'prod -> r.example/shop:v1@sha256:1',
    ]);
  });
});

describe('the key of a rollback that came without one', () => {
  const key = (history: readonly HistoryEntry[], to: string | null = null): string => {
    const way = ask(history, 'r2', { to });
    if ('code' in way) throw new Error(way.message);
    return keyOf('r2', way, () => history);
  };

  it('is the same for the same rollback, however its target is spelled', () => {
    expect(key([r2, r1])).toBe(key([r2, r1]));
    expect(key([r2, r1], 'v1')).toBe(key([r2, r1], d1));
  });

  it('is another one for another target, and after something ended there', () => {
    expect(key([r2, r1], 'v1')).not.toBe(key([r2, r1], d0));
    const tried = entry('b2', 'v1', d1, d2, { phase: 'rolled_back', rollbackOf: 'r2' });
    expect(key([tried, r2, r1])).not.toBe(key([r2, r1]));
  });
});

describe('what "roll back the application" means', () => {
  const b2 = entry('b2', 'v1', d1, d2, { rollbackOf: 'r2' });
  it.each<[string, HistoryEntry[], string | undefined]>([
    ['the last release that succeeded', [r2, r1], 'r2'],
    ['not one that was tried since', [{ ...r3, phase: 'rolled_back' }, r2, r1], 'r2'],
    ['after a rollback the release before: two steps back, not one forth', [b2, r2, r1], 'r1'],
    [
      'nothing where no release put there what runs',
      [entry('b1', 'v0', d0, d1, { rollbackOf: 'r1' }), r1],
      undefined,
    ],
    ['nothing without a history', [], undefined],
  ])('%s', (_, history, expected) => {
    expect(releaseToUndo(history, null)?.release).toBe(expected);
  });

  it('may be asked of one environment', () => {
    expect(releaseToUndo([inTest(r3), r2, r1], 'prod')?.release).toBe('r2');
  });
});

it('names of images that somebody else deployed come from what the plan saw', () => {
  const target = (stableImage: string | null, stableDigest: string | null) => ({ stableImage, stableDigest });
  const plan = {
    stages: [
      { targets: [target('r.example/shop:v0', d0)] },
      { targets: [target(`r.example/shop@${d1}`, d1)] },
      { targets: [target(null, null)] },
      { targets: [target('r.example/shop:v9', null)] },
    ],
  };
  expect(namesIn({ plan: plan as never })).toEqual({ [d0]: 'v0' });
  expect(namesIn({ plan: null })).toEqual({});
});

const stage = (stableDigest: string | null, steps: readonly string[] = ['promote']): Stage =>
  ({
    environment: 'prod',
    targets: [
      {
        application: 'shop',
        environment: 'prod',
        deployment: 'shop',
        image: { digest: d1, version: 'v1' },
        stableDigest,
      },
    ],
    steps: steps.map((kind) => ({ kind })),
  }) as unknown as Stage;

describe('a rollback whose turn has come', () => {
  const request = (undoes: string | null) => ({
    wayBack: {
      stages: [{ application: 'shop', environment: 'prod', image: '', from: 'v2', undoes }],
      warnings: [],
    },
  });
  it.each<[string, string | null, Stage, Stage | null, boolean]>([
    ['goes on where what it undoes is still there', d2, stage(d2), null, true],
    ['goes on where somebody has put the earlier version there meanwhile', d2, stage(d1), null, true],
    ['ends where a release before it has brought another version', d2, stage(d3), null, false],
    ['ends where nobody can tell what runs', d2, stage(null), null, false],
    ['goes on to a version that was named, whatever is there', null, stage(d3), null, true],
    ['goes on with what was there all along, set by hand', d2, stage(d3), stage(d3), true],
    ['ends where it is not what was there at the beginning', d2, stage(d3), stage(d0), false],
  ])('%s', (_, undoes, now, first, goesOn) => {
    const moved = stableMoved(request(undoes) as never, now, first);
    expect(moved?.code).toBe(goesOn ? undefined : 'workload_changed');
  });

  it('P2: an ordinary release is not asked', () => {
    expect(stableMoved({} as never, stage(d3), null)).toBeNull();
  });
});

describe('a plan of a rollback', () => {
  const plan = (stages: readonly Stage[], rollbackOf?: string): Plan => ({
    stages,
    warnings: [],
    hash: '',
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
  });

  it('is refused where nothing is to be done anywhere', () => {
    expect(rollbackNeedless(plan([stage(d1, [])], 'r2'))).toMatchObject({
      code: 'rollback_needless',
      message: 'Rolling back r2 would change nothing: shop in prod runs v1 already.',
    });
  });

  it('is taken where something is to be done somewhere, and an ordinary one always', () => {
    expect(rollbackNeedless(plan([stage(d1, []), stage(d2)], 'r2'))).toBeNull();
    expect(rollbackNeedless(plan([stage(d1, [])]))).toBeNull();
  });
});
