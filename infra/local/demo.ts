/**
 * `npm run demo`: a whole release on real parts, nothing configured. Outside the network namespace it sets up and enters it; inside it
 * tells the story. `--keep` leaves it running; `--kubeconfig FILE` uses a cluster that the user has; `--yes` approves without asking.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demonstrate, type DemoOptions } from './demo/story.js';
import { namespaceAvailable, runInNamespace } from './namespace.js';
import { toolsOf } from './stack.js';
import { ensureTools } from './tools.js';

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    simulate: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    repository: { type: 'string', default: 'ghcr.io/stefanprodan/podinfo' },
    tags: { type: 'string', default: '6.7.0,6.7.1,6.8.0' },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run demo -- [--keep] [--yes] [--simulate] [--kubeconfig FILE [--repository REPO --tags A,B,C]]

  --keep              leave everything running until Ctrl-C
  --yes               approve without asking
  --simulate          kwok's pods and simulated requests, as where no network namespace is to be had
  --kubeconfig FILE   use your cluster, which has the CRDs of Gateway API; namespace "shop" is made in it and stays
  --repository, --tags   three versions of an image that your cluster can pull`;
const say = (line: string): void => console.log(line);
const inside = 'SLUICE_FORWARDS' in process.env;

if (values.help) say(usage);
else process.exitCode = inside ? await demonstrate(at('real')) : await setUp();

function at(place: DemoOptions['place']): DemoOptions {
  return { keep: values.keep, yes: values.yes, place };
}

async function setUp(): Promise<number> {
  say('Setting up the parts (downloaded or built once, then kept in the cache) ...');
  if (values.kubeconfig !== undefined) {
    const [v1, v2, v3] = values.tags.split(',');
    if (v1 === undefined || v2 === undefined || v3 === undefined) {
      say(`--tags ${values.tags}: three tags are needed, with commas between.`);
      return 2;
    }
    const { kubeconfig, repository } = values;
    return demonstrate(at({ kubeconfig, repository, tags: { v1, v2, v3 } }));
  }
  const namespace = values.simulate
    ? { available: false as const, reason: 'Simulation was asked for.' }
    : await namespaceAvailable();
  if (!namespace.available) {
    say(`${namespace.reason}\nSo pods and requests are simulated.`);
    return demonstrate(at('kwok'));
  }
  await ensureTools(toolsOf({ pods: 'real' }), { onProgress: say });
  const forwards = { api: 8080, 'temporal-ui': 8233, prometheus: 9090, ingress: 8000 };
  return runInNamespace(fileURLToPath(import.meta.url), { args: process.argv.slice(2), forwards });
}
