/** A worker: workflows and the activities of its clusters, on their task queues. */
import {
  NativeConnection,
  Worker,
  type NativeConnectionOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import { Cluster } from '../activities/kubernetes/client.js';
import { closeMirrors } from '../activities/kubernetes/mirrors.js';
import { CatalogueError, describe } from '../activities/failure.js';
import { failure } from '../domain/failures.js';
import { clusterTaskQueue } from '../domain/ids.js';
import { workflowSource } from './bundle.js';
import type { ClusterConfig, WorkerConfig } from './config.js';
import { serveHealth } from './health.js';
import { CatalogueInterceptor } from './interceptor.js';
import { registerSecret, type Logger } from './log.js';
import { registerSecrets } from './secrets.js';

export interface RunningWorker {
  /** Ends when the worker was shut down; rejects when it cannot go on. */
  readonly done: Promise<void>;
  shutdown(): void;
}

/** Shared by all queues. Heartbeats reach the server at least each second, so that a cancellation is noticed as fast. */
const tuning = {
  maxConcurrentActivityTaskExecutions: 2_000,
  maxConcurrentLocalActivityExecutions: 400,
  maxConcurrentWorkflowTaskExecutions: 40,
  // 200 releases at once with their applications; what waits for days need not stay in memory.
  maxCachedWorkflows: 500,
  maxHeartbeatThrottleInterval: '1s',
  defaultHeartbeatThrottleInterval: '1s',
  stickyQueueScheduleToStartTimeout: '4s',
  shutdownGraceTime: '30s',
  shutdownForceTime: '45s',
} satisfies Partial<WorkerOptions>;

export async function startWorker(
  config: WorkerConfig,
  temporal: { readonly connection: NativeConnectionOptions; readonly namespace: string },
  log: Logger,
): Promise<RunningWorker> {
  registerSecrets(config);
  const { apiKey } = temporal.connection;
  if (typeof apiKey === 'string') registerSecret(apiKey);
  const clusters = new Map(config.clusters.map((c) => [c.name, clusterOf(c)]));
  const connection = await NativeConnection.connect(temporal.connection);
  const activities = createActivities({
    clusters: (name) => known(clusters, name),
    prometheusUrl: config.prometheus.url,
    prometheusTokenFile: config.prometheus.tokenFile,
    dockerConfig: config.registry.dockerConfig,
    insecureRegistries: config.registry.insecure,
  });
  const common: Partial<WorkerOptions> = {
    ...tuning,
    connection,
    namespace: temporal.namespace,
    activities,
    interceptors: { activity: [(context) => ({ inbound: new CatalogueInterceptor(context, log) })] },
  };
  const source = await workflowSource();
  const queues = new Set(config.clusters.map((c) => clusterTaskQueue(config.taskQueue, c.name)));
  const workers = await Promise.all(
    [...queues].map((taskQueue) =>
      Worker.create({
        ...common,
        taskQueue,
        ...(taskQueue === config.taskQueue ? { ...source, ...versioning(config) } : {}),
      }),
    ),
  );
  const states = (): Record<string, string> =>
    Object.fromEntries(workers.map((w) => [w.options.taskQueue, w.getState()]));
  const health = await serveHealth(config.listen, states);
  log.info({ queues: [...queues], clusters: [...clusters.keys()] }, 'worker is ready');
  const shutdown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const run = async (): Promise<void> => {
    const running = workers.map((w) => w.run());
    try {
      await Promise.all(running);
    } finally {
      // One that cannot go on takes the others with it: a process that works by half looks healthy to nobody.
      shutdown();
      await Promise.allSettled(running);
      health.close();
      health.closeAllConnections();
      for (const cluster of clusters.values()) closeMirrors(cluster);
      await connection.close();
    }
  };
  return { done: run(), shutdown };
}

function versioning({ deployment }: WorkerConfig): Partial<WorkerOptions> {
  if (deployment === null) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: deployment.name, buildId: deployment.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

function clusterOf({ name, kubeconfig, context }: ClusterConfig): Cluster {
  try {
    return kubeconfig === undefined ? Cluster.fromDefault(name) : Cluster.fromFile(name, kubeconfig, context);
  } catch (error) {
    const where = kubeconfig === undefined ? 'the default kubeconfig' : `the kubeconfig "${kubeconfig}"`;
    throw new Error(
      `Cluster "${name}" has no usable access: ${where} cannot be read (${describe(error)}). Correct KUBECONFIG or SLUICE_CLUSTERS_FILE.`,
      { cause: error },
    );
  }
}

function known(clusters: ReadonlyMap<string, Cluster>, name: string): Cluster {
  const cluster = clusters.get(name);
  if (cluster !== undefined) return cluster;
  throw new CatalogueError(failure('cluster_unknown', { cluster: name, known: [...clusters.keys()] }));
}
