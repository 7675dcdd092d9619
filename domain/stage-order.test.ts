import { describe, expect, it } from 'vitest';
import type { Application, Environment } from './application.js';
import type { HistoryEntry } from './release.js';
import { environmentsBefore, gatesOf, gateText, passesIn, type Arrival } from './stage-order.js';

const declared = (...environments: readonly Omit<Environment, 'namespace'>[]): Application => ({
  name: 'web',
  image: 'r/web',
  environments: environments.map((e) => ({ ...e, namespace: e.name })),
});
const usual = declared(
  { name: 'test', type: 'test' },
  { name: 'pre', type: 'pre' },
  { name: 'gray', type: 'gray' },
  { name: 'prod', type: 'prod' },
);

describe('what comes before an environment', () => {
  const regions = declared({ name: 'eu', type: 'prod' }, { name: 'us', type: 'prod' });
  const upside = declared({ name: 'prod', type: 'prod' }, { name: 'test', type: 'test' });
  const own = declared(
    { name: 'test', type: 'test' },
    { name: 'pre', type: 'pre' },
    { name: 'prod', type: 'prod', after: ['test'] },
  );
  const free = declared({ name: 'test', type: 'test' }, { name: 'prod', type: 'prod', after: [] });
  it.each<[string, Application, string, readonly string[]]>([
    ['the first comes after nothing', usual, 'test', []],
    ['pre after test', usual, 'pre', ['test']],
    ['gray stands beside prod', usual, 'gray', ['test', 'pre']],
    ['prod after both, not after gray', usual, 'prod', ['test', 'pre']],
    ['two of a type stand beside each other', regions, 'us', []],
    ['nothing that stands behind it in the list', upside, 'prod', []],
    ['what it names itself, and only that', own, 'prod', ['test']],
    ['nothing, where it says so', free, 'prod', []],
    ['one that is not declared', usual, 'moon', []],
  ])('%s', (_, application, name, before) => {
    expect(environmentsBefore(application, name)).toEqual(before);
  });
});

const entry = (release: string, digest: string, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  release,
  environment: 'test',
  version: digest,
  digest,
  previousDigest: null,
  phase: 'succeeded',
  initiator: 'ann',
  reason: '',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: `2026-01-01T00:00:${release.slice(1).padStart(2, '0')}.000Z`,
  ...more,
});

describe('passes', () => {
  const found = (...newestFirst: readonly HistoryEntry[]): string[] =>
    passesIn(newestFirst, ['test']).map((p) => `${p.digest} by ${p.release}`);
  it.each<[string, readonly HistoryEntry[], readonly string[]]>([
    ['what succeeded', [entry('r1', 'a')], ['a by r1']],
    ['the newest of the same bytes', [entry('r2', 'a'), entry('r1', 'a')], ['a by r2']],
    ['not what was rolled back on its way', [entry('r1', 'a', { phase: 'rolled_back' })], []],
    ['not what passed another environment', [entry('r1', 'a', { environment: 'prod' })], []],
    [
      'not what was rolled back afterwards; what came back instead',
      [entry('r2', 'a', { rollbackOf: 'r1' }), entry('r1', 'b'), entry('r0', 'a')],
      ['a by r2'],
    ],
    [
      'what was released again after its rollback',
      [entry('r3', 'b'), entry('r2', 'a', { rollbackOf: 'r1' }), entry('r1', 'b')],
      ['b by r3', 'a by r2'],
    ],
    [
      'what a failed rollback left',
      [entry('r2', 'a', { rollbackOf: 'r1', phase: 'failed' }), entry('r1', 'b')],
      ['b by r1'],
    ],
    [
      'what was rolled back in another environment only',
      [entry('r2', 'a', { rollbackOf: 'r1', environment: 'prod' }), entry('r1', 'b')],
      ['b by r1'],
    ],
  ])('%s', (_, history, passes) => {
    expect(found(...history)).toEqual(passes);
  });
});

describe('gates', () => {
  const arrival: Arrival = {
    application: usual,
    environment: 'prod',
    digest: 'sha256:b',
    version: 'v2',
    passes: passesIn(
      [entry('r7', 'sha256:b'), entry('r6', 'sha256:a', { environment: 'pre' })],
      ['test', 'pre'],
    ),
    here: [],
    request: { initiator: 'zoe', reason: 'the shop is down' },
  };
  const texts = (more: Partial<Arrival>): string[] => {
    const gates = gatesOf({ ...arrival, ...more });
    return 'code' in gates ? [gates.code, gates.message, gates.remedy] : gates.map(gateText);
  };

  it('names what is missing, and what to do', () => {
    const [code, message, remedy] = texts({});
    expect(code).toBe('stage_not_passed');
    expect(message).toContain('web v2 has not passed pre, as it has to before prod');
    expect(remedy).toContain('sluice release web@v2 -e pre');
    expect(remedy).toContain('--override --reason');
  });

  it('names a version without a tag by its whole digest, as a command takes it', () => {
    const digest = `sha256:${'0123456789ab'.padEnd(64, 'c')}`;
    expect(texts({ digest, version: '0123456789ab' })[2]).toContain(`sluice release web@${digest} -e test`);
  });

  it('says by which release it passed, that it passes here, or who overrode it and why', () => {
    expect(texts({ here: ['pre'] })).toEqual([
      'web passed test on 2026-01-01 00:00 UTC by release r7',
      'web passes pre before, in this release',
    ]);
    expect(texts({ request: { ...arrival.request, override: true } })).toEqual([
      'web passed test on 2026-01-01 00:00 UTC by release r7',
      'web has not passed pre: overridden by zoe: the shop is down',
    ]);
  });

  it('does not override what has passed', () => {
    const gates = texts({ here: ['pre'], request: { ...arrival.request, override: true } });
    expect(gates.join()).not.toContain('overridden');
  });
});
