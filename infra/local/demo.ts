/**
 * `npm run demo`: a whole release on real parts, nothing configured. Outside the network namespace it sets up and enters it; inside it
 * tells the story. `--keep` leaves it running; `--kubeconfig FILE` uses a cluster that the user has; `--yes` approves without asking.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demonstrate } from './demo/story.js';
import { namespaceAvailable, runInNamespace } from './namespace.js';
import { ensureTools } from './tools.js';
import { toolNames } from './tools/catalogue.js';

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => console.log(line);
const inside = 'SLUICE_FORWARDS' in process.env;

if (values.help) {
  say('npm run demo -- [--keep] [--yes] [--kubeconfig FILE]');
} else if (inside) {
  process.exitCode = await demonstrate({ ...options(), pods: 'real' });
} else {
  process.exitCode = await setUp();
}

function options(): { keep: boolean; yes: boolean; kubeconfig: string | null } {
  return { keep: values.keep, yes: values.yes, kubeconfig: values.kubeconfig ?? null };
}

async function setUp(): Promise<number> {
  say('Setting up the parts (built or downloaded once, then kept in the cache) ...');
  await ensureTools(toolNames, { onProgress: say });
  if (values.kubeconfig !== undefined) return demonstrate({ ...options(), pods: 'simulated' });
  const namespace = await namespaceAvailable();
  if (!namespace.available) {
    say(`${namespace.reason}\nSo pods and counters are simulated: no real requests are answered.`);
    return demonstrate({ ...options(), pods: 'simulated' });
  }
  const forwards = { api: 8080, 'temporal-ui': 8233, prometheus: 9090, ingress: 8000 };
  return runInNamespace(fileURLToPath(import.meta.url), { args: process.argv.slice(2), forwards });
}
