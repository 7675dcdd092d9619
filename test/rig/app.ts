/** The API of an engine test: everybody may do everything, and nothing is logged. */
import { createApp, type App } from '../../api/app.js';
import { silentLog } from '../../api/log.js';
import { createMetrics } from '../../api/metrics.js';
import type { Temporal } from '../../api/temporal/temporal.js';

export const appOver = (temporal: Temporal): App =>
  createApp({
    config: { tokens: null, publicUrl: null, eventReaders: 50 },
    temporal: async () => temporal,
    metrics: createMetrics({ process: false }),
    log: silentLog,
  });

/** One request as alice. */
export async function askAsAlice(
  app: App,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await app.request(path, {
    method,
    headers: { 'content-type': 'application/json', 'sluice-actor': 'alice' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
}
