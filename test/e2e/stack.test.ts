import { Kube, type KubeObject } from '../../infra/local/kube.js';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import { startLoad } from '../../infra/local/load.js';
import { until } from '../../infra/local/parts.js';
import { sampleHost, sampleObjects, sampleRoute, type SampleOptions } from '../../infra/local/sample.js';

const stack = inject('stack');
const kube = new Kube(stack.kubeUrl, stack.kubeToken);
const namespace = 'stack-test';
const images: Record<string, string> = {};

const sample = (name: string, version: string, more: Partial<SampleOptions> = {}): SampleOptions => ({
  namespace,
  name,
  image: `${stack.registry}/${name}:${version}`,
  ...more,
});

async function push(name: string, version: string, env: Record<string, string> = {}): Promise<void> {
  const digest = await pushImage({
    registry: stack.registry,
    repository: name,
    tag: version,
    env: { VERSION: version, ...env },
  });
  images[`${name}:${version}`] = `${stack.registry}/${name}@${digest}`;
}

interface Deployment extends KubeObject {
  metadata: KubeObject['metadata'] & { generation: number };
  spec: { replicas: number };
  status: {
    observedGeneration?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    replicas?: number;
  };
}

async function rolledOut(name: string): Promise<void> {
  await until(`deployment ${name} is rolled out`, async () => {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const { metadata, spec, status } = await kube.get<Deployment>(path);
    const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas } = status;
    const counts = [updatedReplicas ?? 0, availableReplicas ?? 0, replicas ?? 0];
    if (observedGeneration < metadata.generation || counts.some((count) => count !== spec.replicas)) {
      throw new Error(JSON.stringify(status));
    }
  });
}

interface Pod extends KubeObject {
  status: {
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: {
      imageID: string;
      restartCount: number;
      state: { waiting?: { reason: string; message?: string } };
      lastState: { terminated?: { exitCode: number; message?: string } };
    }[];
  };
}

async function podsOf(name: string): Promise<Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`;
  return (await kube.get<{ items: Pod[] }>(path)).items;
}

async function served(host: string): Promise<{ status: number; version: string; failure: string }> {
  const load = startLoad({ url: stack.ingress, host, requestsPerSecond: 100 });
  await until('one answer', async () => expect(load.summary().records.length).toBeGreaterThan(0));
  const [first] = (await load.stop()).records;
  return { status: first?.status ?? 0, version: first?.version ?? '', failure: first?.failure ?? '' };
}

beforeAll(async () => {
  await Promise.all([push('web', 'v1'), push('web', 'v2'), push('proxied', 'v1')]);
});
afterAll(async () => {
  await kube.delete(`/api/v1/namespaces/${namespace}`);
  kube.close();
});

describe('the local stack', () => {
  it('serves the image that an HTTPRoute leads to, through the real Envoy', async () => {
    const options = sample('web', 'v1');
    await applyObjects(kube, [
      ...sampleObjects(options),
      sampleRoute('gateway-api', { ...options, gateway: stack.gateway }),
    ]);
    await rolledOut('web');
    await until('v1 is served', async () =>
      expect(await served(sampleHost(options))).toMatchObject({ status: 200, version: 'v1' }),
    );
    const ids = (await podsOf('web')).map((pod) => pod.status.containerStatuses?.[0]?.imageID);
    expect(ids).toEqual([images['web:v1'], images['web:v1']]);
  });

  it('serves the image that an HTTPProxy leads to', async () => {
    const options = sample('proxied', 'v1');
    await applyObjects(kube, [
      ...sampleObjects(options),
      sampleRoute('contour', { ...options, gateway: stack.gateway }),
    ]);
    await rolledOut('proxied');
    await until('v1 is served', async () =>
      expect(await served(sampleHost(options))).toMatchObject({ status: 200, version: 'v1' }),
    );
  });

  it('lets pods call each other by host name through the ingress', async () => {
    await push('front', 'v1');
    const upstream = `http://${sampleHost(sample('proxied', 'v1'))}`;
    const options = sample('front', 'v1', { env: { UPSTREAM: upstream }, replicas: 1 });
    await applyObjects(kube, [
      ...sampleObjects(options),
      sampleRoute('contour', { ...options, gateway: stack.gateway }),
    ]);
    await rolledOut('front');
    await until('the whole chain answers', async () =>
      expect(await served(sampleHost(options))).toMatchObject({ status: 200, version: 'v1' }),
    );
  });

  it('rolls and scales a deployment under load without one failed request', async () => {
    const options = sample('web', 'v2', { image: images['web:v2']! });
    const load = startLoad({ url: stack.ingress, host: sampleHost(options), requestsPerSecond: 100 });
    await applyObjects(kube, sampleObjects(options));
    await rolledOut('web');
    await until('v2 is served', async () => expect(load.summary().byVersion.v2).toBeGreaterThan(50));
    await applyObjects(kube, sampleObjects({ ...options, replicas: 4 }));
    await rolledOut('web');
    await applyObjects(kube, sampleObjects({ ...options, replicas: 1 }));
    await rolledOut('web');
    await until('the removed pods are gone', async () => expect(await podsOf('web')).toHaveLength(1));
    const summary = await load.stop();
    expect(summary).toMatchObject({ failed: 0, byFailure: {}, sent: summary.records.length });
    expect(Object.keys(summary.byVersion).sort()).toEqual(['v1', 'v2']);
    expect(summary.records.at(-1)?.version).toBe('v2');
  });

  it('reports a container that crashes, with its message', async () => {
    await push('crashing', 'v1', { CRASH: 'cannot reach the database' });
    await applyObjects(kube, sampleObjects(sample('crashing', 'v1', { replicas: 1 })));
    await until('the crash loop is reported', async () => {
      const status = (await podsOf('crashing'))[0]?.status.containerStatuses?.[0];
      expect(status).toMatchObject({
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, message: 'cannot reach the database' } },
      });
      expect(status?.restartCount).toBeGreaterThan(0);
    });
  });

  it('reports an image that the registry does not have, with its message', async () => {
    await applyObjects(kube, sampleObjects(sample('absent', 'v9', { replicas: 1 })));
    await until('the pull failure is reported', async () => {
      const waiting = (await podsOf('absent'))[0]?.status.containerStatuses?.[0]?.state.waiting;
      expect(waiting?.reason).toBe('ImagePullBackOff');
      expect(waiting?.message).toMatch(/absent\/manifests\/v9: 404 MANIFEST_UNKNOWN|NAME_UNKNOWN/);
    });
  });

  it('leaves a pod that no node can take to the scheduler', async () => {
    const objects = sampleObjects(sample('huge', 'v1', { replicas: 1 })) as {
      kind: string;
      spec?: unknown;
    }[];
    const huge = JSON.parse(JSON.stringify(objects).replace('"50m"', '"1000"')) as object[];
    await applyObjects(kube, huge);
    await until('the pod is unschedulable', async () => {
      const condition = (await podsOf('huge'))[0]?.status.conditions?.find(
        ({ type }) => type === 'PodScheduled',
      );
      expect(condition).toMatchObject({ status: 'False' });
      expect(condition?.message).toMatch(/Insufficient cpu/);
    });
  });

  it('counts requests by service and status in Prometheus', async () => {
    const query = `sum by (envoy_response_code) (envoy_cluster_upstream_rq{envoy_cluster_name="${namespace}_web_80"})`;
    await until('the counter is there', async () => {
      const response = await fetch(`${stack.prometheus}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = (await response.json()) as {
        data: { result: { metric: object; value: [number, string] }[] };
      };
      expect(data.result.map(({ metric }) => metric)).toEqual([{ envoy_response_code: '200' }]);
      expect(Number(data.result[0]?.value[1])).toBeGreaterThan(100);
    });
  });
});
