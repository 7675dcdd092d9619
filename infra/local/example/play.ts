/** Plays an example on a stack and a Sluice that run: pushes its images, applies its objects, runs its script. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { applyObjects } from '../apply.js';
import { pushImage } from '../images.js';
import { Kube, type KubeObject } from '../kube.js';
import { scriptArgs } from '../script.js';
import type { StackInfo } from '../stack.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
export const examples = join(root, 'examples');

/** `example.json`. */
interface Example {
  readonly title: string;
  /** To push, by application. */
  readonly images: Readonly<Record<string, readonly (string | Image)[]>>;
}

interface Image {
  readonly tag: string;
  /** More of its environment: what the sample application is to do. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Told {
  /** Base address of the API. */
  readonly server: string;
  readonly say: (line: string) => void;
  /** The command. Default: from its sources. */
  readonly cli?: string;
}

/** Answers the exit code of the script: 0 only when all came out as it expects. */
export async function play(name: string, stack: StackInfo, told: Told): Promise<number> {
  const { server, say, cli = join(root, 'cli/main.ts') } = told;
  const folder = join(examples, name);
  const { title, images } = JSON.parse(await readFile(join(folder, 'example.json'), 'utf8')) as Example;
  say(`\n${title}`);
  const variables: Record<string, string> = {
    REGISTRY: stack.registry,
    ENTRY: stack.ingress,
    GATEWAY: stack.gateway.name,
    GATEWAY_NAMESPACE: stack.gateway.namespace,
  };
  const work = await mkdtemp(join(tmpdir(), 'sluice-example-'));
  try {
    await fillIn(folder, work, variables);
    for (const [application, versions] of Object.entries(images)) {
      for (const one of versions)
        await push(stack, application, typeof one === 'string' ? { tag: one, env: {} } : one);
    }
    await applyAll(stack, join(work, 'objects.yaml'));
    const path = await commands(join(work, '.bin'), cli);
    const env = {
      ...process.env,
      ...variables,
      PATH: `${path}:${process.env['PATH'] ?? ''}`,
      SLUICE_SERVER: server,
      // For `pods`.
      KUBE_URL: stack.kubeUrl,
      KUBE_TOKEN: stack.kubeToken,
      // Read by bash before the script.
      BASH_ENV: join(root, 'infra/local/example/words.sh'),
    };
    return await run(join(work, 'run.sh'), work, env, say);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies the folder, with `${NAME}` filled in where the variable is ours; a script's own variables are left to its shell. */
async function fillIn(from: string, to: string, variables: Readonly<Record<string, string>>): Promise<void> {
  for (const file of await readdir(from)) {
    const text = await readFile(join(from, file), 'utf8');
    const filled = text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
    await writeFile(join(to, file), file.endsWith('.yaml') ? filled : text);
  }
}

const push = ({ registry }: StackInfo, application: string, { tag, env }: Image): Promise<string> =>
  pushImage({
    registry,
    repository: `shop/${application}`,
    tag,
    env: { APP: application, VERSION: tag, ...env },
  });

/** Applies the objects, and waits until every Deployment among them is available. */
async function applyAll({ kubeUrl, kubeToken }: StackInfo, file: string): Promise<void> {
  const kube = new Kube(kubeUrl, kubeToken);
  try {
    const objects = parseAllDocuments(await readFile(file, 'utf8')).map((d) => d.toJS() as KubeObject);
    await applyObjects(kube, objects);
    for (const object of objects.filter((o) => o.kind === 'Deployment')) await available(kube, object);
  } finally {
    kube.close();
  }
}

interface Deployment extends KubeObject {
  readonly status?: { readonly availableReplicas?: number };
}

async function available(kube: Kube, { metadata: { name, namespace } }: KubeObject): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  for (const until = Date.now() + 60_000; ;) {
    const { status } = await kube.get<Deployment>(path);
    if ((status?.availableReplicas ?? 0) > 0) return;
    if (Date.now() > until) throw new Error(`Deployment ${name} was not available within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `sluice`, `ask` and `pods` for the script; answers the folder that holds them. */
async function commands(folder: string, cli: string): Promise<string> {
  await mkdir(folder);
  const own = (name: string): string => join(root, 'infra/local/example', name);
  const of = { sluice: cli, ask: own('ask.ts'), pods: own('pods.ts') };
  for (const [name, script] of Object.entries(of)) {
    const words = [process.execPath, ...scriptArgs(script)].map((word) => `'${word}'`).join(' ');
    await writeFile(join(folder, name), `#!/bin/sh\nexec ${words} "$@"\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

async function run(
  script: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<number> {
  const child = spawn('bash', [script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const output of [child.stdout, child.stderr]) createInterface({ input: output }).on('line', say);
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}
