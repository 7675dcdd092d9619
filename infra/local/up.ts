/** `npm run stack`: the whole stack, its addresses, until Ctrl-C. Outside the namespace it enters it; inside it starts the stack. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expose } from './forward.js';
import { namespaceAvailable, runInNamespace } from './namespace.js';
import { writeKubeconfig } from './stack/control-plane.js';
import { startStack } from './stack.js';
import { ensureTools } from './tools.js';
import { toolNames } from './tools/catalogue.js';

const inside = 'SLUICE_FORWARDS' in process.env;
const say = (line: string): void => console.log(line);

process.exitCode = inside ? await serve() : await enterNamespace();

async function enterNamespace(): Promise<number> {
  const namespace = await namespaceAvailable();
  if (!namespace.available) {
    console.error(namespace.reason);
    return 1;
  }
  await ensureTools(toolNames, { onProgress: say });
  const forwards = {
    kubernetes: 6443,
    temporal: 7233,
    'temporal-ui': 8233,
    prometheus: 9090,
    registry: 5000,
    ingress: 8000,
  };
  return runInNamespace(fileURLToPath(import.meta.url), { forwards });
}

async function serve(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-stack-'));
  // Not `once`: a parent that dies sends the signal once for each of its threads.
  const asked = new Promise<void>((resolve) =>
    process.on('SIGINT', () => resolve()).on('SIGTERM', () => resolve()),
  );
  // Kept alive by the wait below, not by its sockets.
  const alive = setInterval(() => {}, 60_000);
  const stack = await startStack({ dir, pods: 'real', log: say });
  const outside = join(dir, 'kubeconfig.outside');
  await writeKubeconfig(stack, outside, await expose('kubernetes', stack.kubeUrl));
  say(`
Kubernetes   KUBECONFIG=${outside}
Temporal     ${await expose('temporal', stack.temporal.address)}   page ${await expose('temporal-ui', stack.temporal.ui)}
Prometheus   ${await expose('prometheus', stack.prometheus)}
registry     ${await expose('registry', stack.registry)}   (${stack.registry} in image names)
ingress      ${await expose('ingress', stack.ingress)}   send the Host header of a route
logs, state  ${dir}

Ctrl-C ends it.`);
  await asked;
  clearInterval(alive);
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
  return 0;
}
