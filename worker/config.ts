/** What a worker is told: parsed once, from an injected environment. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const clusterSchema = z.strictObject({
  name: z.string().min(1),
  /** Path of a kubeconfig; absent: the pod's service account, else $KUBECONFIG or ~/.kube/config. */
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
});
export type ClusterConfig = z.infer<typeof clusterSchema>;

const environmentSchema = z.object({
  SLUICE_TASK_QUEUE: z.string().min(1).default('sluice'),
  SLUICE_CLUSTERS_FILE: z.string().optional(),
  KUBECONFIG: z.string().optional(),
  SLUICE_PROMETHEUS_URL: z.url().optional(),
  SLUICE_PROMETHEUS_TOKEN_FILE: z.string().optional(),
  SLUICE_DOCKER_CONFIG: z.string().optional(),
  SLUICE_INSECURE_REGISTRIES: z.string().default(''),
  SLUICE_WORKER_LISTEN: z
    .string()
    .regex(/^.+:\d+$/, 'must be host:port')
    .default('127.0.0.1:8081'),
  SLUICE_DEPLOYMENT: z.string().optional(),
  SLUICE_BUILD_ID: z.string().optional(),
  SLUICE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export interface WorkerConfig {
  readonly taskQueue: string;
  readonly clusters: readonly ClusterConfig[];
  readonly prometheus: { readonly url: string | null; readonly tokenFile: string | null };
  readonly registry: { readonly dockerConfig: string | null; readonly insecure: readonly string[] };
  readonly listen: { readonly host: string; readonly port: number };
  /** Both or neither: the worker deployment to which releases are pinned. */
  readonly deployment: { readonly name: string; readonly buildId: string } | null;
  readonly logLevel: string;
}

export function workerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
    throw new Error(`The worker cannot start: ${problems.join('; ')}`);
  }
  const vars = parsed.data;
  if ((vars.SLUICE_DEPLOYMENT === undefined) !== (vars.SLUICE_BUILD_ID === undefined)) {
    throw new Error(
      'The worker cannot start: SLUICE_DEPLOYMENT and SLUICE_BUILD_ID belong together; set both or neither.',
    );
  }
  const [, host, port] = /^(.+):(\d+)$/.exec(vars.SLUICE_WORKER_LISTEN)!;
  return {
    taskQueue: vars.SLUICE_TASK_QUEUE,
    clusters:
      vars.SLUICE_CLUSTERS_FILE === undefined
        ? [onlyCluster(vars.KUBECONFIG)]
        : clustersOf(vars.SLUICE_CLUSTERS_FILE),
    prometheus: {
      url: vars.SLUICE_PROMETHEUS_URL ?? null,
      tokenFile: vars.SLUICE_PROMETHEUS_TOKEN_FILE ?? null,
    },
    registry: {
      dockerConfig: vars.SLUICE_DOCKER_CONFIG ?? null,
      insecure: vars.SLUICE_INSECURE_REGISTRIES.split(',').filter((r) => r !== ''),
    },
    listen: { host: host!, port: Number(port) },
    deployment:
      vars.SLUICE_DEPLOYMENT === undefined || vars.SLUICE_BUILD_ID === undefined
        ? null
        : { name: vars.SLUICE_DEPLOYMENT, buildId: vars.SLUICE_BUILD_ID },
    logLevel: vars.SLUICE_LOG_LEVEL,
  };
}

/** A list of files, as kubectl takes it, is left to the library, which reads the variable itself. */
function onlyCluster(kubeconfig: string | undefined): ClusterConfig {
  return kubeconfig === undefined || kubeconfig.includes(':')
    ? { name: 'default' }
    : { name: 'default', kubeconfig };
}

function clustersOf(file: string): ClusterConfig[] {
  const parsed = z
    .array(clusterSchema)
    .min(1)
    .safeParse(parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new Error(
    `SLUICE_CLUSTERS_FILE ${file} is not a list of {name, kubeconfig?, context?}: ${problems.join('; ')}`,
  );
}
