/**
 * `npm run example -- NAME`: plays a folder of examples/ on real parts, nothing configured. Outside the network namespace it sets up and
 * enters it; inside it starts the parts and runs the folder's script.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { examples, play } from './example/play.js';
import { namespaceAvailable, runInNamespace } from './namespace.js';
import { freePorts } from './ports.js';
import { startSluice } from './sluice.js';
import { startStack, toolsOf } from './stack.js';
import { ensureTools } from './tools.js';

const say = (line: string): void => console.log(line);
const known = (await readdir(examples)).toSorted();
const [name = ''] = process.argv.slice(2);

if (!known.includes(name)) {
  say(`npm run example -- NAME, where NAME is one of: ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  process.exitCode = await ('SLUICE_FORWARDS' in process.env ? inside() : setUp());
}

async function setUp(): Promise<number> {
  const namespace = await namespaceAvailable();
  if (!namespace.available) {
    say(namespace.reason);
    return 1;
  }
  say('Setting up the parts (downloaded or built once, then kept in the cache) ...');
  await ensureTools(toolsOf({ pods: 'real' }), { onProgress: say });
  return runInNamespace(fileURLToPath(import.meta.url), { args: [name] });
}

async function inside(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-example-'));
  const stack = await startStack({ dir, pods: 'real', log: (line) => say(`  ${line}`) });
  const [api, worker] = await freePorts(2);
  const sluice = await startSluice({
    TEMPORAL_ADDRESS: stack.temporal.address,
    KUBECONFIG: stack.kubeconfig,
    SLUICE_PROMETHEUS_URL: stack.prometheus,
    SLUICE_LISTEN: `127.0.0.1:${api}`,
    SLUICE_WORKER_LISTEN: `127.0.0.1:${worker}`,
    SLUICE_LOG_LEVEL: 'error',
  });
  try {
    return await play(name, stack, { server: sluice.url, say });
  } finally {
    await sluice.stop();
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}
