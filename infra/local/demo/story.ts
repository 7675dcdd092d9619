/** The story of the demo, from an empty cluster to a rollback, and what it proves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../../cli/client.js';
import type { ReleaseView } from '../../../domain/release.js';
import { expose } from '../forward.js';
import { freePorts } from '../ports.js';
import { startSluice } from '../sluice.js';
import { host, name } from './application.js';
import { release, type Told } from './releases.js';
import { realScene, simulatedScene, type Scene, type UserCluster } from './scene.js';
import { account, type Loads } from './summary.js';

export interface DemoOptions {
  readonly keep: boolean;
  readonly yes: boolean;
  /** real: inside the namespace. A user's cluster and kwok's pods get simulated requests. */
  readonly place: 'real' | 'kwok' | UserCluster;
}

/** Answers the exit code: 0 only when everything went as described. */
export async function demonstrate(options: DemoOptions): Promise<number> {
  const say = (line: string): void => console.log(line);
  const told: Told = { say, ask: process.stdin.isTTY && !options.yes };
  const dir = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  const interrupted = new Promise<void>((resolve) =>
    process.once('SIGINT', resolve).once('SIGTERM', resolve),
  );
  say('\nStarting the parts ...');
  const scene = await open(options, { dir, say });
  const [api, worker] = await freePorts(2);
  const sluice = await startSluice({
    ...scene.environment,
    SLUICE_LISTEN: `127.0.0.1:${api}`,
    SLUICE_WORKER_LISTEN: `127.0.0.1:${worker}`,
    SLUICE_LOG_LEVEL: 'error',
  });
  try {
    const addresses = await addressesOf(scene, sluice.url);
    const client = new Client({ server: sluice.url, token: null, actor: 'demo' });
    const ok = await tellStory(client, scene, told);
    say(`\n${addresses}`);
    if (options.keep) {
      say('\nLeft running; Ctrl-C ends it.');
      await interrupted;
    }
    return ok ? 0 : 1;
  } finally {
    await sluice.stop();
    await scene.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function open(
  { place }: DemoOptions,
  how: { readonly dir: string; readonly say: (line: string) => void },
): Promise<Scene> {
  if (place === 'real') return realScene(how);
  return simulatedScene(how, place === 'kwok' ? null : place);
}

async function tellStory(api: Client, scene: Scene, told: Told): Promise<boolean> {
  await scene.setUp();
  await api.send('PUT', `/v1/applications/${name}`, { body: scene.declaration });
  told.say(`\nApplication ${name} is declared: an HTTPRoute, weights judged by the counters of its proxy.`);
  told.say(`${scene.notice}\n`);

  const views: ReleaseView[] = [await release(api, scene.tags.v1, 'gray', told)];
  scene.startRequests();
  let loads: Loads;
  try {
    told.say('\nFrom here on 60 requests a second without the tag and 15 with it.\n');
    views.push(await release(api, scene.tags.v2, 'gray', told));
    told.say(
      '\nv3 answers every fifth request with an error. It goes straight to weights, and somebody approves it.\n',
    );
    views.push(await release(api, scene.tags.v3, 'canary', told));
  } finally {
    loads = await scene.stopRequests();
  }
  const { text, complaints } = account(views, loads);
  told.say(`\n${text}`);
  for (const complaint of complaints) told.say(`NOT AS DESCRIBED: ${complaint}`);
  return complaints.length === 0;
}

async function addressesOf({ stack }: Scene, url: string): Promise<string> {
  const api = await expose('api', url);
  return [
    `API            ${api}/v1/releases`,
    `OpenAPI page   ${api}/docs`,
    `Temporal UI    ${await expose('temporal-ui', stack.temporal.ui)}`,
    `Prometheus     ${await expose('prometheus', stack.prometheus)}`,
    ...(stack.pods === 'real'
      ? [`Envoy          ${await expose('ingress', stack.ingress)}   (Host: ${host})`]
      : []),
  ].join('\n');
}
