/**
 * Blue/green behind a root HTTPProxy of another team, on real requests over TLS: its include is switched in one write, and back in one.
 * The certificate is the root's; whoever asks believes no other.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { eventually } from '../rig/eventually.js';
import { certificateFor, type Certificate } from '../rig/certificate.js';
import { askIngress } from '../rig/ingress.js';
import { bytesOf, withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';
import { expectSettled } from './undone.js';

let world: World;
let edge: string;
let certificate: Certificate;
let folder: string;
const host = `www.${randomBytes(4).toString('hex')}.local`;
const preview = `preview.${host}`;
const approval = { required: true };

const proxies = (namespace: string): string =>
  `/apis/projectcontour.io/v1/namespaces/${namespace}/httpproxies`;
const root = (): string => `${proxies(edge)}/example-com`;
const secret = (): string => `/api/v1/namespaces/${edge}/secrets/example-com`;
const api = 'projectcontour.io/v1';

beforeAll(async () => {
  certificate = await certificateFor(host);
  folder = await mkdtemp(join(tmpdir(), 'sluice-blue-green-'));
  const believed = join(folder, 'cert.pem');
  await writeFile(believed, certificate.cert);
  world = await World.create(inject('stack'), {
    router: 'contour',
    served: false,
    // For the probe, which asks over TLS too.
    workerEnv: { NODE_EXTRA_CA_CERTS: believed },
  });
  edge = `${world.namespace}-edge`;
  const { kube, namespace } = world;
  // The team's HTTPProxy is no root any more, but included by one.
  await kube.patch(`${proxies(namespace)}/shop?fieldManager=local`, 'merge', { spec: { virtualhost: null } });
  await applyObjects(kube, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: edge } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'example-com', namespace: edge },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.key': certificate.key, 'tls.crt': certificate.cert },
    },
    {
      apiVersion: api,
      kind: 'HTTPProxy',
      metadata: { name: 'example-com', namespace: edge, annotations: { owner: 'platform' } },
      spec: {
        virtualhost: {
          fqdn: host,
          tls: { secretName: 'example-com', minimumProtocolVersion: '1.3' },
          corsPolicy: { allowOrigin: ['*'], allowMethods: ['GET'] },
        },
        includes: [
          { name: 'other', conditions: [{ prefix: '/other' }] },
          { name: 'shop', namespace, conditions: [{ prefix: '/' }] },
        ],
      },
    },
    {
      apiVersion: api,
      kind: 'HTTPProxy',
      metadata: { name: 'other', namespace: edge },
      spec: { routes: [{ requestRedirectPolicy: { hostname: 'other.local' } }] },
    },
    {
      // A host for whoever wants to see gray without a header: there while gray is.
      apiVersion: api,
      kind: 'HTTPProxy',
      metadata: { name: 'preview', namespace: edge },
      spec: { virtualhost: { fqdn: preview }, includes: [{ name: 'shop-gray', namespace }] },
    },
  ]);
  await declare();
  const first = load();
  await answers(first, 'v1');
  await first.stop();
});
afterAll(async () => {
  await world.kube.delete(`/api/v1/namespaces/${edge}`);
  await world.close();
  await rm(folder, { recursive: true });
});

function declare(release: ReleaseInput = {}): Promise<unknown> {
  const { steps: _, ...rest } = quick;
  const application = world.application({
    ...rest,
    strategy: 'blue-green',
    drain: '1s',
    approval,
    ...release,
  });
  const traffic = {
    ...application.traffic,
    router: 'contour-include',
    route: 'example-com',
    routeNamespace: edge,
    include: 'shop',
    entry: `${world.stack.ingressTls}/`,
    host,
  };
  return world.declare({ ...application, traffic });
}

const load = (headers: Record<string, string> = {}): Load =>
  startLoad({ url: world.stack.ingressTls, host, ca: certificate.cert, requestsPerSecond: 60, headers });

/** The next so many answers are all of that version. */
async function answers(one: Load, version: string): Promise<void> {
  const from = one.summary().records.length;
  await eventually(`answers of ${version}`, () => {
    const { records } = one.summary();
    return records.length >= from + 20 && records.slice(-20).every((r) => r.version === version);
  });
}

interface Root extends KubeObject {
  readonly spec: {
    readonly includes: readonly {
      readonly name: string;
      readonly namespace?: string;
      readonly conditions: object[];
    }[];
  };
}
const rootObject = (): Promise<Root> => world.kube.get(root());
/** What the platform team has, as bytes. */
const platform = async (): Promise<readonly string[]> => [
  bytesOf(await rootObject()),
  bytesOf(await world.kube.get(secret())),
];
/** Of the root all but its includes, which alone may change. */
const besides = ({ spec: { includes: _, ...rest } }: Root): string => JSON.stringify(rest);
const exists = async (name: string): Promise<boolean> => {
  const { items } = await world.kube.get<{ items: KubeObject[] }>(proxies(world.namespace));
  return items.some((one) => one.metadata.name === name);
};

/** What each write to the root's spec left there, oldest first: who gets untagged requests, and whether tagged ones go to gray. */
class Writes {
  readonly left: string[] = [];
  readonly besides = new Set<string>();
  private readonly stopping = new AbortController();
  private ended: Promise<void> = Promise.resolve();

  static async start(): Promise<Writes> {
    const writes = new Writes();
    const { metadata } = await rootObject();
    writes.ended = writes.follow(String(metadata['resourceVersion'])).catch(() => undefined);
    return writes;
  }

  async stop(): Promise<readonly string[]> {
    this.stopping.abort();
    await this.ended;
    return this.left;
  }

  private async follow(from: string): Promise<void> {
    const path = `${proxies(edge)}?fieldSelector=metadata.name%3Dexample-com`;
    let generation = Number((await rootObject()).metadata['generation']);
    for await (const { object } of world.kube.watch<Root>(path, from, this.stopping.signal)) {
      const now = Number(object.metadata['generation']);
      if (object.kind !== 'HTTPProxy' || now === generation) continue;
      generation = now;
      this.left.push(told(object));
      this.besides.add(besides(object));
    }
  }
}

function told({ spec: { includes } }: Root): string {
  const shop = includes.filter(({ namespace }) => namespace === world.namespace);
  const main = shop.find(({ conditions }) => conditions.length === 1)?.name;
  const tagged = JSON.stringify(shop).includes('"x-lane"') ? ', tagged gray' : '';
  return `${main}${tagged}${shop.length > (tagged === '' ? 1 : 2) ? ', standby' : ''}`;
}

const open = (view: ReleaseView): boolean => view.waitingOn?.approval !== undefined;
const held = (view: ReleaseView): boolean =>
  view.steps.some((s) => s.kind === 'hold' && s.state === 'running') &&
  view.applications[0]?.grayWeight === 100;

describe('blue/green by an include of a root HTTPProxy', () => {
  it('P1 P4 P9: is seen by header alone before, is switched in one write, and an abort in the undo window is one write too', async () => {
    await declare({ undoWindow: '10m' });
    const before = [await world.snapshot(), await platform()];
    const around = besides(await rootObject());
    const writes = await Writes.start();
    const [untagged, tagged] = [load(), load({ 'x-lane': 'gray' })];
    const id = await world.release('v2');
    const waiting = await world.until(id, 'waiting for approval', open);
    // It came up whole.
    expect(waiting.steps.find((s) => s.kind === 'deploy-gray')?.result).toBe('2 gray pod(s) ready');
    await answers(tagged, 'v2');
    await answers(untagged, 'v1');
    expect(Object.keys(untagged.summary().byVersion)).toEqual(['v1']);
    const seen = waiting.evidence.find((e) => e.kind === 'probe');
    expect(seen?.summary).toBe('tagged: v2; untagged: v1');
    // The platform team's own way to see it: a host that includes gray's HTTPProxy.
    const { headers } = await askIngress(world.stack.ingress, preview);
    expect(headers['x-version']).toBe('v2');

    await world.approve(id);
    await world.until(id, 'switched', held);
    await answers(untagged, 'v2');
    expect(await world.steer(id, 'weight', { weight: 50, reason: 'half' })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('0 or 100') as string },
    });

    const aborted = Date.now();
    expect((await world.steer(id, 'abort')).status).toBe(200);
    await eventually('stable to be included', () => writes.left.at(-1)?.startsWith('shop,') === true);
    expect(Date.now() - aborted).toBeLessThan(10_000);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' } });
    expectSettled(view);
    await answers(tagged, 'v1');
    expect(await writes.stop()).toEqual([
      'shop, standby',
      'shop, tagged gray, standby',
      'shop-gray, tagged gray, standby',
      'shop, standby',
      'shop',
    ]);
    expect([...writes.besides]).toEqual([around]);
    for (const one of [untagged, tagged])
      expect(await one.stop()).toMatchObject({ failed: 0, byFailure: {} });
    expect([await world.snapshot(), await platform()]).toEqual(before);
    expect(await exists('shop-gray')).toBe(false);
    expect((await askIngress(world.stack.ingress, preview)).statusCode).toBe(404);
    expect(await world.leftovers()).toEqual([]);
  });

  it('P9: a whole release ends with the root as it was, and with gray and its HTTPProxy gone', async () => {
    await declare({ undoWindow: '1s' });
    const before = await world.snapshot();
    const platformBefore = await platform();
    const [untagged, tagged] = [load(), load({ 'x-lane': 'gray' })];
    const id = await world.release('v2');
    await world.approve(id);
    const view = await world.ended(id);
    expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
    await answers(untagged, 'v2');
    const [all, lane] = await Promise.all([untagged.stop(), tagged.stop()]);
    expect([all.byFailure, lane.byFailure]).toEqual([{}, {}]);
    const switched = Date.parse(view.steps.find((s) => s.kind === 'weight')!.startedAt!);
    expect(all.records.filter((r) => r.version === 'v2' && r.at < switched)).toEqual([]);
    const digest = view.applications[0]!.digest!;
    expect(await world.snapshot()).toEqual(
      withImage(before, `${world.repository}:v1`, `${world.repository}@${digest}`),
    );
    expect(await platform()).toEqual(platformBefore);
    for (const path of [root(), secret()]) {
      const { metadata } = await world.kube.get(path);
      const { managedFields = [] } = metadata as { managedFields?: { manager: string }[] };
      expect(managedFields.map((m) => m.manager)).not.toContain('sluice');
    }
    expect(await exists('shop-gray')).toBe(false);
    expect(await world.leftovers()).toEqual([]);
  });
});
