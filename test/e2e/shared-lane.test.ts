/** A lane of releases that know nothing of each other: what is behind the entry has its share there, alone or beside a release of the entry. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseView } from '../../domain/release.js';
import { startLoad } from '../../infra/local/load.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { withImage } from '../rig/snapshot.js';
import { expectTwoTeams } from './two-teams.js';
import { expectSettled } from './undone.js';

const way = (a: string, c: string): string => `a ${a} -> b v1 -> c ${c}`;
const [neither, onlyC] = [way('v1', 'v1'), way('v1', 'v2')];

const routers = ['gateway-api', 'contour'] as const;
let chain: Chain;
const chains = new Map<(typeof routers)[number], Chain>();
beforeAll(async () => {
  const stack = inject('stack');
  chain = await Chain.create(stack, { edges: true });
  const contour = await Chain.create(stack, { edges: true, router: 'contour', beside: chain.c });
  chains.set('gateway-api', chain).set('contour', contour);
});
afterAll(async () => {
  await chains.get('contour')?.close();
  await chain.close();
});

const approval = { required: true };
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;
const holds = (v: ReleaseView): boolean => v.phase === 'holding';
const shares = { steps: [{ weight: 50, hold: '10m' }] } as const;
type Part = 'a' | 'c';
type Versions = Readonly<Record<Part, string>>;
/** Once b has been released. */
const through = ({ a, c }: Versions): string => `a ${a} -> b v2 -> c ${c}`;

describe('a lane of several releases', () => {
  it('P1 P9: where only c changed its share is moved at the route of a, and no request meets two versions of it', async () => {
    await chain.settings({ edges: true, c: { approval, drain: '1s' } });
    const { a, b, c } = chain;
    const before = await chain.snapshots();
    const { untagged, tagged, stop } = chain.steady();
    const id = await c.release('v2');
    const waiting = await c.until(id, 'waiting for approval', open);
    const asked = Date.now();
    await Promise.all([answered(untagged, asked), answered(tagged, asked)]);
    expect([waysSince(untagged), waysSince(tagged, asked)]).toEqual([[neither], [onlyC]]);
    expect(waiting.evidence.find((e) => e.kind === 'probe')?.summary).toContain(
      `tagged: ${onlyC}; untagged: ${neither}; not verified: the consumers of ${c.applicationName} are not`,
    );
    await c.approve(id);
    const view = await c.ended(id);
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    expectSettled(view);
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([
      [neither, onlyC],
      [neither, onlyC],
    ]);
    expect(waysSince(untagged, ended)).toEqual([onlyC]);
    expect((await chain.snapshots()).slice(0, 2)).toEqual(before.slice(0, 2));
    expect(await chain.leftovers()).toEqual([]);

    const back = await c.rollback(id);
    expect(back).toMatchObject({ status: 202 });
    expect((await c.ended(String(back.body['id']))).outcome).toMatchObject({ phase: 'succeeded' });
    const undone = Date.now();
    await Promise.all([answered(untagged, undone), answered(tagged, undone)]);
    await stop();
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([
      [neither, onlyC],
      [neither, onlyC],
    ]);
    expect([waysSince(untagged, undone), waysSince(tagged, undone)]).toEqual([[neither], [neither]]);
    expect((await Promise.all([a, b].map((world) => world.snapshot()))).flat()).toEqual(before.slice(0, 2));
    expect(await chain.leftovers()).toEqual([]);
  });

  it.each(routers)(
    'P1 P9: two teams share it, each with its own approval, until the last has left, by %s',
    async (router) => {
      const view = await expectTwoTeams(chains.get(router)!);
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    },
  );

  it('two lanes that let the same requests in are not both at the route of a: the second is refused, and changes nothing', async () => {
    const { a, c } = chain;
    const group = { tag: { enter: [{ query: 'group', exact: 'gray' }] } } as const;
    const listed = { tag: { enter: [{ query: 'group', in: ['qa', 'gray'] }] } } as const;
    await chain.settings({ edges: true, a: listed, c: { ...group, approval } });
    const first = await c.release('v3');
    await c.until(first, 'waiting for approval', open);
    const before = await a.snapshot();
    const applications = [{ name: a.applicationName, image: 'v3' }];
    const plan = async (lane: string) => (await a.call('POST', '/v1/plans', { applications, lane })).status;
    const problem = await a.request('v3', { lane: 'blue' });
    expect([problem.status, problem.body['code']]).toEqual([422, 'release_refused']);
    expect(problem.body['errors']).toMatchObject([{ code: 'lanes_collide' }]);
    expect(problem.body['detail']).toContain(
      `HTTPRoute "${a.name}" cannot tell two lanes apart: requests with query "group" in ["qa","gray"] would be in ` +
        `"x-lane: blue" and in "x-lane: gray" of release ${first}`,
    );
    expect([await plan('blue'), await plan('gray')]).toEqual([422, 200]);
    expect(await a.snapshot()).toEqual(before);
    expect((await c.steer(first, 'abort')).status).toBe(200);
    expect((await c.ended(first)).outcome).toMatchObject({ phase: 'rolled_back' });
    expect(await plan('blue')).toBe(200);
    expect(await chain.leftovers()).toEqual([]);
  });

  it('P5: what one team shows with its tag is met by those who enter at the other, and by none of its share, before its approval', async () => {
    const enter = [{ query: 'group', exact: 'gray' }] as const;
    await chain.settings({ a: { ...shares, tag: { enter } }, c: { approval } });
    const { a, c } = chain;
    const { untagged, stop } = chain.steady();
    const options = { url: a.stack.ingress, host: a.host, requestsPerSecond: 15 };
    const entering = startLoad({ ...options, path: '/?group=gray' });
    const ofC = await c.release('v3');
    await c.until(ofC, 'waiting for approval', open);
    const ofA = await a.release('v3');
    await a.until(ofA, 'holding', holds);
    await eventually('a request in the share of a', () => waysSince(untagged).includes(way('v3', 'v2')));
    const shared = Date.now();
    await Promise.all([answered(untagged, shared, 30), answered(entering, shared)]);
    for (const id of [ofA, ofC]) expect((await a.steer(id, 'abort')).status).toBe(200);
    for (const id of [ofA, ofC])
      expect((await a.ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    await Promise.all([stop(), entering.stop()]);
    expect(waysSince(untagged)).toEqual([way('v2', 'v2'), way('v3', 'v2')]);
    expect(waysSince(entering, shared)).toContain(way('v3', 'v3'));
    expect(await chain.leftovers()).toEqual([]);
  });

  const hold = { approval: { required: false }, steps: [{ weight: 50, hold: '10m' }] } as const;

  it('P1: b is released alone with the tag of a lane of a and c, which comes through it: it waits its turn, none mixes or fails', async () => {
    await chain.settings({ a: hold, b: hold, c: hold });
    const { a, b } = chain;
    const { untagged, tagged, stop } = chain.steady();
    const lane = await chain.release('v3');
    await a.until(lane, 'holding', holds);
    const alone = await b.release('v3');
    const waiting = await b.until(alone, 'waiting for its turn', (v) => v.phase === 'queued');
    expect(waiting.waitingOn?.what).toContain(lane);
    const held = Date.now();
    await Promise.all([answered(untagged, held, 20), answered(tagged, held)]);
    expect((await a.steer(lane, 'abort')).status).toBe(200);
    await b.until(alone, 'holding', holds);
    const turned = Date.now();
    await Promise.all([answered(untagged, turned, 20), answered(tagged, turned)]);
    expect((await b.steer(alone, 'abort')).status).toBe(200);
    for (const [world, id] of [
      [a, lane],
      [b, alone],
    ] as const)
      expect((await world.ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    await stop();
    const ways = ['a v2 -> b v1 -> c v2', 'a v2 -> b v3 -> c v2', 'a v3 -> b v1 -> c v3'];
    expect([waysSince(untagged), waysSince(tagged)]).toEqual([ways, ways]);
    expect(await chain.leftovers()).toEqual([]);
  });

  it('P1: two lanes come through the same b, which is released in one of them: a and c never mix, none fails', async () => {
    await chain.settings({ a: hold, c: hold });
    const { a, b } = chain;
    const { untagged, tagged, stop } = chain.steady();
    const lane = await chain.release('v3');
    await a.until(lane, 'holding', holds);
    const alone = await b.release('v2', { lane: 'blue' });
    expect((await b.ended(alone)).outcome).toMatchObject({ phase: 'succeeded' });
    expect((await a.steer(lane, 'promote')).status).toBe(200);
    expect((await a.ended(lane)).outcome).toMatchObject({ phase: 'succeeded' });
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop();
    const seen = [...waysSince(untagged), ...waysSince(tagged)];
    const expected = ['v2', 'v3'].flatMap((v) => ['v1', 'v2'].map((w) => `a ${v} -> b ${w} -> c ${v}`));
    expect(seen.filter((one) => !expected.includes(one))).toEqual([]);
    expect(waysSince(untagged)).toEqual(expect.arrayContaining([expected[0], expected[3]]));
    expect(waysSince(tagged, ended)).toEqual(['a v3 -> b v2 -> c v3']);
    expect(await chain.leftovers()).toEqual([]);
  });

  it.each<{ readonly gone: Part; readonly stays: Part; readonly runs: Versions; readonly asked: Versions }>([
    { gone: 'a', stays: 'c', runs: { a: 'v3', c: 'v3' }, asked: { a: 'v2', c: 'v2' } },
    { gone: 'c', stays: 'a', runs: { a: 'v3', c: 'v2' }, asked: { a: 'v2', c: 'v3' } },
  ])(
    'P1 P4 P9: the release of $gone is aborted at its share, and that of $stays goes on to its end',
    async ({ gone, stays, runs, asked }) => {
      await chain.settings({ edges: true, a: shares, c: shares });
      const [leaves, goesOn] = [chain[gone], chain[stays]];
      const before = await chain.snapshots();
      const none = through(runs);
      const both = through(asked);
      const left = through({ ...runs, [stays]: asked[stays] });
      const expected = [none, both, left, through({ ...runs, [gone]: asked[gone] })];
      const { untagged, tagged, stop } = chain.steady();
      const [undone, done] = [await leaves.release(asked[gone]), await goesOn.release(asked[stays])];
      await Promise.all([leaves.until(undone, 'holding', holds), goesOn.until(done, 'holding', holds)]);
      await eventually('a request in both shares', () => waysSince(untagged).includes(both));

      expect((await leaves.steer(undone, 'abort')).status).toBe(200);
      const aborted = await leaves.ended(undone);
      const alone = Date.now();
      expect(aborted.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
      expectSettled(aborted);
      await Promise.all([answered(untagged, alone, 30), answered(tagged, alone)]);
      expect(waysSince(untagged, alone)).toEqual([none, left].toSorted());
      expect(waysSince(tagged, alone)).toEqual([left]);

      expect((await goesOn.steer(done, 'promote')).status).toBe(200);
      const view = await goesOn.ended(done);
      const ended = Date.now();
      await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
      await stop();
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
      expectSettled(view);
      for (const load of [untagged, tagged]) {
        expect(expected).toEqual(expect.arrayContaining(waysSince(load)));
        expect(waysSince(load, ended)).toEqual([left]);
      }
      const images = await Promise.all([runs, asked].map((versions) => goesOn.image(versions[stays])));
      const [from, to] = images.map((digest) => `${goesOn.repository}@${digest}`) as [string, string];
      expect(await chain.snapshots()).toEqual(before.map((taken) => withImage(taken, from, to)));
      expect(await chain.leftovers()).toEqual([]);
    },
  );

  it('P1 P9: two lanes come through b, which is in neither, and no request with the tag of one meets the other', async () => {
    await chain.settings({ edges: true, a: shares, c: shares });
    const { a, b, c } = chain;
    const before = await b.snapshot();
    const versions = { a: 'v2', c: 'v2' };
    const [none, onlyGray] = [through(versions), through({ ...versions, a: 'v3' })];
    const [onlyBlue, both] = [through({ ...versions, c: 'v3' }), through({ a: 'v3', c: 'v3' })];
    const { untagged, tagged: gray, stop } = chain.steady();
    const options = { url: a.stack.ingress, host: a.host, requestsPerSecond: 15 };
    const blue = startLoad({ ...options, headers: { 'x-lane': 'blue' } });
    const [ofA, ofC] = [await a.release('v3'), await c.release('v3', { lane: 'blue' })];
    await Promise.all([a.until(ofA, 'holding', holds), c.until(ofC, 'holding', holds)]);
    // Envoy hears of the second share a moment after the API server has taken it.
    await eventually('both shares on Envoy', () => waysSince(untagged).includes(both));
    const standing = Date.now();
    await Promise.all([untagged, gray, blue].map((load) => answered(load, standing, 30)));
    // The share of one lies within that of the other.
    expect(waysSince(untagged, standing)).toEqual([none, both]);
    expect([waysSince(gray, standing), waysSince(blue, standing)]).toEqual([[onlyGray], [onlyBlue]]);

    for (const [world, id] of [
      [a, ofA],
      [c, ofC],
    ] as const) {
      expect((await world.steer(id, 'promote')).status).toBe(200);
    }
    for (const [world, id] of [
      [a, ofA],
      [c, ofC],
    ] as const) {
      expect((await world.ended(id)).outcome).toMatchObject({ phase: 'succeeded' });
    }
    const ended = Date.now();
    await Promise.all([untagged, gray, blue].map((load) => answered(load, ended)));
    await Promise.all([stop(), blue.stop()]);
    for (const load of [untagged, gray, blue]) {
      expect([none, onlyGray, onlyBlue, both]).toEqual(expect.arrayContaining(waysSince(load)));
      expect(waysSince(load, ended)).toEqual([both]);
    }
    expect(await b.snapshot()).toEqual(before);
    expect(await chain.leftovers()).toEqual([]);
  });
});
