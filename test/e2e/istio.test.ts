/** Istio's own control plane with Envoys as its gateway and its sidecar: what VirtualServices of a release make of real requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { discovered, startIstio, type Istio } from '../../infra/local/stack/istio.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { answered, Chain, waysSince } from '../rig/chain.js';
import { eventually } from '../rig/eventually.js';
import { quick, World } from '../rig/world.js';
import { expectBaggageLeads } from './baggage.js';
import { describeServed } from './served.js';
import { expectTwoTeams } from './two-teams.js';
import { expectSettled, expectUntouched } from './undone.js';
import { Web } from './web.js';
import { expectAbortUnnoticed, expectWholeWays, promotedTo } from './whole-way.js';

let dir: string;
let istio: Istio;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-istio-'));
  istio = await startIstio(inject('stack'), dir);
});
afterAll(async () => {
  await istio.stop();
  await rm(dir, { recursive: true });
});

const stack = () => ({ ...inject('stack'), ingress: istio.ingress });
const approval = { required: true };
/** istiod may hold a change back for nearly as long as the default drain lasts. */
const patient: ReleaseInput = { ...quick, drain: '12s' };
const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;
const holdingAt =
  (weight: number) =>
  ({ phase, applications }: ReleaseView): boolean =>
    phase === 'holding' && applications.some((one) => one.grayWeight === weight);
const stop = (loads: readonly Load[]): Promise<unknown> => Promise.all(loads.map((load) => load.stop()));

describe('a release with a VirtualService of the gateway', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.create(stack(), { router: 'istio' });
  });
  afterAll(() => world.close());

  const load = (headers: Record<string, string> = {}): Load =>
    startLoad({ url: istio.ingress, host: world.host, requestsPerSecond: 100, headers });
  const [stable, gray] = ['shop v1', 'shop v2'];

  it('P1 P9: an abort at a share takes all back, and no request fails', async () => {
    await world.declare(world.application({ ...patient, steps: [{ weight: 50, hold: '10m' }] }));
    const before = await world.snapshot();
    const [untagged, tagged] = [load(), load({ 'x-lane': 'gray' })];
    const id = await world.release('v2');
    await world.until(id, 'at 50 %', holdingAt(50));
    await eventually('gray answers', () => waysSince(untagged).includes(gray));
    expect((await world.steer(id, 'abort')).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
    expectSettled(view);
    await expectUntouched(world, before, untagged);
    await stop([untagged, tagged]);
    for (const one of [untagged, tagged]) expect(waysSince(one)).toEqual([stable, gray]);
  });

  it('P1 P9: tag, probe, share, promotion, cleanup: each answer is of the version that was meant', async () => {
    const steps = [
      { weight: 25, hold: '10m' },
      { weight: 100, hold: '200ms' },
    ];
    await world.declare(world.application({ ...patient, approval, steps }));
    const before = await world.snapshot();
    const [untagged, tagged] = [load(), load({ 'x-lane': 'gray' })];
    const id = await world.release('v2');
    const waiting = await world.until(id, 'waiting for approval', open);
    const asked = Date.now();
    await Promise.all([answered(untagged, asked), answered(tagged, asked)]);
    expect(waysSince(untagged)).toEqual([stable]);
    expect(waiting.evidence.find((e) => e.kind === 'probe')?.summary).toBe('tagged: v2; untagged: v1');

    await world.approve(id);
    await world.until(id, 'at 25 %', holdingAt(25));
    await eventually('gray answers', () => waysSince(untagged).includes(gray));
    const shared = Date.now();
    await answered(untagged, shared, 300);
    const { records } = untagged.summary();
    const since = records.filter((record) => record.at >= shared);
    const share = since.filter((record) => record.version === 'v2').length / since.length;
    // Four standard deviations of 300 draws.
    expect(Math.abs(share - 0.25)).toBeLessThan(0.1);

    expect((await world.steer(id, 'skip')).status).toBe(200);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    const ended = Date.now();
    await Promise.all([answered(untagged, ended), answered(tagged, ended)]);
    await stop([untagged, tagged]);
    expect(waysSince(untagged)).toEqual([stable, gray]);
    expect(waysSince(untagged, ended)).toEqual([gray]);
    expect(waysSince(tagged, asked)).toEqual([gray]);
    expect(await world.snapshot()).toEqual(promotedTo(world, view, before));
    expect(await world.leftovers()).toEqual([]);
  });
});

describe('a VirtualService of the gateway', () => {
  const web = new Web('istio-test', discovered);
  beforeAll(() => web.install());
  afterAll(() => web.remove());
  describeServed('istio', web, () => istio.ingress);
});

describe.each([
  ['VirtualServices, a behind the gateway', 'istio'],
  ["HTTPRoutes, a behind Contour's gateway", 'gateway-api'],
] as const)('a lane of a and c with b between them, b and c behind the sidecar: %s', (_, router) => {
  let chain: Chain;
  beforeAll(async () => {
    const entry = router === 'istio' ? stack() : inject('stack');
    chain = await Chain.create(entry, { router, mesh: istio.mesh });
  });
  afterAll(() => chain.close());

  it('P1 P4 P9: an abort in the middle of its weights takes it back, and no request noticed', async () => {
    const view = await expectAbortUnnoticed(chain, { drain: '12s' });
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1 P4 P9: the same of b and c with their share at the route of a', async () => {
    const view = await expectAbortUnnoticed(chain, { drain: '12s', behind: true });
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1: while the sidecar has not heard of the rule of c no request is let into the lane', async () => {
    const release = { approval, drain: '12s', steps: [{ weight: 50, hold: '10m' }] } as const;
    await chain.settings({ a: release, c: release });
    const { a, c } = chain;
    const { untagged, tagged, stop } = chain.steady();
    const id = await chain.release();
    await a.until(id, 'giving the tag', ({ phase }) => phase === 'verifying');
    const goOn = istio.holdBack();
    await eventually('c to have its rule', async () =>
      Object.values(await c.snapshot()).some((bytes) => bytes.includes('"x-lane"')),
    );
    await answered(tagged, Date.now(), 40);
    goOn();
    await a.until(id, 'waiting for approval', open);
    await answered(tagged, Date.now());
    expect((await a.steer(id, 'abort')).status).toBe(200);
    expect((await a.ended(id)).outcome).toMatchObject({ phase: 'rolled_back', left: [] });
    await stop();
    expect(waysSince(tagged)).toEqual([chain.answer('v1'), chain.answer('v2')]);
    expect(waysSince(untagged)).toEqual([chain.answer('v1')]);
  });

  it('P1 P9: by tag, header, parameter, cookie or share a request is in it for its whole way, or not at all', async () => {
    const view = await expectWholeWays(chain, '12s');
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });
});

describe('a lane of a and of c behind it, which two teams release, b and c behind the sidecar', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await Chain.create(stack(), { router: 'istio', mesh: istio.mesh });
  });
  afterAll(() => chain.close());

  it('P1 P9: each with its own approval, until the last has left', async () => {
    const view = await expectTwoTeams(chain, '12s');
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });
});

describe('a lane of a and c, with a and b that pass on baggage alone, b and c behind the sidecar', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await Chain.create(stack(), { router: 'istio', mesh: istio.mesh, passesOn: 'baggage' });
  });
  afterAll(() => chain.close());

  it('P1: the tag that is put on at the edge leads to gray of c, and baggage from outside ends there', async () => {
    const view = await expectBaggageLeads(chain, '12s');
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });
});
