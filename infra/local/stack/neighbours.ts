import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, type StackContext } from './context.js';
import { flags } from './flags.js';

/** Search attributes of design 8, registered when the server starts. */
const searchAttributes = {
  SluiceApplication: 'Keyword',
  SluiceEnvironment: 'Keyword',
  SluiceLane: 'Keyword',
  SluicePhase: 'Keyword',
  SluiceWaitingOn: 'Keyword',
  SluiceInitiator: 'Keyword',
  SluiceWeight: 'Int',
} as const;

/** Starts the Temporal dev server with its web page; its state is in a file and outlives a restart. */
export async function startTemporal({ info, procs, tools, port }: StackContext): Promise<void> {
  const api = `http://127.0.0.1:${port.temporalHttp}/cluster/namespaces/default/search-attributes`;
  const options = flags({
    ip: '127.0.0.1',
    port: port.temporal,
    'ui-port': port.temporalUi,
    'http-port': port.temporalHttp,
    'metrics-port': port.temporalMetrics,
    'db-filename': join(info.dir, 'temporal.db'),
    'log-level': 'warn',
  });
  const attributes = Object.entries(searchAttributes).map(
    ([name, type]) => `--search-attribute=${name}=${type}`,
  );
  await procs.add('temporal', {
    command: tools.temporal,
    args: ['server', 'start-dev', ...options, ...attributes],
    // A profile of the user must not reach the server.
    env: { TEMPORAL_CONFIG_FILE: '/dev/null' },
    log: join(info.dir, 'temporal.log'),
    ready: async () => {
      const said = await answers(api);
      const missing = Object.keys(searchAttributes).filter((name) => !said.includes(name));
      if (missing.length > 0) throw new Error(`search attributes missing: ${missing.join(', ')}`);
    },
  });
}

/** Starts an image registry that allows deletion, plain HTTP. */
export async function startRegistry({ info, procs, tools, port }: StackContext): Promise<void> {
  const config = {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(info.dir, 'registry') }, delete: { enabled: true } },
    http: { addr: info.registry },
  };
  const path = join(info.dir, 'registry.yaml');
  await writeFile(path, JSON.stringify(config));
  await procs.add('registry', {
    command: tools.registry,
    args: ['serve', path],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    log: join(info.dir, 'registry.log'),
    ready: () => answers(`http://127.0.0.1:${port.registry}/v2/`),
  });
}
