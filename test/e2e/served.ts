/** What a proxy makes of the rules that a release writes: on real requests, the same for every kind of route. */
import { request } from 'undici';
import { afterEach, beforeAll, expect, it } from 'vitest';
import type { SharingKind } from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { startLoad, type Load, type LoadRecord } from '../../infra/local/load.js';
import { until } from '../../infra/local/parts.js';
import { sampleRoute } from '../../infra/local/sample.js';
import { enter, portions, stampings, tag, type Web } from './web.js';

/**
 * Declares the tests.
 *
 * @param ingress `http://host:port` of the proxy that serves routes of the kind; asked when they run
 */
export function describeServed(kind: SharingKind, web: Web, ingress: () => string): void {
  const { kube, namespace, prepare, set, restore } = web;
  const loads: Load[] = [];
  afterEach(() => Promise.all(loads.splice(0).map((load) => load.stop())));
  const host = `${kind}.${namespace}.local`;
  const route = web.target(kind);
  let seq = 1;
  const load = (requestsPerSecond: number, headers: Record<string, string> = {}): Load => {
    const one = startLoad({ url: ingress(), host, requestsPerSecond, headers });
    loads.push(one);
    return one;
  };
  /** The last so many answers, when there are so many and all are of that version. */
  async function settled(one: Load, version: string, count = 30): Promise<void> {
    await until(`${count} answers of ${version}`, async () => {
      const last = one.summary().records.slice(-count);
      expect(last.map((r) => r.version)).toEqual(Array.from({ length: count }, () => version));
    });
  }
  async function next(one: Load, count: number): Promise<LoadRecord[]> {
    const from = one.summary().records.length;
    await until(`${count} more answers`, async () => {
      expect(one.summary().records.length).toBeGreaterThanOrEqual(from + count);
    });
    return one.summary().records.slice(from, from + count);
  }
  const share = (records: readonly LoadRecord[]): number =>
    records.filter((r) => r.version === 'v2').length / records.length;

  beforeAll(async () => {
    const options = { namespace, name: 'web', image: '', host, gateway: web.stack.gateway };
    await applyObjects(kube, [sampleRoute(kind, options)]);
    const first = load(50);
    await settled(first, 'v1');
    await first.stop();
  });

  it('shares requests as the weights say: 0, 25 and 100 percent', async () => {
    await prepare(route, seq);
    const one = load(200);
    await set(route, ++seq, { gray: 0, tag: null });
    expect(share(await next(one, 400))).toBe(0);
    await set(route, ++seq, { gray: 25, tag: null });
    await until('gray answers', async () => expect(one.summary().byVersion['v2']).toBeGreaterThan(0));
    // Four standard deviations of 800 draws.
    const quarter = share(await next(one, 800));
    expect(quarter).toBeGreaterThan(0.25 - 0.0613);
    expect(quarter).toBeLessThan(0.25 + 0.0613);
    await set(route, ++seq, { gray: 100, tag: null });
    await settled(one, 'v2');
    expect(share(await next(one, 400))).toBe(1);
    await restore(route);
    await settled(one, 'v1');
    expect(await one.stop()).toMatchObject({ failed: 0, byFailure: {} });
    seq = 1;
  });

  it('sends tagged requests to gray whatever the weight, and untagged ones to stable', async () => {
    await prepare(route, seq);
    await set(route, ++seq, { gray: 0, tag });
    const [tagged, untagged] = [load(100, { 'x-lane': 'gray' }), load(100)];
    await settled(tagged, 'v2');
    expect(share(await next(tagged, 200))).toBe(1);
    expect(share(await next(untagged, 200))).toBe(0);
    const other = load(100, { 'x-lane': 'grayish' });
    expect(share(await next(other, 50))).toBe(0);
    await set(route, ++seq, { gray: 100, tag });
    await settled(untagged, 'v2');
    await restore(route);
    await settled(tagged, 'v1');
    for (const one of [tagged, untagged, other])
      expect(await one.stop()).toMatchObject({ failed: 0, byFailure: {} });
    seq = 1;
  });

  interface Answer {
    readonly version: string;
    /** The header of the tag as it came to the application. */
    readonly tag: string | null;
  }
  async function answers(
    count: number,
    headers: Record<string, string | string[]>,
    path = '/',
  ): Promise<Answer[]> {
    const got: Answer[] = [];
    while (got.length < count) {
      const url = new URL(path, ingress());
      const { statusCode, body } = await request(url, { headers: { ...headers, host } });
      expect(statusCode).toBe(200);
      got.push((await body.json()) as Answer);
    }
    return got;
  }
  const tagsOf = (got: readonly Answer[]): (string | null)[] => got.map((answer) => answer.tag);

  it.each(stampings)(
    'puts the tag on each request to gray and takes it off each to stable, whoever set it: $how',
    async ({ how: _, ...stamps }) => {
      const stamping = { ...route, ...stamps };
      const isOne = stamps.grayService === 'web';
      /** Five standard deviations of 100 draws, and no answer of one track with the tag of the other. */
      const shared = async (headers: Record<string, string | string[]>): Promise<void> => {
        const got = await answers(100, headers);
        const tagged = got.filter((answer) => answer.tag === 'gray');
        expect(tagged.length).toBeGreaterThan(25);
        expect(tagged.length).toBeLessThan(75);
        for (const one of got) expect(one.tag).toBe(tagged.includes(one) ? 'gray' : null);
        if (isOne) return;
        for (const one of got) expect(one.version).toBe(one.tag === 'gray' ? 'v2' : 'v1');
      };
      await prepare(stamping, seq);
      await until('no tag of another lane passes', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'blue' }))).toEqual(
          Array.from({ length: 20 }, () => null),
        ),
      );
      await set(stamping, ++seq, { gray: 50, tag: null });
      await until('gray answers', async () => expect(tagsOf(await answers(20, {}))).toContain('gray'));
      await shared({});
      await shared({ 'x-lane': 'blue' });
      await shared({ 'X-Lane': ['blue', 'green'] });
      // There is no rule for the tag, so it is a share of these too that gray gets.
      await shared({ 'x-lane': 'gray' });

      await set(stamping, ++seq, { gray: 50, tag });
      await until('tagged requests go to gray', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'gray' }))).not.toContain(null),
      );
      const tagged = await answers(100, { 'x-lane': 'gray' });
      expect(tagsOf(tagged).every((one) => one === 'gray')).toBe(true);
      expect([...new Set(tagged.map((answer) => answer.version))]).toEqual([isOne ? 'v1' : 'v2']);
      await shared({});
      await shared({ 'x-lane': 'grayish' });

      await restore(stamping);
      await until('headers pass as they come', async () =>
        expect(tagsOf(await answers(20, { 'x-lane': 'blue' }))).toEqual(
          Array.from({ length: 20 }, () => 'blue'),
        ),
      );
      expect(tagsOf(await answers(20, {}))).not.toContain('gray');
      seq = 1;
    },
  );

  it('sends those that enter to gray with the tag while tagged requests go there, and others where they went', async () => {
    const entered = { ...route, stamps: tag, enter };
    type Sent = readonly [headers: Record<string, string>, path: string];
    const going: readonly Sent[] = [
      [{ 'x-lane': 'gray' }, '/'],
      [{}, '/?group=gray'],
      [{ 'x-lane': 'blue' }, '/?a=1&group=gray'],
      [{ 'X-User': 'qa-7' }, '/'],
      [{ cookie: 'a=2; beta=1; c=3' }, '/'],
      [{ cookie: 'beta=1' }, '/?group=other'],
      [{}, '/?team=a.b'],
      [{}, '/?team=f'],
      [{ 'x-country': 'at' }, '/?debug=12'],
    ];
    const staying: readonly Sent[] = [
      [{}, '/'],
      [{ 'x-lane': 'blue' }, '/?group=grayish'],
      [{ group: 'gray' }, '/'],
      [{ 'x-user': 'my-qa-7' }, '/'],
      [{ cookie: 'a=2; xbeta=1; c=beta' }, '/'],
      [{ cookie: 'beta=10' }, '/'],
      [{}, '/?team=axb'],
      [{ 'x-country': 'at' }, '/?debug=12x'],
      [{ 'x-country': 'det' }, '/?debug=12'],
      [{ 'x-country': 'de' }, '/'],
    ];
    const seen = async ([headers, path]: Sent): Promise<unknown[]> => [
      headers,
      path,
      ...(await answers(5, headers, path)).map((one) => [one.version, one.tag]),
    ];
    const all = (sent: readonly Sent[], version: string, stamp: string | null): unknown[] =>
      sent.map(([headers, path]) => [headers, path, ...Array.from({ length: 5 }, () => [version, stamp])]);
    await prepare(entered, seq);
    await set(entered, ++seq, { gray: 0, tag });
    await until('those that enter are known', async () =>
      expect(await Promise.all(going.map(seen))).toEqual(all(going, 'v2', 'gray')),
    );
    expect(await Promise.all(staying.map(seen))).toEqual(all(staying, 'v1', null));
    await set(entered, ++seq, { gray: 0, tag: null });
    await until('nobody enters any more', async () =>
      expect(await Promise.all(going.map(seen))).toEqual(all(going, 'v1', null)),
    );
    await restore(entered);
    await until('headers pass as they come', async () =>
      expect(tagsOf(await answers(20, { 'x-lane': 'blue' }, '/?group=gray'))).toEqual(
        Array.from({ length: 20 }, () => 'blue'),
      ),
    );
    seq = 1;
  });

  it('divides those of whom a portion enters, with the tag and without, and sends all of them to gray when everybody goes there', async () => {
    const portioned = { ...route, stamps: tag, enter: portions };
    const users = { 'x-user': 'beta-7' };
    /** Five standard deviations of 200 draws, and each answer is of one track, told by the tag. */
    const divided = async (headers: Record<string, string>, path: string): Promise<void> => {
      const got = await answers(200, headers, path);
      const gray = got.filter((answer) => answer.version === 'v2');
      expect(gray.length).toBeGreaterThan(60);
      expect(gray.length).toBeLessThan(140);
      for (const one of got) expect(one.tag).toBe(one.version === 'v2' ? 'gray' : null);
    };
    const seen = async (headers: Record<string, string>, path = '/'): Promise<string[]> =>
      [...new Set((await answers(40, headers, path)).map((one) => `${one.version} ${one.tag}`))].sort();
    await prepare(portioned, seq);
    await set(portioned, ++seq, { gray: 0, tag });
    await until('a portion enters', async () => expect(await seen(users)).toEqual(['v1 null', 'v2 gray']));
    await divided(users, '/');
    await divided({ ...users, 'x-lane': 'blue' }, '/');
    await divided({ 'x-country': 'de' }, '/?debug=12');
    expect(await seen({})).toEqual(['v1 null']);
    expect(await seen({ 'x-country': 'de' })).toEqual(['v1 null']);
    // The tag, and a way of whom all enter, come first, whatever else the request has.
    expect(await seen({ ...users, 'x-lane': 'gray' })).toEqual(['v2 gray']);
    expect(await seen({ 'x-country': 'de', 'x-lane': 'gray' }, '/?debug=12')).toEqual(['v2 gray']);
    expect(await seen({ 'x-country': 'de' }, '/?debug=12&group=gray')).toEqual(['v2 gray']);
    await set(portioned, ++seq, { gray: 100, tag });
    await until('all go to gray', async () => expect(await seen({})).toEqual(['v2 gray']));
    expect(await seen(users)).toEqual(['v2 gray']);
    await set(portioned, ++seq, { gray: 0, tag: null });
    await until('nobody enters any more', async () => expect(await seen(users)).toEqual(['v1 null']));
    await restore(portioned);
    await until('headers pass as they come', async () =>
      expect(await seen({ ...users, 'x-lane': 'blue' })).toEqual(['v1 blue']),
    );
    seq = 1;
  });

  it('fails no request while the weights move and the route is taken and given back, again and again', async () => {
    const [untagged, tagged] = [load(200), load(100, { 'x-lane': 'gray' })];
    for (let round = 0; round < 5; round++) {
      await prepare(route, 1);
      await set(route, 2, { gray: 0, tag });
      await settled(tagged, 'v2', 5);
      for (const [i, gray] of [10, 50, 100].entries()) await set(route, i + 3, { gray, tag });
      await settled(untagged, 'v2', 10);
      await restore(route);
      await settled(untagged, 'v1', 10);
      await settled(tagged, 'v1', 5);
    }
    for (const one of [untagged, tagged]) {
      const summary = await one.stop();
      expect(summary).toMatchObject({ failed: 0, byFailure: {} });
      expect(Object.keys(summary.byVersion).sort()).toEqual(['v1', 'v2']);
    }
  });
}
