/** Somebody deletes a member of gray while half of the requests go to it: traffic goes back at once, and the release says why. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import { startLoad } from '../../infra/local/load.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
/** Requests a second, of which half go to gray. */
const rate = 50;
/** Failed requests of each second without a guard. */
const perSecond = rate / 2;
/** How many seconds of them the noticing, the write and the proxies may cost. */
const mostSeconds = 1;
/** What tells of a Service that is gone are its EndpointSlices, which go only when the garbage collector has got to them. */
const mostSecondsCollected = 3;

let first: World;
beforeAll(async () => {
  first = await World.create(stack);
});
afterAll(() => first.close());

/** Nothing that the metrics say ends it: no check is due before the test is over. */
const held: ReleaseInput = {
  ...quick,
  strategy: 'canary',
  drain: '1s',
  steps: [{ weight: 50, hold: '10m' }],
  analysis: { interval: '5m', metrics: [{ name: 'errors', builtin: 'error-rate', max: 5 }] },
};

const deployments = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments`;
const services = (namespace: string): string => `/api/v1/namespaces/${namespace}/services`;

describe.concurrent('P1 P3 P9: gray of which somebody deletes', () => {
  it.each<[string, (namespace: string) => string, string, ReleaseInput, number]>([
    ['the Deployment', deployments, 'Deployment "shop-gray"', held, mostSeconds],
    ['the Service', services, 'Service "shop-gray"', held, mostSecondsCollected],
    [
      'the Deployment, where nothing is measured',
      deployments,
      'Deployment "shop-gray"',
      { ...held, analysis: null },
      mostSeconds,
    ],
  ])('%s', async (what, path, named, release, most) => {
    const world = await World.create(stack, { beside: first });
    await world.declare(world.application(release));
    const before = await world.snapshot();
    const load = startLoad({ url: stack.ingress, host: world.host, requestsPerSecond: rate });
    const id = await world.release('v2');
    await world.until(id, 'at 50 %', (v) => v.phase === 'holding' && v.applications[0]?.grayWeight === 50);
    expect(load.summary().byFailure).toEqual({});
    const deleted = Date.now();
    await world.kube.delete(`${path(world.namespace)}/shop-gray`);
    const { outcome } = await world.ended(id);
    const { failed, records } = await load.stop();
    const last = Math.max(deleted, ...records.filter((r) => r.failure !== undefined).map((r) => r.at));
    console.log(
      `${what} of gray deleted: ${failed} of ${records.length} requests failed, within ${last - deleted} ms`,
    );
    expect(outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'gray_lost' }, left: [] });
    expect(outcome?.failure?.message).toContain(`somebody deleted ${named}`);
    expect(failed).toBeLessThanOrEqual(most * perSecond);
    expect(records.at(-1)?.version).toBe('v1');
    expect(await world.snapshot()).toEqual(before);
    expect(await world.leftovers()).toEqual([]);
    await world.close();
  });
});
