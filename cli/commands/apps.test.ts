import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../../test/cli.js';
import { FakeApi, problem } from '../../test/fakes/sluice-api.js';

let api: FakeApi;
beforeEach(async () => {
  api = await FakeApi.start();
});
afterEach(() => api.close());

describe('rm', () => {
  it.each([
    [[], '/v1/applications/web'],
    [['--force'], '/v1/applications/web?force=true'],
  ])('%j asks for %s', async (options, path) => {
    api.answer('DELETE /v1/applications/web', 204, null);
    expect(await sluice(api.url, ['rm', 'web', ...options])).toMatchObject({
      code: 0,
      out: 'web removed; nothing in the cluster was touched\n',
    });
    expect(api.paths('DELETE')).toEqual([path]);
  });

  it('ends with 5 where something of it is left', async () => {
    const said = 'Releases of application "web" that are over have left Deployment web-gray in prod.';
    api.answer('DELETE /v1/applications/web', 409, problem('application_left', 409, said));
    expect(await sluice(api.url, ['rm', 'web'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(said) as string,
    });
  });
});
