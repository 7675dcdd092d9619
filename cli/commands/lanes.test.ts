import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../../test/cli.js';
import { laneList, laneView } from '../../test/fakes/lane-list.js';
import { FakeApi, problem } from '../../test/fakes/sluice-api.js';

let api: FakeApi;
beforeEach(async () => {
  api = await FakeApi.start();
});
afterEach(() => api.close());

describe('lanes', () => {
  it('shows those of all environments', async () => {
    api.answer('GET /v1/lanes', 200, laneList(laneView()));
    const ran = await sluice(api.url, ['lanes']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^lane gray in prod, x-lane: gray\n/);
    expect(api.paths('GET')).toEqual(['/v1/lanes']);
  });

  it('shows those of one, as the API said it', async () => {
    api.answer('GET /v1/lanes', 200, laneList(laneView()));
    const ran = await sluice(api.url, ['lanes', '-e', 'prod', '-o', 'json']);
    expect(JSON.parse(ran.out)).toEqual(laneList(laneView()));
    expect(api.paths('GET')).toEqual(['/v1/lanes?environment=prod']);
  });

  it('says that there are none', async () => {
    api.answer('GET /v1/lanes', 200, laneList());
    expect(await sluice(api.url, ['lanes'])).toMatchObject({
      code: 0,
      out: 'no lanes: no application has a gray track now\n',
    });
  });

  it('ends with 5 for an environment that no application declares', async () => {
    const said = 'No application declares an environment "prd"';
    api.answer('GET /v1/lanes', 404, problem('environment_not_declared', 404, said));
    expect(await sluice(api.url, ['lanes', '-e', 'prd'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(said) as string,
    });
  });
});
