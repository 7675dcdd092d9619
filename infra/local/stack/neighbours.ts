import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, type StackContext } from './context.js';
import { temporalArguments, temporalReady } from '../temporal.js';

/** Starts the Temporal dev server with its web page; its state is in a file and outlives a restart. */
export async function startTemporal(context: StackContext): Promise<void> {
  const { info, procs, tools, port, temporalFile } = context;
  const ports = {
    grpc: port.temporal,
    ui: port.temporalUi,
    http: port.temporalHttp,
    metrics: port.temporalMetrics,
  };
  await procs.add('temporal', {
    command: tools.temporal,
    args: temporalArguments(ports, temporalFile ?? join(info.dir, 'temporal.db')),
    // A profile of the user must not reach the server.
    env: { TEMPORAL_CONFIG_FILE: '/dev/null' },
    log: join(info.dir, 'temporal.log'),
    ready: () => temporalReady(ports),
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
