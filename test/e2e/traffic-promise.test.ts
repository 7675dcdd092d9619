/** P1 as the API server saw it: every version of the route, beside every version of the endpoints. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startLoad } from '../../infra/local/load.js';
import { TrafficWatch, type RouteVersion } from '../rig/traffic-watch.js';
import { quick, World } from '../rig/world.js';

describe('P1: traffic goes only to tracks with ready endpoints, in whole weights that sum to 100', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(inject('stack'));
  });
  afterAll(() => world.close());

  const grayWeights = (watch: TrafficWatch): number[] =>
    watch.routes.map((route) => Math.max(...route.weights.map((rule) => rule['shop-gray'] ?? 0)));
  /** Without what is repeated by notes and status. */
  const changes = (values: readonly number[]): number[] => values.filter((v, i) => v !== values[i - 1]);

  /** Each share of gray that is larger than the one before it. */
  function risesOf(
    routes: readonly RouteVersion[],
    gray: string,
  ): { readonly version: number; readonly weight: number }[] {
    const shares = routes.map(({ version, weights }) => {
      return { version, weight: Math.max(...weights.map((rule) => rule[gray] ?? 0)) };
    });
    return shares.filter(({ weight }, i) => weight > (shares[i - 1]?.weight ?? 0));
  }

  /** How long gray stayed in the route after its last traffic, ms. */
  function stayedMs({ routes }: TrafficWatch): number {
    const emptied = routes.findLastIndex(({ weights }) => weights.some((w) => w['shop-gray']! > 0)) + 1;
    const left = routes.slice(emptied).find(({ weights }) => weights.every((w) => !('shop-gray' in w)));
    return left!.at - routes[emptied]!.at;
  }
  /** More than the controller and a busy machine need. */
  const drain = '2s';

  it('at every moment of a release to its end', async () => {
    await world.declare(world.application({ ...quick, drain }));
    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 20 });
    const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
    const { outcome } = await world.ended(await world.release('v2'));
    const [{ failed }] = await Promise.all([load.stop(), watch.stop()]);
    expect(outcome?.phase).toBe('succeeded');
    expect(changes(grayWeights(watch))).toEqual([0, 10, 25, 50, 100, 0]);
    expect(watch.routes.some((r) => r.tagged.includes('shop-gray'))).toBe(true);
    expect(stayedMs(watch)).toBeGreaterThan(1_500);
    expect(watch.violations).toEqual([]);
    expect(failed).toBe(0);
  });

  it('at every moment of a rollback out of the promotion', async () => {
    const steps = [
      { weight: 50, hold: '100ms' },
      { weight: 100, hold: '100ms' },
    ];
    await world.image('slow', { START_MS: '3000' });
    await world.declare(world.application({ ...quick, steps, drain }));
    const load = startLoad({ url: world.stack.ingress, host: world.host, requestsPerSecond: 20 });
    const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
    const id = await world.release('slow');
    await world.until(id, 'promoting', (v) => v.phase === 'promoting');
    await world.steer(id, 'abort');
    const { outcome } = await world.ended(id);
    const [{ failed }] = await Promise.all([load.stop(), watch.stop()]);
    expect(outcome?.phase).toBe('rolled_back');
    expect(changes(grayWeights(watch))).toEqual([0, 50, 100, 0]);
    expect(stayedMs(watch)).toBeGreaterThan(1_500);
    expect(watch.violations).toEqual([]);
    expect(failed).toBe(0);
    expect(await world.leftovers()).toEqual([]);
  });

  it('a canary is asked with a tag of its own before its first share, and has none after', async () => {
    await world.declare(world.application({ ...quick, strategy: 'canary' }));
    const watch = await TrafficWatch.start(world.kube, world.namespace, world.name);
    const id = await world.release('v3');
    const { outcome } = await world.ended(id);
    await watch.stop();
    expect(outcome?.phase).toBe('succeeded');
    // Requests of a lane that come through it have the ordinary one.
    expect(new Set(watch.routes.flatMap((route) => route.tags))).toEqual(new Set([`gray-${id}`]));
    const tagged = watch.routes.map((route) => route.tagged.includes('shop-gray'));
    const first = grayWeights(watch).findIndex((weight) => weight > 0);
    expect(tagged.slice(0, first)).toContain(true);
    expect(tagged.slice(first)).not.toContain(true);
  });

  it('a canary that cannot be asked gets its share all the same, and says so', async () => {
    const { traffic, ...rest } = world.application({ ...quick, strategy: 'canary' });
    await world.declare({ ...rest, traffic: { ...traffic, entry: 'http://127.0.0.1:1/' } });
    const id = await world.release('v2');
    expect((await world.ended(id)).outcome?.phase).toBe('succeeded');
    const notes = (await world.events(id)).map((event) => JSON.stringify(event));
    expect(notes.filter((note) => note.includes('Gray was not asked before its first share'))).toHaveLength(
      1,
    );
  });

  it('of two entries neither gets a weight before both have the one before', async () => {
    // The pods of the second come late, and more of them are needed for each weight.
    const late = await World.create(inject('stack'), { name: 'late', replicas: 4, beside: world });
    await late.image('late', { START_MS: '700' });
    const entries = [world, late];
    const steps = [10, 50, 100].map((weight) => ({ weight, hold: '100ms' }));
    for (const entry of entries) await entry.declare(entry.application({ ...quick, steps }));
    const loads = entries.map(({ host }) =>
      startLoad({ url: world.stack.ingress, host, requestsPerSecond: 20 }),
    );
    const watches = await Promise.all(
      entries.map(({ kube, namespace, name }) => TrafficWatch.start(kube, namespace, name)),
    );
    const applications = entries.map(({ applicationName: name }, i) => ({ name, image: ['v3', 'late'][i] }));
    const { outcome } = await world.ended(await world.release('v3', { applications }));
    const sent = await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(watches.map((watch) => watch.stop()));
    expect(outcome?.phase).toBe('succeeded');
    const moves = watches
      .flatMap(({ routes }, i) => risesOf(routes, `${entries[i]!.name}-gray`))
      .toSorted((one, other) => one.version - other.version);
    expect(moves.map(({ weight }) => weight)).toEqual([10, 10, 50, 50, 100, 100]);
    expect(watches.flatMap((watch) => watch.violations)).toEqual([]);
    expect(sent.map(({ failed }) => failed)).toEqual([0, 0]);
    await late.close();
  });
});
