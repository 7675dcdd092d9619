/** How fast processes of Sluice begin to work. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, type Client } from '@temporalio/client';
import { createClient } from '../../api/temporal/client.js';
import { freePorts } from '../../infra/local/ports.js';
import { apiMain, environmentOf, workerMain } from './candidates/sluice.js';
import type { Cluster } from './cluster.js';

export interface Starts {
  /** From the start of the process to its first workflow task, milliseconds, each time. */
  readonly workerFirstTaskMs: readonly number[];
  /** From the start of the process to the first answer of /healthz. */
  readonly apiFirstAnswerMs: readonly number[];
  /** The same to the first answer that Temporal had to be asked for: GET /v1/releases. */
  readonly apiFirstListMs: readonly number[];
}

const times = 5;
const deadlineMs = 30_000;

export async function measureStarts(cluster: Cluster): Promise<Starts> {
  const connection = await Connection.connect({ address: cluster.info.temporal.address });
  const temporal = createClient({ connection });
  const workerFirstTaskMs: number[] = [];
  const apiFirstAnswerMs: number[] = [];
  const apiFirstListMs: number[] = [];
  try {
    for (let i = 0; i < times; i++) {
      workerFirstTaskMs.push(await workerStart(cluster, temporal, `start-${i}`));
      const [answer, list] = await apiStart(cluster);
      apiFirstAnswerMs.push(answer);
      apiFirstListMs.push(list);
    }
  } finally {
    await connection.close();
  }
  return { workerFirstTaskMs, apiFirstAnswerMs, apiFirstListMs };
}

/** A task waits already; Temporal notes when the worker took it, and its clock is this machine's. */
async function workerStart(cluster: Cluster, temporal: Client, queue: string): Promise<number> {
  const waiting = await temporal.workflow.start('application', {
    workflowId: `application/${queue}`,
    taskQueue: queue,
  });
  const [port] = await freePorts(1);
  const env = {
    ...(await environmentOf(cluster, queue)),
    SLUICE_WORKER_LISTEN: `127.0.0.1:${port}`,
  };
  const begun = Date.now();
  const worker = launch(workerMain, env);
  try {
    for (;;) {
      const { events } = await waiting.fetchHistory();
      const taken = events?.find((event) => event.workflowTaskStartedEventAttributes)?.eventTime;
      if (taken) return Number(taken.seconds) * 1_000 + (taken.nanos ?? 0) / 1_000_000 - begun;
      giveUp(begun, 'the worker took no task');
      await delay(20);
    }
  } finally {
    await kill(worker);
    await waiting.terminate();
  }
}

async function apiStart(cluster: Cluster): Promise<[answer: number, list: number]> {
  const [port] = await freePorts(1);
  const listen = `127.0.0.1:${port}`;
  const env = { ...(await environmentOf(cluster, 'start')), SLUICE_LISTEN: listen };
  const begun = Date.now();
  const api = launch(apiMain, env);
  try {
    const answer = await answered(`http://${listen}/healthz`, begun);
    return [answer, await answered(`http://${listen}/v1/releases`, begun)];
  } finally {
    await kill(api);
  }
}

async function answered(url: string, begun: number): Promise<number> {
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return Date.now() - begun;
    giveUp(begun, `${url} does not answer`);
    await delay(4);
  }
}

function giveUp(begun: number, what: string): void {
  if (Date.now() - begun > deadlineMs) throw new Error(`${what} within ${deadlineMs / 1_000} s`);
}

function launch(script: string, env: Record<string, string>): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, script], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
