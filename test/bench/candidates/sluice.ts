/** Sluice as it is deployed: the built worker and API as processes, a Temporal server with a file, releases asked for over HTTP. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection, type Client } from '@temporalio/client';
import { createClient } from '../../../api/temporal/client.js';
import type { Application, ReleaseInput } from '../../../domain/application.js';
import { applicationWorkflowId, releaseWorkflowId } from '../../../domain/ids.js';
import type { EndedPhase, ReleaseView } from '../../../domain/release.js';
import { freePorts } from '../../../infra/local/ports.js';
import { answers } from '../../../infra/local/stack/context.js';
import type { ReleaseResult } from '../../../workflows/messages.js';
import type { Cluster } from '../cluster.js';
import {
  applicationName,
  forAll,
  holdMs,
  pause,
  service,
  threshold,
  untilAll,
  virtualService,
  weights,
  workload,
  type Candidate,
  type Outcome,
  type Place,
  type Running,
} from './candidate.js';

export interface SluiceRunning extends Running {
  /** The Temporal server that keeps its releases. */
  readonly temporal: Client;
  /** Ids of the workflows of the releases that were asked for last, by number of the application. */
  readonly workflows: readonly string[];
  /** Id of the workflow of an application. */
  readonly applicationWorkflow: (index: number) => string;
  /** Asks for one release of these applications; it is the only one that was asked for last. */
  readonly askTogether: (indexes: readonly number[], version: number) => Promise<void>;
  /** Resolves with the hash of its plan when that release waits for a person. */
  readonly awaitApproval: (deadlineMs: number) => Promise<string>;
  readonly approve: (planHash: string) => Promise<void>;
}

export interface SluiceOptions {
  /** Whether releases wait for a person. Default false. */
  readonly approval?: boolean;
  /** Over what every candidate does. */
  readonly release?: ReleaseInput;
  /** Numbers of the applications that one calls. Default none. */
  readonly calls?: (index: number) => readonly number[];
  /** Folder for samples of where the worker's processor time goes. Default null: none are taken. */
  readonly profile?: string | null;
}

export interface SluiceCandidate extends Candidate {
  readonly start: (place: Place) => Promise<SluiceRunning>;
}

export function sluice(options: SluiceOptions = {}): SluiceCandidate {
  return { agent: 'sluice', holdMs, start: (place) => start(place, options) };
}

const main = (side: 'worker' | 'api'): string =>
  fileURLToPath(new URL(`../../../dist/${side}/main.js`, import.meta.url));

/** The environment of worker and API alike: nothing of the machine's owner reaches them. */
export async function environmentOf({ info }: Cluster, taskQueue: string): Promise<Record<string, string>> {
  return {
    TEMPORAL_ADDRESS: info.temporal.address,
    TEMPORAL_CONFIG_FILE: join(await mkdtemp(join(info.dir, 'profile-')), 'none.toml'),
    KUBECONFIG: info.kubeconfig,
    SLUICE_TASK_QUEUE: taskQueue,
    SLUICE_PROMETHEUS_URL: info.prometheus,
    SLUICE_LOG_LEVEL: 'warn',
  };
}

/** Of a start: the machine may be busy. */
const deadlineMs = 120_000;

export const workerMain = main('worker');
export const apiMain = main('api');

async function start(place: Place, options: SluiceOptions): Promise<SluiceRunning> {
  const { profile = null } = options;
  const { cluster, namespace, count } = place;
  const { procs, info } = cluster;
  const [workerPort, apiPort] = await freePorts(2);
  const worker = `http://127.0.0.1:${workerPort}`;
  const api = `http://127.0.0.1:${apiPort}`;
  const env = await environmentOf(cluster, namespace);
  await Promise.all([
    procs.add('worker', {
      command: process.execPath,
      args: [...(profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]), workerMain],
      env: { ...env, SLUICE_WORKER_LISTEN: `127.0.0.1:${workerPort}` },
      log: join(info.dir, `worker-${namespace}.log`),
      ready: () => answers(`${worker}/readyz`),
      deadlineMs,
    }),
    procs.add('api', {
      command: process.execPath,
      args: [apiMain],
      env: { ...env, SLUICE_LISTEN: `127.0.0.1:${apiPort}` },
      log: join(info.dir, `api-${namespace}.log`),
      ready: () => answers(`${api}/healthz`),
      deadlineMs,
    }),
  ]);
  await install(place);
  const connection = await Connection.connect({ address: info.temporal.address });
  const temporal = createClient({ connection });
  const nameOf = (index: number): string => `${namespace}-${applicationName(index)}`;
  await forAll(count, (i) =>
    send(api, 'PUT', `/v1/applications/${nameOf(i)}`, {
      ...application(nameOf(i), i, place, options),
      dependsOn: (options.calls?.(i) ?? []).map(nameOf),
    }),
  );
  const workflows: string[] = [];
  let together = '';
  return {
    temporal,
    workflows,
    applicationWorkflow: (i) => applicationWorkflowId(nameOf(i)),
    process: 'worker',
    pid: () => procs.pid('worker')!,
    async ask(i, version) {
      const applications = [{ name: nameOf(i), image: digestOf(place.image(version)) }];
      const { id } = await send(api, 'POST', '/v1/releases', { applications });
      workflows[i] = releaseWorkflowId(String(id));
    },
    async askTogether(indexes, version) {
      const image = digestOf(place.image(version));
      const applications = indexes.map((i) => ({ name: nameOf(i), image }));
      const { id } = await send(api, 'POST', '/v1/releases', { applications });
      together = String(id);
      workflows.splice(0, workflows.length, releaseWorkflowId(together));
    },
    awaitApproval: (deadlineMs) => awaitApproval(`${api}/v1/releases/${together}`, deadlineMs),
    async approve(planHash) {
      const decision = { decision: 'approve', reason: 'bench', planHash };
      await send(api, 'POST', `/v1/releases/${together}/decisions`, decision);
    },
    ended: (outcome, deadlineMs) => ended(temporal, workflows, outcome, deadlineMs),
    async stop() {
      if (profile !== null) await endByItself(procs.pid('worker'));
      await connection.close();
    },
  };
}

function application(name: string, index: number, place: Place, options: SluiceOptions): Application {
  const deployed = applicationName(index);
  const value = { name: 'success', value: 'success', min: threshold, minRequests: 0 };
  return {
    name,
    image: place.image(1).split('@')[0]!,
    workload: { name: deployed },
    traffic: { router: 'istio', route: deployed, service: deployed },
    release: {
      strategy: 'canary',
      steps: weights.map((weight) => ({ weight, hold: `${holdMs}ms` })),
      analysis: { metrics: [value], interval: '1s' },
      approval: { required: options.approval ?? false },
      drain: '1s',
      ...options.release,
    },
    environments: [{ name: 'prod', type: 'prod', namespace: place.namespace }],
  };
}

/** Samples are written when the process ends, which takes longer than Parts gives it. */
async function endByItself(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  for (let i = 0; i < 60 && existsSync(`/proc/${pid}`); i++) await pause(500);
}

const digestOf = (image: string): string => image.split('@')[1]!;

/** What the team has before it releases: a Deployment, its Service, its VirtualService. */
async function install({ cluster: { kube }, namespace, count, image, pods = 2 }: Place): Promise<void> {
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  await forAll(count, async (i) => {
    const name = applicationName(i);
    await kube.create(`/api/v1/namespaces/${namespace}/services`, service(name));
    const routes = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
    await kube.create(routes, virtualService(name, { [name]: 100 }));
    const spec = workload(name, image(1), pods);
    await kube.create(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
  });
  await untilAll('stable is available', 300_000, async () => {
    const { items } = await kube.get<{ items: Deployment[] }>(`${deployments}?resourceVersion=0`);
    return items.filter(({ status }) => status?.availableReplicas !== pods).map((d) => d.metadata.name);
  });
}

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly availableReplicas?: number };
}

const phases: Readonly<Record<Outcome, readonly EndedPhase[]>> = {
  promoted: ['succeeded'],
  'rolled back': ['rolled_back'],
  either: ['succeeded', 'rolled_back'],
};

/** Waits by Temporal's long poll, which costs neither the worker nor a billed query. */
async function ended(
  temporal: Client,
  workflows: readonly string[],
  outcome: Outcome,
  deadlineMs: number,
): Promise<void> {
  const wrong: string[] = [];
  let left = workflows.length;
  const all = Promise.all(
    workflows.map(async (id) => {
      const result = (await temporal.workflow.getHandle(id).result()) as ReleaseResult;
      left--;
      if (!phases[outcome].includes(result.phase))
        wrong.push(`${id} ${result.phase}: ${result.view.outcome?.failure?.message ?? ''}`);
    }),
  );
  // The client goes on polling after a deadline of its own.
  const timer = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${left} of ${workflows.length} releases have not ended after ${deadlineMs / 1_000} s`);
  });
  await Promise.race([all, late]).finally(() => timer.abort());
  if (wrong.length > 0) throw new Error(`${wrong.length} releases were not ${outcome}, such as ${wrong[0]}`);
}

async function awaitApproval(url: string, deadlineMs: number): Promise<string> {
  for (const until = Date.now() + deadlineMs; ; await pause(100)) {
    const view = (await (await fetch(url)).json()) as ReleaseView;
    if (view.waitingOn?.approval !== undefined) return view.planHash!;
    if (view.outcome !== null) throw new Error(`${view.id} ended before its approval: ${view.outcome.phase}`);
    if (Date.now() > until) throw new Error(`${view.id} does not ask for approval, it is ${view.phase}`);
  }
}

/** A 503 is asked again, up to five times, as a careful client does: its key makes that the same request. */
export async function send(
  api: string,
  method: string,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  const headers = {
    'content-type': 'application/json',
    'sluice-actor': 'bench',
    ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
  };
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${api}${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Record<string, unknown>;
    if (response.status !== 503 || attempt === 5)
      throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  }
}
