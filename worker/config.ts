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

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const listen = /^(.+):(\d{1,5})$/;
const file = z.string().min(1, 'must name a file').optional();
const name = z.string().min(1, 'must not be empty');

const environmentSchema = z.object({
  SLUICE_TASK_QUEUE: name.default('sluice'),
  SLUICE_CLUSTERS_FILE: file,
  KUBECONFIG: file,
  SLUICE_PROMETHEUS_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) address' }).optional(),
  SLUICE_PROMETHEUS_TOKEN_FILE: file,
  SLUICE_DOCKER_CONFIG: file,
  SLUICE_INSECURE_REGISTRIES: z
    .string()
    .regex(/^[^\s/]*$/, 'must be host:port, separated by commas')
    .default(''),
  SLUICE_WORKER_LISTEN: z
    .string()
    .regex(listen, 'must be host:port')
    .refine((text) => Number(listen.exec(text)?.[2] ?? 0) <= 65_535, 'has a port above 65535')
    .default('127.0.0.1:8081'),
  SLUICE_DEPLOYMENT: name.optional(),
  SLUICE_BUILD_ID: name.optional(),
  SLUICE_LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
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

/** Throws naming every variable that is wrong; a value that may hold a secret is not repeated. */
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
  const [, host, port] = listen.exec(vars.SLUICE_WORKER_LISTEN)!;
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

function clustersOf(path: string): ClusterConfig[] {
  const wrong = (why: string): never => {
    throw new Error(`The worker cannot start: SLUICE_CLUSTERS_FILE "${path}" ${why}`);
  };
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'), { prettyErrors: false });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return wrong(code?.startsWith('E') === true ? `cannot be read: ${code}` : 'is neither YAML nor JSON');
  }
  const parsed = z.array(clusterSchema).min(1, 'no cluster in it').safeParse(content);
  const problems = parsed.error?.issues.map((i) => `${i.path.join('.')}: ${i.message}`) ?? [];
  const clusters =
    parsed.data ?? wrong(`is not a list of {name, kubeconfig?, context?}: ${problems.join('; ')}`);
  const names = clusters.map((c) => c.name);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  return twice === undefined ? clusters : wrong(`names cluster "${twice}" twice`);
}
