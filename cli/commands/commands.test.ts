import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../domain/failures.js';
import type { ReleaseView } from '../../domain/release.js';
import { sluice, terminalShows } from '../../test/cli.js';
import { FakeApi, problem, reply } from '../../test/fakes/sluice-api.js';
import {
  endedView,
  rejection,
  releaseId,
  sampleEvents,
  samplePlan,
  sampleView,
  startedAt,
} from '../../test/fakes/release-view.js';

let api: FakeApi;
let folder: string;
beforeEach(async () => {
  api = await FakeApi.start();
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const current = {
  version: 3,
  declaredAt: startedAt,
  by: 'ann',
  application: { name: 'web', image: 'registry.example/shop/web', environments: [] },
};
const applicationView = { current, versions: [current], environments: [], history: [] };

function file(text: string): string {
  const path = join(folder, 'app.yaml');
  writeFileSync(path, text);
  return path;
}

describe('init', () => {
  it('writes an application that can be applied, and says what comes next', async () => {
    const path = join(folder, 'new.yaml');
    const ran = await sluice(api.url, ['init', 'cart', '--router', 'contour', '-f', path]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain(`sluice apply -f ${path}`);
    expect(readFileSync(path, 'utf8')).toContain('router: contour');
  });

  it('touches no file that exists', async () => {
    const path = file('mine');
    expect(await sluice(api.url, ['init', '-f', path])).toMatchObject({ code: 2, out: '' });
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

describe('apply', () => {
  it('declares every document and says what became of each', async () => {
    api.answer('PUT /v1/applications/web', 201, { ...current, version: 1, created: true, changed: true });
    api.answer('PUT /v1/applications/cart', 200, { ...current, version: 4, created: false, changed: true });
    api.answer('PUT /v1/applications/shop', 200, { ...current, version: 2, created: false, changed: false });
    const ran = await sluice(api.url, ['apply', '-f', file('name: web\n---\nname: cart\n---\nname: shop\n')]);
    expect(ran).toEqual({
      code: 0,
      out: 'web created, version 1\ncart changed, version 4\nshop unchanged, version 2\n',
      err: '',
    });
    expect(api.asked.map((a) => a.body)).toEqual([{ name: 'web' }, { name: 'cart' }, { name: 'shop' }]);
  });

  it('shows the line of each wrong field, goes on with the next document and ends with 5', async () => {
    const errors = [
      {
        pointer: '/imgae',
        message: 'There is no key "imgae" here.',
        found: '"x"',
        expected: 'one of name, image',
        remedy: 'Did you mean image?',
        nearest: 'image',
      },
    ];
    api.answer(
      'PUT /v1/applications/web',
      422,
      problem('invalid_body', 422, 'The body has 1 problem(s).', errors),
    );
    api.answer('PUT /v1/applications/cart', 200, { ...current, created: false, changed: true });
    const ran = await sluice(api.url, ['apply', '-f', '-'], {
      stdin: 'name: web\nimgae: x\n---\nname: cart\n',
    });
    expect(ran.code).toBe(5);
    expect(ran.out).toBe('cart changed, version 3\n');
    expect(ran.err).toMatchInlineSnapshot(`
      "error: The body has 1 problem(s). [invalid_body]

      <stdin>:2:1: There is no key "imgae" here. (/imgae)
          |
        2 | imgae: x
          | ^^^^^
        expected one of name, image
        Did you mean image?
      "
    `);
  });

  it.each([
    ['a file that is not there', () => join(folder, 'away.yaml'), 'cannot be read'],
    ['a syntax error, with line and column', () => file('name: web\nimage: [a\n'), 'app.yaml:3:1'],
    [
      'a document without a name',
      () => file('name: web\n---\nimage: x\n'),
      'the document at line 3 has no name',
    ],
    ['a file that holds nothing', () => file('# later\n'), 'holds no document'],
  ])('sends nothing for %s', async (_, path, said) => {
    const ran = await sluice(api.url, ['apply', '-f', path()]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(said);
    expect(api.asked).toEqual([]);
  });
});

describe('plan', () => {
  it('sends what was asked for and prints the plan', async () => {
    api.answer('POST /v1/plans', 200, { plan: samplePlan(), changes: [] });
    const ran = await sluice(api.url, ['plan', 'web@v2', '-e', 'prod', '--strategy', 'canary']);
    expect(ran.out).toContain('plan 7c6beeac470498c9');
    expect(api.asked.at(-1)?.body).toEqual({
      applications: [{ name: 'web', image: 'v2' }],
      environment: 'prod',
      strategy: 'canary',
    });
  });

  it.each([
    ['web@registry.example/shop/web:v2', 'registry.example/shop/web:v2'],
    [`web@sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`],
    [`web@shop/web@sha256:${'a'.repeat(64)}`, `shop/web@sha256:${'a'.repeat(64)}`],
  ])('%s is web in the version %s', async (version, image) => {
    api.answer('POST /v1/plans', 200, { plan: samplePlan(), changes: [] });
    expect(await sluice(api.url, ['plan', version])).toMatchObject({ code: 0 });
    expect(api.asked[0]?.body).toEqual({ applications: [{ name: 'web', image }] });
  });

  it('wants a version', async () => {
    const ran = await sluice(api.url, ['plan', 'web']);
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('APP@TAG') as string });
  });
});

const start = ['release', 'web@registry.example/shop/web:v2'];
const accept = (): FakeApi =>
  api.answer('POST /v1/releases', 202, { id: releaseId, phase: 'queued', planHash: 'abc', url: 'x' });

describe('release', () => {
  it('says the id and how to watch, and carries a key', async () => {
    accept();
    const ran = await sluice(api.url, [...start, '--reason', 'weekly', '--idempotency-key', 'ci-7']);
    expect(ran).toMatchObject({
      code: 0,
      out: `release ${releaseId} is queued, plan abc\n  sluice watch ${releaseId}\n`,
    });
    expect(api.asked[0]).toMatchObject({
      headers: { 'idempotency-key': 'ci-7' },
      body: { reason: 'weekly' },
    });
  });

  it('asks to go first as a hotfix, and only then', async () => {
    accept();
    await sluice(api.url, [...start, '--hotfix']);
    await sluice(api.url, start);
    expect(api.asked.map(({ body }) => (body as { hotfix?: boolean }).hotfix)).toEqual([true, undefined]);
  });

  it('asks for an approval of each application, in the lane that is named, and only then', async () => {
    accept();
    await sluice(api.url, [
      ...start,
      'cart@registry.example/shop/cart:v2',
      '--lane',
      'blue',
      '--approve-each',
    ]);
    await sluice(api.url, start);
    const asked = api.asked.map(({ body }) => body as { approveEach?: boolean; lane?: string });
    expect(asked).toMatchObject([{ approveEach: true, lane: 'blue' }, {}]);
    expect([asked[1]?.approveEach, asked[1]?.lane]).toEqual([undefined, undefined]);
  });

  it('goes past the order of environments, and only then', async () => {
    accept();
    await sluice(api.url, [...start, '-e', 'prod', '--override', '--reason', 'down']);
    await sluice(api.url, start);
    const overrides = api.asked.map(({ body }) => (body as { override?: boolean }).override);
    expect(overrides).toEqual([true, undefined]);
    expect(api.asked[0]?.body).toMatchObject({ environment: 'prod', reason: 'down' });
  });

  it('tries again with the same key when the connection breaks half-way', async () => {
    let times = 0;
    api.on('POST /v1/releases', (_request, response) => {
      if (times++ === 0) response.destroy();
      else reply(response, 202, { id: releaseId, phase: 'queued', planHash: null });
    });
    expect(await sluice(api.url, start)).toMatchObject({ code: 0 });
    const [first, second] = api.asked.map((a) => a.headers['idempotency-key']);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
  });

  it.each<[string, ReleaseView, number]>([
    ['succeeded', endedView('succeeded'), 0],
    ['was rolled back', endedView('rolled_back', failure('analysis_failed', { why: 'errors 3 %' })), 3],
    ['was rejected', endedView('rolled_back', rejection), 4],
    ['was aborted', endedView('cancelled', failure('aborted', { who: 'ann', reason: 'oops' })), 7],
    ['failed', endedView('failed', failure('queue_expired', { application: 'web', environment: 'prod' })), 8],
    ['needs attention', sampleView({ phase: 'needs_attention' }), 10],
  ])('that %s ends --wait with its code', async (_, view, code) => {
    const events = sampleEvents(3, code !== 10).map((e) =>
      code === 10 ? { ...e, type: 'phase' as const } : e,
    );
    accept().release([sampleView(), view], events);
    const ran = await sluice(api.url, [...start, '--wait']);
    expect(ran.code).toBe(code);
  });

  it('that was terminated in Temporal ends --wait with 8, and says that nothing was undone', async () => {
    const events = `GET /v1/releases/${releaseId}/events`;
    accept()
      .release([sampleView({ phase: 'holding', waitingOn: null })], [])
      .on(events, (_request, response) => response.writeHead(204).end());
    const ran = await sluice(api.url, [...start, '--wait']);
    expect(ran.code).toBe(8);
    expect(ran.err).toContain('ended from outside while it was holding');
  });

  it('prints plain lines without a terminal: each event once, and what it waits for', async () => {
    const waiting = sampleView({ waitingOn: { ...sampleView().waitingOn!, until: null } });
    accept().release([waiting, endedView('succeeded')], sampleEvents(5), [1, 3]);
    const ran = await sluice(api.url, [...start, '--wait']);
    expect(ran.out).toMatchInlineSnapshot(`
      "release k3f9a2m1x7q0
      waiting: an approver to approve web v2 in prod
        sluice approve k3f9a2m1x7q0
        sluice reject k3f9a2m1x7q0 --reason ...
        sluice abort k3f9a2m1x7q0 --reason ...
      03:04:05 step     prod/1-deploy-gray event number 1
      03:04:06 step     prod/1-deploy-gray event number 2
      03:04:07 step     prod/1-deploy-gray event number 3
      03:04:08 step     prod/1-deploy-gray event number 4
      03:04:09 ended    prod/1-deploy-gray event number 5
      succeeded: web v2 (sha256:bbbbbbbbbbbb) after 4 min
      "
    `);
  });

  it('waits for a server that is away while it reads the release', async () => {
    let reads = 0;
    accept().release([sampleView()], sampleEvents(2));
    api.on(`GET /v1/releases/${releaseId}`, (_request, response) => {
      reads += 1;
      if (reads === 1) response.destroy();
      else if (reads === 2) reply(response, 503, problem('temporal_unreachable', 503, 'Temporal is away'));
      else reply(response, 200, reads === 3 ? sampleView() : endedView('succeeded'));
    });
    const ran = await sluice(api.url, [...start, '--wait']);
    expect(ran.code).toBe(0);
    expect(ran.err.match(/The server is away/g)).toHaveLength(1);
  });

  it('redraws the steps in a terminal, and leaves the last picture', async () => {
    const ended = endedView('succeeded');
    accept().release([sampleView(), sampleView(), ended], sampleEvents(3));
    const ran = await sluice(api.url, [...start, '--wait'], { tty: true });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('\u001B[36m▶\u001B[39m wait for 1 approval(s)');
    expect(ran.out).not.toContain('event number');
    const shown = terminalShows(ran.out);
    expect(shown.slice(0, 2)).toEqual([`release ${releaseId}`, 'web v2 to prod  succeeded']);
    expect(shown.at(-2)).toBe('succeeded: web v2 (sha256:bbbbbbbbbbbb) after 4 min');
    expect(shown.filter((line) => line.includes('wait for 1 approval(s)'))).toHaveLength(1);
  });

  it('says what follows below the picture, not into it', async () => {
    accept().release([sampleView()], sampleEvents(1, false));
    const ran = await sluice(api.url, [...start, '--wait', '--timeout', '200ms'], { tty: true });
    expect(ran.code).toBe(9);
    expect(terminalShows(ran.out).filter((line) => line !== '')).toEqual([`release ${releaseId}`]);
  });

  it('with -o json answers the ended release alone on standard output', async () => {
    accept().release([sampleView(), endedView('rolled_back', rejection)], sampleEvents(2));
    const ran = await sluice(api.url, [...start, '--wait', '-o', 'json']);
    expect(ran.code).toBe(4);
    expect(JSON.parse(ran.out)).toMatchObject({ id: releaseId, phase: 'rolled_back' });
    expect(ran.err).toContain('event number 1');
  });

  it('stops waiting after --timeout and says that the release goes on', async () => {
    accept().release([sampleView()], sampleEvents(1, false));
    const ran = await sluice(api.url, [...start, '--wait', '--timeout', '300ms']);
    expect(ran.code).toBe(9);
    expect(ran.err).toContain(`Release ${releaseId} goes on.`);
  });

  it('is interrupted without harm', async () => {
    accept().release([sampleView()], sampleEvents(1, false));
    const ran = await sluice(api.url, [...start, '--wait'], {
      onOutput: (text, interrupt) => text.includes('event number 1') && interrupt(),
    });
    expect(ran.code).toBe(130);
    expect(api.paths('POST')).toEqual(['/v1/releases']);
    expect(ran.err).toContain(`sluice abort ${releaseId} --reason`);
  });

  it.each([
    [422, 'release_refused', 5],
    [409, 'release_in_progress', 5],
    [403, 'forbidden', 5],
    [401, 'unauthenticated', 5],
    [503, 'temporal_unreachable', 6],
    [500, 'internal', 1],
  ])('an answer %d (%s) ends with %d', async (status, code, exit) => {
    api.answer('POST /v1/releases', status, problem(code, status, `it is ${code}`));
    const ran = await sluice(api.url, [...start, '--wait']);
    expect(ran.code).toBe(exit);
    expect(ran.err).toBe(`error: it is ${code} [${code}]\n  the remedy of ${code}\n`);
  });
});

describe('approve and reject', () => {
  const decisions = `POST /v1/releases/${releaseId}/decisions`;
  beforeEach(() => void api.release([sampleView()], []).answer(decisions, 200, { accepted: true }));

  it('shows digests and plan, and decides on just that plan', async () => {
    const ran = await sluice(api.url, ['approve', releaseId, '--reason', 'looks good']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('web: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb');
    expect(ran.out).toContain('approved plan 7c6beeac470498c9');
    expect(api.asked.at(-1)?.body).toEqual({
      decision: 'approve',
      reason: 'looks good',
      planHash: '7c6beeac470498c9',
    });
  });

  it('sends the plan that was pinned, whatever the release follows now', async () => {
    api.answer(decisions, 409, problem('decision_stale', 409, 'The decision is for plan old.'));
    const ran = await sluice(api.url, ['approve', releaseId, '--plan-hash', 'old']);
    expect(ran.code).toBe(5);
    expect(api.asked.at(-1)?.body).toMatchObject({ planHash: 'old' });
  });

  it('rejects only with a reason', async () => {
    expect(await sluice(api.url, ['reject', releaseId])).toMatchObject({ code: 2 });
    expect(api.asked).toEqual([]);
    expect(await sluice(api.url, ['reject', releaseId, '--reason', 'prices'])).toMatchObject({ code: 0 });
    expect(api.asked.at(-1)?.body).toMatchObject({ decision: 'reject', reason: 'prices' });
  });

  it('cannot decide on a plan that is not there yet', async () => {
    api.release([sampleView({ planHash: null, plan: null })], []);
    expect(await sluice(api.url, ['approve', releaseId])).toMatchObject({ code: 2 });
  });
});

it.each(['pause', 'resume', 'abort', 'retry', 'skip', 'abandon'])('%s carries the reason', async (verb) => {
  api.answer(`POST /v1/releases/${releaseId}/${verb}`, 200, { accepted: true });
  const ran = await sluice(api.url, [verb, releaseId, '--reason', 'because']);
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(api.asked[0]?.body).toEqual({ reason: 'because' });
});

describe('reading', () => {
  const row = {
    id: releaseId,
    phase: 'holding',
    applications: ['web'],
    environment: 'prod',
    startedAt,
    endedAt: null,
  };
  const ended = { ...row, id: 'older', phase: 'succeeded', endedAt: startedAt };

  it('status alone lists what is under way', async () => {
    api.answer('GET /v1/releases', 200, { items: [row, ended], cursor: null });
    const ran = await sluice(api.url, ['status']);
    expect(ran.out).toContain(releaseId);
    expect(ran.out).not.toContain('older');
  });

  it('status of an id shows the release, of a name the application', async () => {
    api.release([sampleView()], []).answer('GET /v1/applications/web', 200, applicationView);
    expect((await sluice(api.url, ['status', releaseId])).out).toContain('waiting for approval');
    expect((await sluice(api.url, ['status', 'web'])).out).toContain('version 3 of its declaration');
  });

  it('status of something unknown ends with 5', async () => {
    expect(await sluice(api.url, ['status', 'nothing'])).toMatchObject({ code: 5 });
  });

  it('history asks for an application', async () => {
    api.answer('GET /v1/releases', 200, { items: [ended], cursor: null });
    expect((await sluice(api.url, ['history', 'web', '--limit', '5'])).out).toContain('older');
    expect(api.asked[0]?.path).toBe('/v1/releases?application=web&limit=5');
  });

  it('apps asks for page after page', async () => {
    const page = (name: string, cursor: string | null): object => ({
      items: [{ name, image: `r.example/${name}`, version: 1, environments: ['prod'], busy: [] }],
      cursor,
    });
    api.on('GET /v1/applications', ({ path }, response) =>
      reply(response, 200, path.includes('cursor=') ? page('web', null) : page('api', 'api')),
    );
    const ran = await sluice(api.url, ['apps', '-o', 'json']);
    expect(JSON.parse(ran.out)).toMatchObject({ items: [{ name: 'api' }, { name: 'web' }], cursor: null });
    expect(api.asked.map((a) => a.path)).toEqual([
      '/v1/applications?limit=200',
      '/v1/applications?limit=200&cursor=api',
    ]);
  });

  it('watch gives each event as a line of JSON', async () => {
    api.release([endedView('succeeded')], sampleEvents(3), [1]);
    const ran = await sluice(api.url, ['watch', releaseId, '-o', 'json']);
    expect(ran.code).toBe(0);
    const ids = ran.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids).toEqual([1, 2, 3]);
  });

  it('version is that of the package', async () => {
    expect(await sluice(api.url, ['version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^sluice \d/) as string,
    });
  });
});

describe('who asks', () => {
  beforeEach(() => void api.answer('GET /v1/releases', 200, { items: [], cursor: null }));

  it('is named where there is no token', async () => {
    await sluice(api.url, ['status', '--as', 'ann']);
    expect(api.asked[0]?.headers).toMatchObject({ 'sluice-actor': 'ann' });
  });

  it('is the token, from the environment or a file, and never shown', async () => {
    const path = file('from-file\n');
    await sluice(api.url, ['status'], { env: { SLUICE_TOKEN: 'secret' } });
    await sluice(api.url, ['status'], { env: { SLUICE_TOKEN_FILE: path } });
    expect(api.asked.map((a) => a.headers.authorization)).toEqual(['Bearer secret', 'Bearer from-file']);
    expect(api.asked[0]?.headers['sluice-actor']).toBeUndefined();
    await api.close();
    const ran = await sluice(api.url, ['status'], { env: { SLUICE_TOKEN: 'secret' } });
    expect(ran.out + ran.err).not.toContain('secret');
  });
});

describe('trouble', () => {
  it('nobody at the address: says so, how to start it, and ends with 6', async () => {
    await api.close();
    const ran = await sluice(api.url, ['status']);
    expect(ran.code).toBe(6);
    expect(ran.err).toContain(api.url);
    expect(ran.err).toContain('npm start');
  });

  it('with -o json the problem is the answer', async () => {
    api.answer('GET /v1/releases', 403, problem('forbidden', 403, 'no'));
    const ran = await sluice(api.url, ['status', '-o', 'json']);
    expect(JSON.parse(ran.out)).toMatchObject({ code: 'forbidden', status: 403 });
  });

  it.each([
    ['an unknown command', ['relaese'], 'Did you mean release?'],
    ['an unknown option', ['status', '--wiat'], 'unknown option'],
    ['a duration that is none', ['watch', 'x', '--timeout', 'soon'], 'Write it like'],
    ['an address that is none', ['status', '--server', 'nowhere'], 'is not the address'],
    ['a name that no header can carry', ['status', '--as', 'änn'], '--as'],
  ])('%s ends with 2', async (_, args, said) => {
    const ran = await sluice(api.url, args);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(said);
  });

  it('help is no failure', async () => {
    const ran = await sluice(api.url, ['--help']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('Exit codes:');
  });
});
