import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeKube } from '../../test/fakes/kube-watch.js';
import { CatalogueError } from '../failure.js';
import type { Cluster } from './client.js';
import type { KubeObject } from './objects.js';
import { kinds } from './kinds.js';
import { follow } from './mirrors.js';
import { awaitAvailable, type Available, type AwaitOptions } from './readiness.js';
import { anything } from './shelf.js';

const deployments = '/apis/apps/v1/namespaces/shop/deployments';
const pods = '/api/v1/namespaces/shop/pods';
const image = `registry.example/web@sha256:${'a'.repeat(64)}`;

let fake: FakeKube;
let cluster: Cluster;
let said: string[];
let stop: AbortController;

beforeEach(async () => {
  fake = new FakeKube();
  cluster = await fake.start();
  said = [];
  stop = new AbortController();
});
afterEach(() => fake.stop());

const deployment = (status: object, change: { generation?: number; image?: string } = {}): KubeObject => ({
  metadata: { name: 'web-gray', generation: change.generation ?? 1 },
  spec: {
    replicas: 2,
    template: { spec: { containers: [{ name: 'app', image: change.image ?? image }] } },
  },
  status,
});
const pod = (name: string, ready: boolean, containerStatus: object = {}): KubeObject => ({
  metadata: { name, labels: { app: 'web-gray' } },
  spec: { containers: [{ name: 'app', image }] },
  status: {
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [{ name: 'app', ready, ...containerStatus }],
  },
});
const creating = { observedGeneration: 1, replicas: 2, updatedReplicas: 2 };
const complete = { ...creating, readyReplicas: 2, availableReplicas: 2 };

function wait(change: Partial<AwaitOptions> = {}): Promise<Available> {
  return awaitAvailable(cluster, 'shop', 'web-gray', {
    container: 'app',
    image,
    generation: 1,
    replicas: 2,
    selector: { matchLabels: { app: 'web-gray' } },
    deadlineMs: 20_000,
    podsAfterMs: 0,
    signal: stop.signal,
    heartbeat: (status) => said.push(status),
    ...change,
  });
}
/** The failure's message; fails the test where it became available. */
const why = async (waiting: Promise<Available>): Promise<string> => {
  const error: unknown = await waiting.then(
    () => new Error('it became available'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(CatalogueError);
  const { failure } = error as CatalogueError;
  expect(failure.code).toBe('workload_not_ready');
  return failure.message;
};
const bothWatched = () => vi.waitFor(() => expect(fake.watching()).toBe(2), { interval: 5, timeout: 5_000 });
const becomesReady = (): void => {
  fake.put(pods, pod('a', true));
  fake.put(pods, pod('b', true));
  fake.put(deployments, deployment(complete));
};

describe('a rollout that goes well', () => {
  it('is over before its pods are worth watching: one look at them', async () => {
    becomesReady();
    const { pods: ready } = await wait({ podsAfterMs: 60_000 });
    expect(ready).toHaveLength(2);
    expect(fake.requests.filter((r) => r.includes('/pods'))).toHaveLength(1);
    expect(fake.requests).toHaveLength(3);
  });

  it('is seen in the event that completes it, with a list and a watch of each kind', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    fake.put(pods, pod('a', false, { state: { waiting: { reason: 'ContainerCreating' } } }));
    await vi.waitFor(() => expect(said.at(-1)).toBe('0 of 2 ready; a: ContainerCreating'));
    becomesReady();
    const { pods: found } = await waiting;
    expect(found.map((p) => p.metadata.name)).toEqual(['a', 'b']);
    expect(fake.requests).toHaveLength(4);
  });

  it('is not believed of a generation that is older than the one that was written', async () => {
    fake.put(deployments, deployment(complete, { generation: 1 }));
    const waiting = wait({ generation: 2 });
    await bothWatched();
    expect(said).toEqual(['waiting for the API server']);
    fake.put(pods, pod('a', true));
    fake.put(pods, pod('b', true));
    fake.put(deployments, deployment({ ...complete, observedGeneration: 2 }, { generation: 2 }));
    await expect(waiting).resolves.toBeDefined();
  });

  it('waits for the pods of the version before to go', async () => {
    fake.put(deployments, deployment({ ...complete, replicas: 3 }));
    const waiting = wait();
    await vi.waitFor(() => expect(said.at(-1)).toContain('1 of the version before still there'));
    becomesReady();
    await expect(waiting).resolves.toBeDefined();
  });
});

describe('an API server as they are', () => {
  it.each([
    ['closes its watches', () => fake.closeWatches()],
    ['says that a watch is too old', () => fake.closeWatches(410)],
    [
      'is too busy, twice',
      () => {
        const busy = { status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } };
        fake.fail(busy, busy);
        fake.closeWatches();
      },
    ],
    [
      'answers an error of its own',
      () => {
        fake.fail({ status: 503, reason: 'ServiceUnavailable' }, { status: 409, reason: 'Conflict' });
        fake.closeWatches();
      },
    ],
  ])('%s: what happened meanwhile is seen', async (_, misbehave) => {
    fake.put(deployments, deployment(creating));
    fake.put(pods, pod('gone', false));
    const waiting = wait();
    await bothWatched();
    misbehave();
    fake.remove(pods, 'gone');
    becomesReady();
    const { pods: found } = await waiting;
    expect(found.map((p) => p.metadata.name)).toEqual(['a', 'b']);
  });

  it('is away for a while: the status says so, and the rollout ends well', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    await fake.stop();
    await vi.waitFor(() => expect(said.at(-1)).toMatch(/cannot be reached|terminated|closed/), {
      timeout: 5_000,
    });
    becomesReady();
    await fake.start();
    await expect(waiting).resolves.toBeDefined();
  });

  it('denies a watch: at once, not at the deadline', async () => {
    const forbidden = { status: 403, reason: 'Forbidden' };
    fake.fail(forbidden, forbidden, forbidden, forbidden);
    await expect(wait()).rejects.toMatchObject({ status: 403 });
  });
});

describe('P8: what the shared watch has heard before the write', () => {
  /** Another release in the namespace keeps the watches open. */
  const shared = async (): Promise<void> => {
    const at = { topic: anything, part: {} };
    const follower = { changed: () => undefined, fatal: () => undefined };
    follow(cluster, kinds.deployments, 'shop', at, follower);
    follow(cluster, kinds.pods, 'shop', at, follower);
    await bothWatched();
  };
  const of = (uid: string, status: object): KubeObject => {
    const { metadata, ...rest } = deployment(status);
    return { ...rest, metadata: { ...metadata, uid } };
  };

  it('of a Deployment that had the same name is not taken for it', async () => {
    fake.put(deployments, of('old', complete));
    await shared();
    fake.fallSilent();
    fake.remove(deployments, 'web-gray');
    fake.put(deployments, of('new', creating));
    const waiting = wait({ written: { uid: 'new', resourceVersion: '3' } });
    await vi.waitFor(() => expect(said).toEqual(['waiting for the API server']), { timeout: 4_000 });
    fake.put(pods, pod('a', true));
    fake.put(pods, pod('b', true));
    fake.put(deployments, of('new', complete));
    fake.closeWatches();
    const { deployment: found } = await waiting;
    expect(found.metadata.uid).toBe('new');
  });

  it('of one that somebody has made since is: ours was deleted', async () => {
    await shared();
    const waiting = wait({ written: { uid: 'ours', resourceVersion: '1' } });
    fake.put(deployments, of('ours', creating));
    fake.put(deployments, of('theirs', creating));
    expect(await why(waiting)).toContain('somebody deleted it');
  });

  it('of a pod fails nothing: the API server is asked first', async () => {
    const crashing = { state: { waiting: { reason: 'CrashLoopBackOff' } }, restartCount: 3 };
    fake.put(pods, pod('a', false, crashing));
    fake.put(deployments, deployment(creating));
    await shared();
    fake.fallSilent();
    fake.put(pods, pod('a', false, { state: { waiting: { reason: 'ContainerCreating' } } }));
    const waiting = wait({ deadlineMs: 1_200 });
    expect(await why(waiting)).toMatch(/^.*not available within 1 s/);
    expect(fake.requests.some((r) => r.includes('/pods?labelSelector='))).toBe(true);
  });
});

describe('a rollout that cannot go well', () => {
  it('ends at once with the last words that the container left', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    const terminated = { exitCode: 1, message: 'cannot reach the database' };
    fake.put(
      pods,
      pod('a', false, { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated } }),
    );
    expect(await why(waiting)).toContain('exit code 1; its last words: cannot reach the database');
  });

  it('reads them from the log of the container that died where it left none', async () => {
    fake.texts.set(`${pods}/a/log`, 'starting\nno such table: users\n');
    fake.put(deployments, deployment(creating));
    const lastState = { terminated: { exitCode: 1, reason: 'Error' } };
    fake.put(pods, pod('a', false, { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState }));
    expect(await why(wait())).toContain('no such table: users');
    expect(fake.requests.at(-1)).toContain('previous=true');
  });

  it('names an unschedulable pod at once and gives an autoscaler a moment', async () => {
    fake.put(deployments, deployment(creating));
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    fake.put(pods, { ...pod('a', false), status: { conditions } });
    const waiting = wait();
    await vi.waitFor(() => expect(said.at(-1)).toContain(message), { timeout: 5_000 });
    becomesReady();
    await expect(waiting).resolves.toBeDefined();
  });

  it('ends when somebody sets another image', async () => {
    fake.put(deployments, deployment(complete, { image: 'registry.example/web:other' }));
    expect(await why(wait())).toContain('somebody set its image to registry.example/web:other');
  });

  it('ends when somebody deletes it', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    fake.remove(deployments, 'web-gray');
    expect(await why(waiting)).toContain('somebody deleted it');
  });

  it('ends when it was deleted while nobody could watch', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    fake.closeWatches();
    fake.remove(deployments, 'web-gray');
    expect(await why(waiting)).toContain('somebody deleted it');
  });

  it('ends at the deadline, and says what was not ready and what the cluster last warned of', async () => {
    fake.put(deployments, deployment(creating));
    fake.put(pods, { ...pod('a', false), status: { phase: 'Running' } });
    fake.put('/api/v1/namespaces/shop/events', {
      metadata: { name: 'e' },
      reason: 'Unhealthy',
      message: 'Readiness probe failed: HTTP 500',
      lastTimestamp: '2026-01-01T00:00:00Z',
    });
    expect(await why(wait({ deadlineMs: 300 }))).toMatch(
      /0 of 2 ready; a: runs, not ready; last warning: Unhealthy: Readiness probe failed: HTTP 500/,
    );
  });

  it('ends with the reason of a cancellation', async () => {
    fake.put(deployments, deployment(creating));
    const waiting = wait();
    await bothWatched();
    stop.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
  });
});
