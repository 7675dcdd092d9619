/** The sample application in a namespace of its own, and the activities that release it, for end-to-end tests of workloads. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { inject } from 'vitest';
import type { WorkloadResult } from '../../activities/contract.js';
import { CatalogueError } from '../../activities/failure.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import type { Deployment } from '../../activities/kubernetes/objects.js';
import { workloadActivities } from '../../activities/kubernetes/workload.js';
import type { Failure } from '../../domain/failures.js';
import type { Target } from '../../domain/target.js';
import { applyObjects } from '../../infra/local/apply.js';
import { auditedSince } from '../rig/audit.js';
import { pushImage } from '../../infra/local/images.js';
import { Kube, type KubeObject } from '../../infra/local/kube.js';
import { until } from '../../infra/local/parts.js';
import { sampleObjects, sampleRoute } from '../../infra/local/sample.js';

export class Shop {
  readonly stack = inject('stack');
  readonly kube = new Kube(this.stack.kubeUrl, this.stack.kubeToken);
  readonly cluster = Cluster.fromFile('default', this.stack.kubeconfig);
  readonly activities = workloadActivities({ clusters: () => this.cluster });
  readonly digests = new Map<string, string>();
  /** Heartbeats of the activity that ran last. */
  readonly beats: string[] = [];

  constructor(readonly namespace: string) {}

  async push(version: string, env: Record<string, string> = {}): Promise<void> {
    const { registry } = this.stack;
    const image = { registry, repository: 'shop', tag: version, env: { VERSION: version, ...env } };
    this.digests.set(version, await pushImage(image));
  }

  tagged(version: string): string {
    return `${this.stack.registry}/shop:${version}`;
  }

  byDigest(version: string): string {
    return `${this.stack.registry}/shop@${this.digests.get(version)}`;
  }

  target(name: string, version: string, change: Partial<Target> = {}): Target {
    const { namespace } = this;
    const gray = `${name}-gray`;
    return {
      application: name,
      environment: 'prod',
      cluster: 'default',
      namespace,
      deployment: name,
      container: 'app',
      strategy: 'gray',
      level: 0,
      lane: 'gray',
      gray,
      image: {
        requested: this.tagged(version),
        reference: this.byDigest(version),
        digest: this.digests.get(version) ?? '',
        version,
      },
      stableImage: this.tagged('v1'),
      stableDigest: null,
      stableReplicas: 2,
      manifest: null,
      route: {
        router: 'gateway-api',
        cluster: 'default',
        namespace,
        route: name,
        stableService: name,
        grayService: gray,
        port: 80,
      },
      probe: null,
      progressDeadlineMs: 60_000,
      grayReplicas: 'auto',
      ...change,
    };
  }

  run(
    name: keyof Shop['activities'],
    target: Target,
    { release = 'r1', replicas = 2 } = {},
  ): Promise<WorkloadResult> {
    const info = { scheduledTimestampMs: Date.now() };
    const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
    this.beats.length = 0;
    environment.on('heartbeat', (status: string) => this.beats.push(status));
    return environment.run(this.activities[name], { release, target, replicas, pods: replicas });
  }

  get paths() {
    const core = `/api/v1/namespaces/${this.namespace}`;
    const apps = `/apis/apps/v1/namespaces/${this.namespace}`;
    const by = (labels: string): string => `labelSelector=${encodeURIComponent(labels)}`;
    return {
      deployment: (name: string) => `${apps}/deployments/${name}`,
      services: `${core}/services`,
      pods: (labels: string) => `${core}/pods?${by(labels)}`,
      replicaSets: (labels: string) => `${apps}/replicasets?${by(labels)}`,
      slices: `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices`,
    };
  }

  deployment(name: string): Promise<Deployment> {
    return this.kube.get<Deployment>(this.paths.deployment(name));
  }

  async items(path: string): Promise<KubeObject[]> {
    return (await this.kube.get<{ items: KubeObject[] }>(path)).items;
  }

  /** The sample application with all that a pod template of a careful team has; resolves when it is ready. */
  async install(name: string, { replicas = 2 } = {}): Promise<Deployment> {
    const { namespace, kube } = this;
    const options = { namespace, name, image: this.tagged('v1'), replicas };
    const objects = structuredClone(sampleObjects(options)) as KubeObject[];
    const workload = objects.find((o) => o.kind === 'Deployment') as unknown as Deployment;
    Object.assign(workload.spec.template.spec as object, {
      serviceAccountName: 'shop',
      terminationGracePeriodSeconds: 3,
      volumes: [{ name: 'config', configMap: { name: `${name}-config` } }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: name } },
        },
      ],
    });
    Object.assign(workload.spec.template.spec?.containers?.[0] as object, {
      volumeMounts: [{ name: 'config', mountPath: '/etc/shop' }],
      lifecycle: { preStop: { sleep: { seconds: 1 } } },
    });
    await applyObjects(kube, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'shop', namespace } },
      ...objects,
      sampleRoute('gateway-api', { ...options, gateway: this.stack.gateway }),
    ]);
    await until(`${name} is ready`, async () => {
      const { status } = await this.deployment(name);
      const counts = [status?.availableReplicas, status?.updatedReplicas, status?.replicas];
      if (counts.some((count) => count !== replicas)) throw new Error(JSON.stringify(status));
    });
    return this.deployment(name);
  }

  async remove(): Promise<void> {
    await this.kube.delete(`/api/v1/namespaces/${this.namespace}`);
    this.kube.close();
  }

  /** What asked the API server about this namespace as Sluice since a moment, as "verb resource". */
  async requestsSince(at: number): Promise<string[]> {
    const asked = await auditedSince(this.stack.auditLog, this.namespace, at);
    return asked.map(({ verb, resource }) => `${verb} ${resource}`);
  }
}

/** The catalogue failure that the work ends with; throws whatever else it ends with. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error: unknown = await work.then(
    () => new Error('it went well'),
    (error: unknown) => error,
  );
  if (error instanceof CatalogueError) return error.failure;
  throw error;
}
