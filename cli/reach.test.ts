import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sluice } from '../test/cli.js';
import { FakeApi } from '../test/fakes/sluice-api.js';
import { explainSilence } from './reach.js';

describe('why nobody answers', () => {
  it('a closed port', async () => {
    const { code, out } = await sluice('http://127.0.0.1:1', ['doctor']);
    expect(code).toBe(11);
    expect(out).toContain('Nothing takes connections there (ECONNREFUSED).');
    expect(out).toContain('-> Start it with npm start');
    expect(out).toContain('\n\n0 ok, 1 problem, 1 skipped\n');
  });

  it('a name without an address', async () => {
    const [check] = await explainSilence('http://nowhere.invalid:8080', 'ENOTFOUND');
    expect(check?.seen).toBe('There is no address for the name "nowhere.invalid".');
  });

  it('something else that listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const [check] = await explainSilence(`http://127.0.0.1:${port}`, 'timeout');
    server.close();
    expect(check?.seen).toContain('Something listens at 127.0.0.1');
  });
});

describe('an API that refuses', () => {
  it.each([
    ['a token that it does not know', 401, { SLUICE_TOKEN: 'x' }, 'The API does not know this token.'],
    ['no token', 401, {}, 'The API asks for a token, and none is set.'],
    ['a token without the role', 403, { SLUICE_TOKEN: 'x' }, 'victor lacks the role'],
    ['a doctor that it has not', 404, {}, 'What answers there has no doctor'],
  ])('%s', async (_, status, env, seen) => {
    const api = await FakeApi.start();
    const detail = 'victor lacks the role "releaser".';
    api.answer('GET /healthz', 200, { status: 'ok' }).answer('POST /v1/doctor', status, { status, detail });
    const { code, out } = await sluice(api.url, ['doctor'], { env });
    await api.close();
    expect(code).toBe(11);
    expect(out).toContain(seen);
  });

  it('an application that it does not know is a mistake of the caller', async () => {
    const api = await FakeApi.start();
    const problem = { status: 404, code: 'application_unknown', detail: 'There is no application "x".' };
    api.answer('GET /healthz', 200, {}).answer('POST /v1/doctor', 404, problem);
    const { code, err } = await sluice(api.url, ['doctor', 'x']);
    await api.close();
    expect(code).toBe(5);
    expect(err).toContain('There is no application "x".');
  });
});
