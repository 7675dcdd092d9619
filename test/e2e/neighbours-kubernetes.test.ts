/** The API server misbehaves, pods misbehave: a release ends as promised, does nothing twice, and leaves nothing behind. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ReleaseInput } from '../../domain/application.js';
import type { ReleaseView } from '../../domain/release.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { startLoad } from '../../infra/local/load.js';
import { eventually } from '../rig/eventually.js';
import { KubeProxy, type Match } from '../rig/kube-proxy.js';
import { withImage } from '../rig/snapshot.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
let proxy: KubeProxy;
/** Its worker serves the others too; every rule is for one namespace. */
let first: World;

beforeAll(async () => {
  proxy = await KubeProxy.start(stack);
  first = await World.create(stack, { replicas: 1, workerEnv: { KUBECONFIG: proxy.kubeconfig } });
  await succeeds(first);
  once = written(first);
});
afterAll(async () => {
  await first.close();
  await proxy.close();
});

/** Two weights, no tag: as few writes as a release can have. */
const short: ReleaseInput = {
  ...quick,
  strategy: 'canary',
  steps: [
    { weight: 50, hold: '500ms' },
    { weight: 100, hold: '300ms' },
  ],
};

async function inWorld(work: (world: World) => Promise<void>, replicas = 1): Promise<void> {
  const world = await World.create(stack, { replicas, beside: first });
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

const at = (world: World, what: string, method?: string): Match => ({
  path: new RegExp(`/namespaces/${world.namespace}/${what}`),
  ...(method === undefined ? {} : { method }),
});

/** Writes that the API server took, by kind. */
function written(world: World): Record<string, number> {
  const count = (what: string, method: string): number =>
    proxy.seen(at(world, what, method)).filter((s) => s.status !== null && s.status < 300).length;
  return {
    'gray made': count('deployments\\?', 'POST'),
    'gray Service made': count('services\\?', 'POST'),
    'route written': count('httproutes/', 'PATCH'),
    'stable written': count('deployments/shop\\?', 'PATCH'),
    'gray removed': count('deployments/shop-gray', 'DELETE'),
  };
}

/** What a release writes that nobody disturbs. */
let once: Record<string, number>;

async function succeeds(world: World, release: () => Promise<string> = () => world.release('v2')) {
  await world.declare(world.application(short));
  const before = await world.snapshot();
  const view = await world.ended(await release());
  expect(view.outcome).toMatchObject({ phase: 'succeeded', failure: null });
  const image = `${world.repository}@${view.applications[0]!.digest!}`;
  expect(await world.snapshot()).toEqual(withImage(before, `${world.repository}:v1`, image));
  expect(await world.leftovers()).toEqual([]);
}

/** Loses the answer to the next such request, and is away from then on for 15 s. */
async function awayAfter(world: World, match: Match): Promise<void> {
  const lost = proxy.rule(match, { kind: 'lose' }, 1);
  await eventually('the answer to be lost', () => lost.count === 1, 60_000, 5);
  await proxy.away(at(world, ''), 15_000);
}

describe.concurrent('P8, P9: an API server that', () => {
  it('is well: each object is made, promoted and removed once', () => {
    const made = { 'gray made': 1, 'gray Service made': 1, 'stable written': 1, 'gray removed': 1 };
    expect(once).toMatchObject(made);
  });

  it.each<[string, string, string]>([
    ['the deployment of gray', 'deployments\\?', 'POST'],
    ['a change of weight', 'httproutes/', 'PATCH'],
    ['the promotion', 'deployments/shop\\?', 'PATCH'],
    ['the clean-up', 'deployments/shop-gray', 'DELETE'],
  ])(
    'is away for 15 s in the middle of %s, and the answer lost: succeeds, nothing twice',
    async (_, path, method) => {
      await inWorld(async (world) => {
        const away = awayAfter(world, at(world, path, method));
        await succeeds(world);
        await away;
        expect(written(world)).toEqual(once);
      });
    },
  );

  it('is away for 15 s in the middle of a rollback: ends rolled back, stable untouched', async () => {
    await inWorld(async (world) => {
      await world.declare(world.application({ ...short, steps: [{ weight: 50, hold: '1h' }] }));
      const before = await world.snapshot();
      const id = await world.release('v2');
      await world.until(id, 'at 50 %', (v) => v.applications[0]?.grayWeight === 50);
      const away = awayAfter(world, at(world, 'httproutes/', 'PATCH'));
      await world.steer(id, 'abort');
      await away;
      const { outcome } = await world.ended(id);
      expect(outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'aborted' }, left: [] });
      expect(await world.snapshot()).toEqual(before);
      expect(await world.leftovers()).toEqual([]);
      expect(written(world)).toMatchObject({ 'stable written': 0, 'gray removed': 1 });
    });
  });

  it('says that others were faster (409), again and again: succeeds', async () => {
    await inWorld(async (world) => {
      proxy.refuse(at(world, 'httproutes/', 'PATCH'), 409, 5);
      proxy.refuse(at(world, 'deployments/', 'PATCH'), 409, 2);
      await succeeds(world);
      expect(written(world)).toEqual(once);
    });
  });

  it('throttles (429 with Retry-After) and fails (500) every seventh request: succeeds, nothing twice', async () => {
    await inWorld(async (world) => {
      await succeeds(world, async () => {
        const id = await world.release('v2');
        const throttled = { kind: 'answer', status: 429, headers: { 'retry-after': '1' } } as const;
        for (let i = 0; i < 20; i++) {
          proxy.rule(at(world, ''), i % 2 === 0 ? throttled : { kind: 'answer', status: 500 }, 1);
          proxy.rule(at(world, ''), { kind: 'pass' }, 6);
        }
        return id;
      });
      expect(written(world)).toEqual(once);
    });
  });

  it('is slow: succeeds, nothing twice', async () => {
    await inWorld(async (world) => {
      proxy.rule(at(world, ''), { kind: 'delay', ms: 400 });
      await succeeds(world);
      expect(written(world)).toEqual(once);
    });
  });
});

async function fails(world: World, image: string, settings: ReleaseInput = short): Promise<ReleaseView> {
  await world.declare(world.application(settings));
  const before = await world.snapshot();
  const view = await world.ended(await world.release(image));
  expect(view.outcome).toMatchObject({ phase: 'rolled_back', left: [] });
  expect(await world.snapshot()).toEqual(before);
  expect(await world.leftovers()).toEqual([]);
  return view;
}

const why = (view: ReleaseView): string | undefined => view.outcome?.failure?.message;

async function quota(world: World, pods: number): Promise<void> {
  const path = `/api/v1/namespaces/${world.namespace}/resourcequotas`;
  const metadata = { name: 'few', namespace: world.namespace };
  await world.kube.create(path, { metadata, spec: { hard: { pods: String(pods) } } });
  await eventually('the quota to be in force', async () => {
    const { status } = await world.kube.get<{ status?: { used?: object } }>(`${path}/few`);
    return status?.used !== undefined;
  });
}

describe.concurrent('gray pods that', () => {
  it('crash: named at once with their last words, rolled back, stable untouched', async () => {
    await inWorld(async (world) => {
      await world.image('crash', { CRASH: 'no license found' });
      const view = await fails(world, 'crash');
      expect(view.outcome?.failure?.code).toBe('workload_not_ready');
      expect(why(view)).toMatch(
        /pod shop-gray-\S+.*(CrashLoopBackOff|terminated again and again): .*no license found/,
      );
      expect(written(world)).toMatchObject({ 'stable written': 0, 'route written': 0 });
    });
  });

  it('cannot be pulled, as the image was deleted after the plan: named, rolled back', async () => {
    await inWorld(async (world) => {
      const digest = await world.image('gone');
      await world.declare(world.application({ ...short, approval: { required: true } }));
      const ahead = await world.release('v2');
      const view = await (async () => {
        const id = await world.release('gone');
        const url = `http://${stack.registry}/v2/${world.namespace}/${world.name}/manifests/${digest}`;
        expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
        await world.steer(ahead, 'abort');
        return world.ended(id);
      })();
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'workload_not_ready' } });
      expect(why(view)).toMatch(/ImagePull.*404|404.*ImagePull/);
      expect(await world.leftovers()).toEqual([]);
    });
  });

  it('find no place on any node: named, rolled back', async () => {
    await inWorld(async (world) => {
      const deployment = structuredClone(world.objects().find((o) => o.kind === 'Deployment')!);
      await applyObjects(world.kube, [withHostPort(deployment)]);
      await world.stableAvailable();
      const view = await fails(world, 'v2', { ...short, progressDeadline: '4s' });
      expect(why(view)).toMatch(/Unschedulable.*free ports/);
    });
  });

  it('a quota forbids: named at once, rolled back', async () => {
    await inWorld(async (world) => {
      await quota(world, 1);
      expect(why(await fails(world, 'v2'))).toMatch(/exceeded quota: few/);
    });
  });

  it('never become ready: named when the time is over, rolled back', async () => {
    await inWorld(async (world) => {
      await world.image('never', { NEVER_READY: 'yes' });
      const view = await fails(world, 'never', { ...short, progressDeadline: '4s' });
      expect(why(view)).toMatch(/not available within 4 s: .*ready/);
    });
  });

  it('are fine while stable cannot be promoted: stable is put back, and nobody saw an error', async () => {
    await inWorld(async (world) => {
      const steps = [{ weight: 100, hold: '10m' }] as const;
      await world.declare(world.application({ ...short, steps }));
      const before = await world.snapshot();
      const load = startLoad({ url: stack.ingress, host: world.host, requestsPerSecond: 20 });
      const id = await world.release('v2');
      const isWhole = (v: ReleaseView): boolean => v.applications[0]?.grayWeight === 100;
      await world.until(id, 'held at 100 %', (v) => v.phase === 'holding' && isWhole(v));
      await quota(world, 4);
      expect((await world.steer(id, 'skip')).status).toBe(200);
      const view = await world.ended(id);
      const { failed, records } = await load.stop();
      expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: 'workload_not_ready' } });
      expect(why(view)).toMatch(/exceeded quota: few/);
      expect(failed).toBe(0);
      expect(records.at(-1)?.version).toBe('v1');
      expect(await world.snapshot()).toEqual(before);
      expect(await world.leftovers()).toEqual([]);
    }, 2);
  });
});

/** So that two such pods do not fit on the one node. */
function withHostPort(deployment: KubeObject): KubeObject {
  const { spec } = deployment as KubeObject & {
    spec: { template: { spec: { containers: { ports: object[] }[] } } };
  };
  spec.template.spec.containers[0]!.ports = [{ name: 'http', containerPort: 8080, hostPort: 31_080 }];
  return deployment;
}
