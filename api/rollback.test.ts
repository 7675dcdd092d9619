import { describe, expect, it } from 'vitest';
import type { Actor } from '../domain/approval.js';
import { failure } from '../domain/failures.js';
import { releaseIdOfKey } from '../domain/ids.js';
import type { HistoryEntry, ReleaseInputs } from '../domain/release.js';
import { endedView, releaseId } from '../test/fakes/release-view.js';
import { ProblemError } from './problems.js';
import { rollBack, rollbackOf, withId } from './rollback.js';

const ann: Actor = { name: 'ann', roles: ['releaser'] };
const nothing = { to: null, environment: null, reason: '' };
const before = `sha256:${'1'.repeat(64)}`;
const entry: HistoryEntry = {
  release: releaseId,
  environment: 'prod',
  version: 'v2',
  digest: `sha256:${'2'.repeat(64)}`,
  previousDigest: before,
  phase: 'succeeded',
  initiator: 'ben',
  reason: '',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: '2026-01-02T03:05:05.000Z',
};

/** The API's view of Temporal with one application, whose history grows when it is told so. */
function temporal({ view = endedView('succeeded'), history = [entry] } = {}) {
  const application = {
    name: 'web',
    image: 'r.example/web',
    environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
  } as const;
  const submitted: { inputs: ReleaseInputs; key: string | null; asked: object | undefined }[] = [];
  return {
    submitted,
    history,
    endedRelease: async () => view,
    readApplication: async () => {
      const current = { version: 1, declaredAt: '', by: 'ben', application };
      return { current, versions: [current], environments: [], history };
    },
    repeatedRelease: async (id: string) =>
      submitted.some((s) => s.inputs.id === id)
        ? { id, phase: 'succeeded' as const, planHash: null, created: false }
        : null,
    submitRelease: async (inputs: ReleaseInputs, key: string | null, asked?: object) => {
      submitted.push({ inputs, key, asked });
      return { id: inputs.id, phase: 'queued' as const, planHash: null, created: true };
    },
  };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error instanceof ProblemError ? error.problem.code : String(error)),
  );

describe('the release that a rollback is', () => {
  it('goes first in its queue, names what it undoes, and carries the digest of before', async () => {
    const rollback = await rollbackOf(temporal(), releaseId, { ...nothing, reason: 'prices' }, ann);
    const inputs = withId(rollback, 'b1', true);
    expect(inputs).toMatchObject({
      id: 'b1',
      planOnly: true,
      applications: [{ name: 'web' }],
      request: {
        applications: [{ name: 'web', image: `r.example/web@${before}` }],
        environment: 'prod',
        hotfix: true,
        rollbackOf: releaseId,
        initiator: 'ann',
        reason: 'prices',
        wayBack: { stages: [{ environment: 'prod', undoes: entry.digest }] },
      },
    });
  });

  it('is refused as the domain says, and for a workflow that was ended from outside with what it may have left', async () => {
    const unclear = rollbackOf(temporal(), releaseId, { ...nothing, to: 'v9' }, ann);
    expect(await codeOf(unclear)).toBe('rollback_target_unknown');
    const why = failure('release_terminated', { id: releaseId, phase: 'holding', left: ['web-gray'] });
    const cut = temporal({ view: endedView('failed', why) });
    expect(await codeOf(rollbackOf(cut, releaseId, nothing, ann))).toBe('release_terminated');
    expect(await codeOf(rollbackOf(cut, releaseId, { ...nothing, to: before }, ann))).toBe('none');
  });
});

describe('P8: asking again', () => {
  it('without a key is the same release, whoever asks and why, until something else has ended there', async () => {
    const api = temporal();
    const first = await rollBack(api, releaseId, nothing, ann, null);
    const again = await rollBack(
      api,
      releaseId,
      { ...nothing, reason: 'now' },
      { ...ann, name: 'ben' },
      null,
    );
    expect(again.id).toBe(first.id);
    expect(api.submitted[1]?.asked).toEqual(api.submitted[0]?.asked);
    api.history.unshift({ ...entry, release: first.id, phase: 'rolled_back', rollbackOf: releaseId });
    expect((await rollBack(api, releaseId, nothing, ann, null)).id).not.toBe(first.id);
  });

  it('with a key is answered although there is nothing to roll back any more', async () => {
    const api = temporal();
    const first = await rollBack(api, releaseId, nothing, ann, 'my-key');
    expect(first.id).toBe(releaseIdOfKey('my-key'));
    api.history.unshift({ ...entry, release: first.id, digest: before, rollbackOf: releaseId });
    expect(await rollBack(api, releaseId, nothing, ann, 'my-key')).toMatchObject({
      id: first.id,
      created: false,
    });
    expect(await codeOf(rollBack(api, releaseId, nothing, ann, 'other'))).toBe('rollback_needless');
  });
});
