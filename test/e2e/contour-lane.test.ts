/** A lane of a and c with b between them, all behind HTTPProxies of Contour's: what those make of real requests. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { auditedSince } from '../rig/audit.js';
import { Chain } from '../rig/chain.js';
import type { World } from '../rig/world.js';
import { expectAbortUnnoticed, expectWholeWays } from './whole-way.js';

let chain: Chain;
beforeAll(async () => {
  chain = await Chain.create(inject('stack'), { router: 'contour' });
});
afterAll(() => chain.close());

describe('a lane on HTTPProxies', () => {
  it('P1 P4 P9: an abort in the middle of its weights takes it back, and no request noticed', async () => {
    const view = await expectAbortUnnoticed(chain);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1 P4 P9: the same of b and c with their share at the route of a', async () => {
    const view = await expectAbortUnnoticed(chain, { behind: true });
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1 P9: by tag, header, parameter, cookie or share a request is in it for its whole way, or not at all', async () => {
    const view = await expectWholeWays(chain);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });

  it.each([
    ['where it is aborted', 'abort'],
    ['where it succeeds', 'promote'],
  ] as const)(
    'P9: %s goes in order: the entry, what is behind it, when Prometheus counts no more requests the pods, and their objects',
    async (_, verb) => {
      const analysis: ReleaseInput['analysis'] = {
        interval: '1s',
        window: '10s',
        metrics: [{ name: 'errors', builtin: 'error-rate', max: 5, minRequests: 1 }],
      };
      const release = { analysis, drain: '2s', steps: [{ weight: 50, hold: '10m' }] } as const;
      await chain.settings({ a: release, c: release });
      const { a, c } = chain;
      const { stop } = chain.steady(20);
      // Both are at v2 since the test before.
      const id = await chain.release('v1');
      await a.until(id, 'at 50 %', (v) => v.phase === 'holding' && v.applications[0]?.grayWeight === 50);
      const begun = Date.now();
      expect((await a.steer(id, verb)).status).toBe(200);
      const view = await a.ended(id);
      await stop();
      expect(view.outcome).toMatchObject({ phase: verb === 'abort' ? 'rolled_back' : 'succeeded', left: [] });

      const asked = view.evidence.filter((e) => e.kind === 'requests');
      expect(asked.map((e) => e.data)).toMatchObject([{ seen: 'quiet' }, { seen: 'quiet' }]);
      const since =
        verb === 'abort'
          ? begun
          : Date.parse(view.steps.find((s) => s.kind === 'return-traffic')!.startedAt!);
      const written = async (world: World) => {
        const all = await auditedSince(world.stack.auditLog, world.namespace, since);
        const at = (what: string): number[] =>
          all.filter((one) => `${one.verb} ${one.resource} ${one.name}` === what).map((one) => one.at);
        const { name } = world;
        return {
          name,
          route: at(`patch httpproxies ${name}`),
          empty: at(`patch deployments ${name}-gray`),
          gone: ['deployments', 'services'].flatMap((kind) => at(`delete ${kind} ${name}-gray`)),
        };
      };
      const [entry, behind] = [await written(a), await written(c)];
      expect([entry.gone.length, behind.gone.length]).toEqual([2, 2]);
      // Requests that have come in with the tag get their time.
      expect(behind.route[0]! - entry.route[0]!).toBeGreaterThanOrEqual(2_000);
      for (const { name, route, empty, gone } of [entry, behind]) {
        const quiet = asked.find((e) => e.summary.includes(`${name}-gray`))!.data as { at: string };
        expect(Date.parse(quiet.at)).toBeGreaterThan(Math.max(...route));
        expect(empty[0]!).toBeGreaterThanOrEqual(Date.parse(quiet.at));
        expect(Math.min(...gone)).toBeGreaterThan(empty[0]!);
      }
      expect(Math.min(entry.empty[0]!, behind.empty[0]!)).toBeGreaterThan(behind.route[0]! + 2_000);
    },
  );
});
