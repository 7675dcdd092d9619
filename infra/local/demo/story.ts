/** The story of the demo, from an empty cluster to a rollback, and what it proves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../../cli/client.js';
import type { ReleaseView } from '../../../domain/release.js';
import { applyObjects } from '../apply.js';
import { expose } from '../forward.js';
import { pushImage } from '../images.js';
import { freePorts } from '../ports.js';
import { startLoad, type LoadSummary } from '../load.js';
import { startSluice } from '../sluice.js';
import { startStack, type Stack } from '../stack.js';
import { declaration, host, name, tag, userObjects, versions } from './application.js';
import { release, type Told } from './releases.js';
import { account, type Loads } from './summary.js';

export interface DemoOptions {
  readonly keep: boolean;
  readonly yes: boolean;
  readonly kubeconfig: string | null;
  readonly pods: 'real' | 'simulated';
}

export async function demonstrate(options: DemoOptions): Promise<number> {
  const say = (line: string): void => console.log(line);
  const told: Told = { say, ask: process.stdin.isTTY && !options.yes };
  const dir = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
  const interrupted = new Promise<void>((resolve) =>
    process.once('SIGINT', resolve).once('SIGTERM', resolve),
  );
  say(
    '\nStarting etcd, kube-apiserver, controllers, Temporal, a registry, Contour, Envoy and Prometheus ...',
  );
  const stack = await startStack({ dir, pods: options.pods, log: (line) => say(`  ${line}`) });
  const sluice = await startSluice(await environmentOf(stack));
  try {
    const addresses = await addressesOf(stack, sluice.url);
    const api = new Client({ server: sluice.url, token: null, actor: 'demo' });
    const ok = await tellStory(api, stack, told);
    say(`\n${addresses}`);
    if (options.keep) {
      say('\nLeft running; Ctrl-C ends it.');
      await interrupted;
    }
    return ok ? 0 : 1;
  } finally {
    await sluice.stop();
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Sluice as a user would configure it for these parts. */
async function environmentOf(stack: Stack): Promise<Record<string, string>> {
  const [api, worker] = await freePorts(2);
  return {
    TEMPORAL_ADDRESS: stack.temporal.address,
    KUBECONFIG: stack.kubeconfig,
    SLUICE_PROMETHEUS_URL: stack.prometheus,
    SLUICE_LISTEN: `127.0.0.1:${api}`,
    SLUICE_WORKER_LISTEN: `127.0.0.1:${worker}`,
    SLUICE_LOG_LEVEL: 'error',
  };
}

async function tellStory(api: Client, stack: Stack, told: Told): Promise<boolean> {
  for (const [tagName, env] of Object.entries(versions)) {
    await pushImage({
      registry: stack.registry,
      repository: 'shop/web',
      tag: tagName,
      env: { APP: name, ...env },
    });
  }
  await applyObjects(stack.kube, userObjects(stack));
  await api.send('PUT', `/v1/applications/${name}`, { body: declaration(stack) });
  told.say(
    `\nApplication ${name} is declared: HTTPRoute through a real Envoy, weights judged by its own counters.\n`,
  );

  const views: ReleaseView[] = [await release(api, 'v1', 'gray', told)];
  const untagged = startLoad({ url: stack.ingress, host, requestsPerSecond: 60 });
  const tagged = startLoad({
    url: stack.ingress,
    host,
    requestsPerSecond: 15,
    headers: { [tag.header]: tag.value },
  });
  let loads: Loads;
  try {
    told.say('\nFrom here on 60 requests a second without the tag and 15 with it.\n');
    views.push(await release(api, 'v2', 'gray', told));
    told.say(
      '\nv3 answers every fifth request with an error. It goes straight to weights, and somebody approves it.\n',
    );
    views.push(await release(api, 'v3', 'canary', told));
  } finally {
    const [plain, lane]: LoadSummary[] = await Promise.all([untagged.stop(), tagged.stop()]);
    loads = { untagged: plain!, tagged: lane! };
  }
  const { text, complaints } = account(views, loads);
  told.say(`\n${text}`);
  for (const complaint of complaints) told.say(`NOT AS DESCRIBED: ${complaint}`);
  return complaints.length === 0;
}

async function addressesOf(stack: Stack, url: string): Promise<string> {
  const api = await expose('api', url);
  return [
    `API            ${api}/v1/releases`,
    `OpenAPI page   ${api}/docs`,
    `Temporal UI    ${await expose('temporal-ui', stack.temporal.ui)}`,
    `Prometheus     ${await expose('prometheus', stack.prometheus)}`,
    `Envoy          ${await expose('ingress', stack.ingress)}   (Host: ${host})`,
  ].join('\n');
}
