import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterEach, describe, expect, it } from 'vitest';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { startLoad } from '../../infra/local/load.js';
import { until } from '../../infra/local/parts.js';
import { sampleHost, sampleObjects, sampleRoute } from '../../infra/local/sample.js';
import { startStack, type Stack } from '../../infra/local/stack.js';

let dir: string;
let stack: Stack;
afterEach(async () => {
  await stack.stop();
  await rm(dir, { recursive: true });
});

async function start(pods: 'real' | 'simulated'): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), 'sluice-parts-'));
  stack = await startStack({ dir, pods });
}

interface Pod extends KubeObject {
  spec: { containers: { image: string }[] };
  status: { conditions?: { type: string; status: string }[] };
}

/** Waits until there are `count` pods, all ready and of this image. */
async function readyPods(namespace: string, count: number, image: string): Promise<void> {
  await until(`${count} pods of ${image} are ready`, async () => {
    const { items } = await stack.kube.get<{ items: Pod[] }>(`/api/v1/namespaces/${namespace}/pods`);
    const ready = items.filter((pod) =>
      pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    expect([items.length, ready.length]).toEqual([count, count]);
    expect(items.map((pod) => pod.spec.containers[0]!.image)).toEqual(Array(count).fill(image));
  });
}

/** Asks until Envoy answers with this version. */
async function serves(host: string, version: string): Promise<void> {
  const load = startLoad({ url: stack.ingress, host, requestsPerSecond: 20 });
  await until(`${version} is served`, async () =>
    expect(load.summary().records.at(-1)?.version).toBe(version),
  );
  await load.stop();
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('parts of a stack', () => {
  it('can each be killed and started again, beside another stack, and nothing is left running in the end', async () => {
    await start('real');
    const env = { VERSION: 'v1' };
    const digest = await pushImage({ registry: stack.registry, repository: 'web', tag: 'v1', env });
    const image = `${stack.registry}/web@${digest}`;
    const options = { namespace: 'parts', name: 'web', image, gateway: stack.gateway };
    await applyObjects(stack.kube, [...sampleObjects(options), sampleRoute('gateway-api', options)]);
    await readyPods('parts', 2, image);
    await serves(sampleHost(options), 'v1');

    for (const name of stack.procs.names) {
      const before = stack.procs.pid(name);
      await stack.procs.kill(name);
      expect(isAlive(before)).toBe(false);
      await stack.procs.start(name);
      expect(stack.procs.pid(name)).not.toBe(before);
    }

    await serves(sampleHost(options), 'v1');
    await applyObjects(stack.kube, sampleObjects({ ...options, env: { VERSION: 'v2' }, replicas: 3 }));
    await readyPods('parts', 3, image);
    await serves(sampleHost(options), 'v2');
    const connection = await Connection.connect({ address: stack.temporal.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(Object.keys(customAttributes)).toContain('SluiceWeight');
    await connection.close();

    const pids = stack.procs.names.map((name) => stack.procs.pid(name));
    await stack.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('runs pods without images where they are simulated', async () => {
    await start('simulated');
    for (const [image, replicas] of [
      ['none/web:v1', 5],
      ['none/web:v2', 3],
    ] as const) {
      await applyObjects(stack.kube, sampleObjects({ namespace: 'quick', name: 'web', image, replicas }));
      await readyPods('quick', replicas, image);
    }
    expect(stack.procs.names).not.toContain('kubelet');
  });
});
