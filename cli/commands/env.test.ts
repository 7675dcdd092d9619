import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../../test/cli.js';
import { environmentRow } from '../../test/fakes/environment-view.js';
import { startedAt } from '../../test/fakes/release-view.js';
import { FakeApi, problem, reply } from '../../test/fakes/sluice-api.js';

let api: FakeApi;
beforeEach(async () => {
  api = await FakeApi.start();
});
afterEach(() => api.close());

const summary = { name: 'prod', types: ['prod'], applications: 1, running: [], waiting: 0 };
const answers = (...rows: readonly object[]): void =>
  void api.answer('GET /v1/environments/prod', 200, {
    name: 'prod',
    at: startedAt,
    items: rows,
    cursor: null,
  });
const well = environmentRow();
const drifted = environmentRow({ drift: ['the Deployment web is gone'] });
const unseen = environmentRow({ live: null, unseen: 'the cluster is away' });

describe('env', () => {
  it('lists the environments', async () => {
    api.answer('GET /v1/environments', 200, { items: [summary], cursor: null });
    const ran = await sluice(api.url, ['env']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^ENVIRONMENT .*\nprod +prod +1\n$/);
  });

  it('shows one, from all its pages', async () => {
    api.on('GET /v1/environments/prod', ({ path }, response) => {
      const second = path.includes('cursor=cart');
      const items = [environmentRow({ application: second ? 'web' : 'cart' })];
      reply(response, 200, { name: 'prod', at: startedAt, items, cursor: second ? null : 'cart' });
    });
    const ran = await sluice(api.url, ['env', 'prod', '-o', 'json']);
    expect(JSON.parse(ran.out)).toMatchObject({
      name: 'prod',
      items: [{ application: 'cart' }, { application: 'web' }],
      cursor: null,
    });
    expect(api.paths('GET')).toEqual([
      '/v1/environments/prod?limit=200',
      '/v1/environments/prod?limit=200&cursor=cart',
    ]);
  });

  it.each<[string, readonly object[], readonly string[], number]>([
    ['0 where all is as it was released', [well], ['--check'], 0],
    ['0 with drift that nobody asked to check', [drifted, unseen], [], 0],
    ['11 with drift and --check', [well, drifted], ['--check'], 11],
    ['11 with --check where something could not be looked at', [well, unseen], ['--check'], 11],
  ])('ends with %s', async (_, rows, args, code) => {
    answers(...rows);
    expect(await sluice(api.url, ['env', 'prod', ...args])).toMatchObject({ code, err: '' });
    expect(await sluice(api.url, ['env', 'prod', ...args, '-o', 'json'])).toMatchObject({ code, err: '' });
  });

  it('checks only an environment that is named', async () => {
    expect(await sluice(api.url, ['env', '--check'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('sluice env NAME --check') as string,
    });
    expect(api.asked).toEqual([]);
  });

  it('ends with 5 for one that no application declares', async () => {
    const said = 'No application declares an environment "prd"';
    api.answer('GET /v1/environments/prd', 404, problem('environment_not_declared', 404, said));
    expect(await sluice(api.url, ['env', 'prd'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(said) as string,
    });
  });
});
