/** P12: a release with secrets everywhere leaves none of them anywhere. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { applicationWorkflowId, releaseWorkflowId } from '../../domain/ids.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { freePorts } from '../../infra/local/ports.js';
import { fakePrometheus, vector, type FakePrometheus } from '../fakes/prometheus.js';
import { fakeRegistry, type FakeRegistry } from '../fakes/registry.js';
import { eventually } from '../rig/eventually.js';
import { textsOf } from '../rig/texts.js';
import { quick, World } from '../rig/world.js';

const stack = inject('stack');
const random = (what: string): string => `${what}-${randomBytes(9).toString('hex')}`;
const secrets = {
  prometheus: random('prometheus'),
  registry: random('registry'),
  literal: random('literal'),
  api: random('api'),
  wrong: random('wrong'),
  kube: stack.kubeToken,
};
const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
const file = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
};

let prometheus: FakePrometheus;
let registry: FakeRegistry;
let world: World;
let api: ChildProcess;
let apiUrl: string;
let apiLog = '';
/** Every answer of the API, whole. */
const answers: string[] = [];

beforeAll(async () => {
  // The first answer repeats what it was sent, as some proxies do.
  prometheus = await fakePrometheus((query) => {
    if (prometheus.requests === 1) return { status: 502, body: `bad: ${prometheus.asked[0]?.authorization}` };
    if (query.startsWith('time()')) return vector(1);
    return query.includes('response_code') ? vector(0) : vector(100);
  });
  const basic = Buffer.from(`me:${secrets.registry}`).toString('base64');
  // The worker has to log in; the node pulls as it likes.
  registry = await fakeRegistry((seen, response) => {
    if (seen.method === 'HEAD' && seen.authorization !== `Basic ${basic}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      return;
    }
    const { method, url: path, headers } = { ...seen, headers: { accept: seen.accept } };
    const onward = request(`http://${stack.registry}${path}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.end();
  });
  world = await World.create(stack, {
    replicas: 1,
    workerEnv: {
      SLUICE_LOG_LEVEL: 'debug',
      SLUICE_PROMETHEUS_URL: prometheus.address,
      SLUICE_PROMETHEUS_TOKEN_FILE: file('token', `${secrets.prometheus}\n`),
      SLUICE_DOCKER_CONFIG: file('docker.json', { auths: { [registry.host]: { auth: basic } } }),
    },
  });
  await world.image('crash', { CRASH: `cannot log in with DB_PASSWORD=${secrets.literal}` });
  await applyObjects(world.kube, [withSecret(world.objects().find((o) => o.kind === 'Deployment')!)]);
  await world.stableAvailable();
  await startApi();
});
afterAll(async () => {
  api.kill('SIGKILL');
  await world.close();
  await prometheus.close();
  await registry.close();
  rmSync(folder, { recursive: true });
});

describe('P12: secrets are in no history, log, error, event or page', () => {
  it('of a release that succeeds, one that is rolled back, one that is refused, and a stranger', async () => {
    const application = {
      ...world.application({
        ...quick,
        steps: [{ weight: 100, hold: '1s' }],
        analysis: {
          interval: '300ms',
          window: '10s',
          consecutiveErrorLimit: 9,
          metrics: [{ name: 'errors', builtin: 'error-rate', max: 5, minRequests: 3 }],
        },
      }),
      image: `${registry.host}/${world.namespace}/${world.name}`,
    };
    const path = `/v1/applications/${application.name}`;
    expect((await call('PUT', path, application)).status).toBe(201);
    expect((await call('GET', path, undefined, secrets.wrong)).status).toBe(401);
    const succeeded = await released('v2');
    expect(await outcomeOf(succeeded)).toBe('succeeded');
    const rolledBack = await released('crash');
    expect(await outcomeOf(rolledBack)).toBe('rolled_back');
    const body = { applications: [{ name: application.name, image: 'v9' }] };
    expect((await call('POST', '/v1/releases', body)).status).toBe(422);
    for (const id of [succeeded, rolledBack]) {
      await call('GET', `/v1/releases/${id}`);
      await call('GET', `/v1/releases/${id}/events?follow=false`);
    }
    await call('GET', '/v1/releases');
    await call('GET', path);

    // They were really used.
    expect(prometheus.asked[0]?.authorization).toBe(`Bearer ${secrets.prometheus}`);
    expect(registry.seen.some((s) => s.authorization?.startsWith('Basic ') === true)).toBe(true);

    const ids = [
      releaseWorkflowId(succeeded),
      releaseWorkflowId(rolledBack),
      applicationWorkflowId(application.name),
    ];
    const places: Record<string, string> = {
      'answers of the API': answers.join('\n'),
      'log of the API': apiLog,
      'log of the worker': world.worker.log,
      'metrics of the API': await (await fetch(`${apiUrl}/metrics`)).text(),
      events: JSON.stringify([await world.events(succeeded), await world.events(rolledBack)]),
      ...Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await recordOf(id)] as const))),
    };
    const found = Object.entries(places).flatMap(([place, text]) =>
      Object.entries(secrets)
        .filter(([, secret]) => spellings(secret).some((s) => text.includes(s)))
        .map(([name]) => `the ${name} secret is in: ${place}`),
    );
    expect(found).toEqual([]);
    // Had they been empty, nothing would have been found in them either.
    for (const [place, text] of Object.entries(places))
      expect([place, text.length > 50]).toEqual([place, true]);
    expect(places[releaseWorkflowId(rolledBack)]).toContain('cannot log in with DB_PASSWORD=***');
    expect(places[releaseWorkflowId(succeeded)]).toContain('Prometheus answered 502: bad: Bearer ***');
  });
});

const spellings = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1),
];

/** History with its payloads decoded, memo, search attributes, and what the Temporal UI shows. */
async function recordOf(workflowId: string): Promise<string> {
  const handle = world.temporal.workflow.getHandle(workflowId);
  const history = textsOf(await handle.fetchHistory());
  const { memo, typedSearchAttributes, raw } = await handle.describe();
  return [...history, ...textsOf({ memo, typedSearchAttributes, raw })].join('\n');
}

async function released(image: string): Promise<string> {
  const body = { applications: [{ name: world.applicationName, image }] };
  const { status, body: answer } = await call('POST', '/v1/releases', body);
  expect([status, answer]).toEqual([202, expect.anything()]);
  return String(answer['id']);
}

async function outcomeOf(id: string): Promise<string | undefined> {
  return (await world.ended(id)).outcome?.phase;
}

async function call(
  method: string,
  path: string,
  body?: object,
  token = secrets.api,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = path.includes('/events') ? await firstOf(response) : await response.text();
  answers.push(`${path} ${JSON.stringify([...response.headers])} ${text}`);
  return {
    status: response.status,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** Of a stream: until it ends, which it does after the last event of an ended release. */
async function firstOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes('ended')) break;
  }
  return text;
}

async function startApi(): Promise<void> {
  const [port] = await freePorts(1);
  apiUrl = `http://127.0.0.1:${port}`;
  const tokens = [{ name: 'tester', token: secrets.api, roles: ['admin'] }];
  api = spawn(process.execPath, [fileURLToPath(new URL('../../dist/api/main.js', import.meta.url))], {
    env: {
      PATH: process.env['PATH'],
      TEMPORAL_ADDRESS: stack.temporal.address,
      TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
      SLUICE_TASK_QUEUE: world.taskQueue,
      SLUICE_LISTEN: `127.0.0.1:${port}`,
      SLUICE_TOKENS_FILE: file('tokens.json', tokens),
      SLUICE_LOG_LEVEL: 'debug',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [api.stdout, api.stderr]) stream?.on('data', (data) => (apiLog += String(data)));
  await eventually('the API to listen', async () => (await fetch(`${apiUrl}/readyz`)).ok);
}

/** Stable as a careless team has it: with a password in its template. */
function withSecret(deployment: KubeObject): KubeObject {
  const copy = structuredClone(deployment) as KubeObject & {
    spec: { template: { spec: { containers: { env: object[] }[] } } };
  };
  copy.spec.template.spec.containers[0]!.env.push({ name: 'DB_PASSWORD', value: secrets.literal });
  return copy;
}
