/** Two versions of one application behind two Services, and the changes that a release makes to a route to them. */
import { inject } from 'vitest';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { RestoreResult, TrafficResult } from '../../activities/contract.js';
import { prepareRoute, restoreRoute, setTraffic } from '../../activities/traffic/driver.js';
import type { Enter } from '../../domain/enter.js';
import type { RouterKind, RouteTarget, Traffic } from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import { Kube, type KubeObject } from '../../infra/local/kube.js';
import { until } from '../../infra/local/parts.js';
import { sampleObjects } from '../../infra/local/sample.js';
import { patiently } from '../rig/patiently.js';

export const tag = { header: 'x-lane', value: 'gray' };
/** The two that put the tag on requests: with a gray track of their own, and with stable's Service for both. */
export const stampings = [
  { how: 'gray of its own', grayService: 'web-gray', stamps: tag },
  { how: 'one Service', grayService: 'web', stamps: tag },
];
export const enter: Enter = [
  [{ query: 'group', exact: 'gray' }],
  [{ header: 'x-user', prefix: 'qa-' }],
  [{ cookie: 'beta', exact: '1' }],
  [{ query: 'team', in: ['a.b', 'c', 'd', 'e', 'f'] }],
  [
    { header: 'x-country', in: ['de', 'at'] },
    { query: 'debug', regex: '[0-9]+' },
  ],
];
/** One way of whom all enter, and two of whom half do. */
export const portions: Enter = [
  [{ query: 'group', exact: 'gray' }],
  [{ header: 'x-user', prefix: 'beta-' }, { percent: 50 }],
  [{ header: 'x-country', exact: 'de' }, { query: 'debug', regex: '[0-9]+' }, { percent: 50 }],
];

const never = new AbortController().signal;

export class Web {
  readonly stack = inject('stack');
  readonly kube = new Kube(this.stack.kubeUrl, this.stack.kubeToken);
  readonly cluster = Cluster.fromFile('default', this.stack.kubeconfig);

  /**
   * @param namespace also the name of the release that changes the routes
   * @param labels of the namespace
   */
  constructor(
    readonly namespace: string,
    private readonly labels: Record<string, string> = {},
  ) {}

  /** `web` runs v1, `web-gray` v2; other objects are applied before. */
  async install(others: readonly object[] = []): Promise<void> {
    const { namespace: name, labels } = this;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await applyObjects(this.kube, [namespace, ...others]);
    await Promise.all([this.deploy('web', 'v1'), this.deploy('web-gray', 'v2')]);
  }

  async remove(): Promise<void> {
    await this.kube.delete(`/api/v1/namespaces/${this.namespace}`);
    this.kube.close();
  }

  target(router: RouterKind, route = 'web'): RouteTarget {
    const { namespace } = this;
    const services = { stableService: 'web', grayService: 'web-gray', port: 80 };
    return { router, cluster: 'default', namespace, route, ...services };
  }

  readonly prepare = (route: RouteTarget, seq: number, settleMs?: number): Promise<TrafficResult> =>
    patiently(() => prepareRoute(this.cluster, { release: this.namespace, route, seq }, never, settleMs));

  readonly set = (
    route: RouteTarget,
    seq: number,
    traffic: Traffic,
    settleMs?: number,
  ): Promise<TrafficResult> =>
    patiently(() =>
      setTraffic(this.cluster, { release: this.namespace, route, seq, traffic }, never, undefined, settleMs),
    );

  readonly restore = (route: RouteTarget, settleMs?: number): Promise<RestoreResult> =>
    patiently(() => restoreRoute(this.cluster, { release: this.namespace, route }, never, settleMs));

  private async deploy(name: string, version: string): Promise<void> {
    const { namespace, labels } = this;
    const { registry } = this.stack;
    await pushImage({ registry, repository: name, tag: version, env: { VERSION: version } });
    const image = `${registry}/${name}:${version}`;
    await applyObjects(this.kube, sampleObjects({ namespace, name, image, replicas: 1, labels }));
    await until(`${name} is available`, async () => {
      const at = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
      const { status } = await this.kube.get<Available>(at);
      if (status.availableReplicas !== 1) throw new Error(JSON.stringify(status));
    });
  }
}

interface Available extends KubeObject {
  status: { availableReplicas?: number };
}
