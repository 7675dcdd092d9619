/** Istio's own control plane and an Envoy as its ingress gateway: what the VirtualServices of a release make of real requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startIstio, type Istio } from '../../infra/local/stack/istio.js';
import { Chain, waysSince } from '../rig/chain.js';

let dir: string;
let istio: Istio;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-istio-'));
  const t = Date.now();
  istio = await startIstio(inject('stack'), dir);
  console.log('istio', Date.now() - t);
});
afterAll(async () => {
  await istio.stop();
  if (!process.env['KEEP']) await rm(dir, { recursive: true });
  console.log(dir);
});

describe('a lane', () => {
  it('x', async () => {
    const t = Date.now();
    const chain = await Chain.create({ ...inject('stack'), ingress: istio.ingress }, { router: 'istio', mesh: istio.mesh });
    console.log('world', Date.now() - t);
    const before = await chain.snapshots();
    const { tagged, untagged, stop } = chain.steady(50);
    const { outcome } = await chain.a.ended(await chain.release());
    await stop();
    console.log(outcome, waysSince(tagged), waysSince(untagged), { ...tagged.summary(), records: 0 }, { ...untagged.summary(), records: 0 });
    const after = await chain.snapshots();
    expect(after.map(a => a['VirtualService/a'] ?? a['VirtualService/c'])).toEqual(before.map(a => a['VirtualService/a'] ?? a['VirtualService/c']));
    await chain.close();
  });
});
