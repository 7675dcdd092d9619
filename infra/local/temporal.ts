/** The Temporal dev server as Sluice needs it: state in a file, search attributes of design 8 registered. */
import { answers } from './stack/context.js';
import { flags } from './stack/flags.js';

const searchAttributes = {
  SluiceApplications: 'KeywordList',
  SluiceEnvironment: 'Keyword',
  SluiceLane: 'Keyword',
  SluicePhase: 'Keyword',
  SluiceWaitingOn: 'Keyword',
  SluiceInitiator: 'Keyword',
  SluiceWeight: 'Int',
  SluiceWaitingSince: 'Datetime',
  SluiceOverdueAt: 'Datetime',
} as const;

export interface TemporalPorts {
  readonly grpc: number;
  readonly ui: number;
  readonly http: number;
  readonly metrics: number;
}

/** With a file SQLite else waits for the disk at each commit. So a killed process still loses nothing; a machine without power may. */
export const sqlitePragmas = [
  '--sqlite-pragma=journal_mode=WAL',
  '--sqlite-pragma=synchronous=NORMAL',
] as const;

/** Arguments of the Temporal CLI. Its state outlives a restart. */
export function temporalArguments(port: TemporalPorts, file: string): string[] {
  const options = flags({
    ip: '127.0.0.1',
    port: port.grpc,
    'ui-port': port.ui,
    'http-port': port.http,
    'metrics-port': port.metrics,
    'db-filename': file,
    'log-level': 'warn',
  });
  const attributes = Object.entries(searchAttributes).map(
    ([name, type]) => `--search-attribute=${name}=${type}`,
  );
  return ['server', 'start-dev', ...options, ...sqlitePragmas, ...attributes];
}

/** Rejects unless it answers and knows the search attributes. */
export async function temporalReady(port: TemporalPorts): Promise<void> {
  const said = await answers(`http://127.0.0.1:${port.http}/cluster/namespaces/default/search-attributes`);
  const missing = Object.keys(searchAttributes).filter((name) => !said.includes(name));
  if (missing.length > 0) throw new Error(`search attributes missing: ${missing.join(', ')}`);
}
