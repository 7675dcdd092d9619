import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sluice } from '../../test/cli.js';
import { FakeApi } from '../../test/fakes/sluice-api.js';
import type { LeftoverRow } from '../../domain/leftover.js';

let api: FakeApi;
beforeEach(async () => {
  api = await FakeApi.start();
});
afterEach(() => api.close());

const row: LeftoverRow = {
  application: 'web',
  cluster: 'default',
  namespace: 'shop',
  lane: 'gray',
  release: 'k3f9a2m1x7q0',
  state: 'ended',
  declared: true,
  objects: ['Deployment web-gray'],
  route: 'HTTPRoute web',
  weight: 0,
  removed: [],
  left: null,
};
const answers = (dryRun: boolean, items: readonly object[], unseen: readonly object[] = []): void =>
  void api.answer('POST /v1/environments/prod/clean', 200, { name: 'prod', dryRun, items, unseen });
const sent = (): unknown => api.asked.at(-1)?.body;
const clean = (...args: readonly string[]) => sluice(api.url, ['env', 'clean', 'prod', ...args]);

describe('env clean', () => {
  it('asks for a look only, unless told otherwise', async () => {
    answers(true, [row]);
    const ran = await clean();
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('\n  HTTPRoute web\n  Deployment web-gray\n\nnothing was removed;');
    expect(sent()).toEqual({ dryRun: true, reason: '' });
  });

  it('sends the reason with --yes, and says what is gone', async () => {
    answers(false, [{ ...row, removed: ['Deployment web-gray'] }]);
    const ran = await clean('--yes', '--reason', 'cluster lost');
    expect(ran.out).toContain('  Deployment web-gray removed\n\n1 removed\n');
    expect(sent()).toEqual({ dryRun: false, reason: 'cluster lost' });
  });

  it('ends with 11 where something was left, or not looked at, and says why', async () => {
    answers(
      false,
      [{ ...row, left: 'stable has no ready endpoint' }],
      [{ application: 'cart', why: 'away' }],
    );
    const ran = await clean('--yes', '--reason', 'x');
    expect(ran.code).toBe(11);
    expect(ran.out).toContain('  ! not removed: stable has no ready endpoint\n? cart not looked at: away\n');
    expect(ran.out).toContain('0 removed, 1 left');
  });

  it('looks where it is told to, and says how to remove what is there; what stays is told', async () => {
    const left = 'this server does not know the release.';
    const stray = { ...row, application: 'cart', declared: false };
    answers(true, [row, stray, { ...stray, application: 'gone', left }]);
    const ran = await clean('--namespace', 'shop', '--cluster', 'eu');
    expect(sent()).toEqual({ dryRun: true, reason: '', namespace: 'shop', cluster: 'eu' });
    expect(ran.code).toBe(11);
    expect(ran.out).toContain(
      `cart in default/shop: release ${row.release}, which has ended; the application is`,
    );
    expect(ran.out).toContain(`  ! not removed: ${left}\n`);
    expect(ran.out).toContain('sluice env clean prod --namespace shop --cluster eu --yes --reason TEXT\n');
    answers(true, [{ ...stray, left }]);
    expect((await clean()).out).toMatch(/\nnothing was removed\n$/);
  });

  it('says so where nothing is left', async () => {
    answers(true, []);
    expect((await clean('--dry-run')).out).toBe('nothing is left behind in prod\n');
  });

  it.each([
    [['--yes'], /--yes needs a reason/],
    [['--yes', '--dry-run', '--reason', 'x'], /exclude each other/],
    [['--cluster', 'eu'], /--cluster needs a namespace/],
  ] as const)('refuses %j', async (args, error) => {
    expect(await clean(...args)).toMatchObject({ code: 2, err: expect.stringMatching(error) });
    expect(api.asked).toEqual([]);
  });
});
