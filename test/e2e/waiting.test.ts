/** A release that waits for too long is a number that Prometheus scrapes, and the rules of infra/prometheus make an alert of it. */
import { serve, type ServerType } from '@hono/node-server';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { createHandler } from '../../api/main.js';
import { Parts } from '../../infra/local/parts.js';
import { freePorts } from '../../infra/local/ports.js';
import { ensureTools } from '../../infra/local/tools.js';
import { eventually } from '../rig/eventually.js';
import { quick, World } from '../rig/world.js';

const rules = fileURLToPath(new URL('../../infra/prometheus/alerts.yaml', import.meta.url));
const parts = new Parts();
let world: World;
/** An API with little patience, and a Prometheus of this file's own that scrapes it. */
let api: ReturnType<typeof createHandler>;
let server: ServerType;
let url: string;
let prometheus: string;
let dir: string;

beforeAll(async () => {
  world = await World.create(inject('stack'));
  dir = await mkdtemp(join(tmpdir(), 'sluice-waiting-'));
  api = createHandler({
    TEMPORAL_ADDRESS: world.stack.temporal.address,
    TEMPORAL_CONFIG_FILE: join(dir, 'none.toml'),
    SLUICE_TASK_QUEUE: world.taskQueue,
    SLUICE_LOG_LEVEL: 'silent',
    SLUICE_OVERDUE_AFTER: '1s',
    SLUICE_OVERDUE_SHARE: '1',
  });
  url = await new Promise((resolve) => {
    const options = { fetch: api.fetch, hostname: '127.0.0.1', port: 0 };
    server = serve(options, ({ port }) => resolve(`http://127.0.0.1:${port}`));
  });
  prometheus = await startPrometheus();
});
afterAll(async () => {
  await parts.stopAll();
  server.close();
  await api.close();
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

/** The rules as they are, but for how long a condition has to last. */
async function startPrometheus(): Promise<string> {
  const [port] = await freePorts(1);
  const { prometheus: command } = await ensureTools(['prometheus']);
  await writeFile(
    join(dir, 'alerts.yaml'),
    (await readFile(rules, 'utf8')).replaceAll(/ for: \w+/g, ' for: 0s'),
  );
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: [new URL(url).host] }] }],
  };
  await writeFile(join(dir, 'prometheus.yml'), JSON.stringify(config));
  const address = `http://127.0.0.1:${port}`;
  await parts.add('prometheus', {
    command,
    args: [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    log: join(dir, 'prometheus.log'),
    ready: async () => {
      if (!(await fetch(`${address}/-/ready`)).ok) throw new Error('not ready');
    },
  });
  return address;
}

interface LoadedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

async function asked<T>(path: string): Promise<T> {
  const { data } = (await (await fetch(`${prometheus}/api/v1/${path}`)).json()) as { data: T };
  return data;
}

/** Alerts that fire, as "name phase". */
async function firing(): Promise<string[]> {
  const { alerts } = await asked<{
    alerts: { labels: Record<string, string>; state: string }[];
  }>('alerts');
  return alerts
    .filter((a) => a.state === 'firing')
    .map(({ labels }) => `${labels['alertname']} ${labels['phase'] ?? ''}`.trim());
}

/** A number of /metrics; null where it is not told. */
async function metric(name: string): Promise<number | null> {
  const text = await (await api.fetch(new Request('http://127.0.0.1/metrics'))).text();
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  return line === undefined ? null : Number(line.split(' ')[1]);
}

/** Asks the API with little patience, whose releases keep it. */
async function release(): Promise<string> {
  const request = new Request('http://127.0.0.1/v1/releases', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sluice-actor': 'tester' },
    body: JSON.stringify({ applications: [{ name: world.applicationName, image: 'v2' }] }),
  });
  const answer = await api.fetch(request);
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

describe('a release that waits for too long', () => {
  it('every rule is one that Prometheus can evaluate', async () => {
    const wanted = (
      parse(await readFile(rules, 'utf8')) as { groups: { rules: { alert: string }[] }[] }
    ).groups
      .flatMap((g) => g.rules)
      .map((r) => r.alert);
    const loaded = await eventually('all rules to be evaluated', async () => {
      const { groups } = await asked<{ groups: { rules: LoadedRule[] }[] }>('rules');
      const found = groups.flatMap((g) => g.rules);
      return found.length === wanted.length && found.every((r) => r.health !== 'unknown') ? found : null;
    });
    expect(loaded.map((r) => [r.name, r.health, r.lastError])).toEqual(
      wanted.map((name) => [name, 'ok', undefined]),
    );
  });

  it('raises the metric and the alert while an approval is open for longer than it should, and no longer', async () => {
    await world.declare(world.application({ ...quick, approval: { required: true, deadline: '2m' } }));
    const id = await release();
    await world.until(id, 'waiting for approval', (v) => v.phase === 'waiting_for_approval');
    const phase = '{phase="waiting_for_approval"}';
    await eventually('the metric', async () => ((await metric(`sluice_releases_overdue${phase}`)) ?? 0) > 0);
    expect(await metric(`sluice_releases_open${phase}`)).toBeGreaterThanOrEqual(1);
    expect(await metric(`sluice_release_oldest_wait_seconds${phase}`)).toBeGreaterThan(1);
    expect(await metric('sluice_workers_polling')).toBeGreaterThanOrEqual(1);
    await eventually('the alert', async () =>
      (await firing()).includes('SluiceReleaseOverdue waiting_for_approval'),
    );
    expect(await firing()).not.toContain('SluiceNoWorker');
    await world.approve(id);
    expect((await world.ended(id)).phase).toBe('succeeded');
    await eventually('the metric to fall', async () => {
      const { count } = await world.temporal.workflow.count(
        `WorkflowId = 'release/${id}' AND SluiceOverdueAt IS NOT NULL`,
      );
      return count === 0;
    });
  });

  it('says within the history of the release nothing more than before: times go with what is told anyway', async () => {
    await world.declare(world.application({ ...quick, approval: { required: false } }));
    const id = await release();
    await world.ended(id);
    const { events } = await world.temporal.workflow.getHandle(`release/${id}`).fetchHistory();
    const upserts = (events ?? []).flatMap((e) => {
      const fields = e.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
      return fields == null ? [] : [Object.keys(fields)];
    });
    const alone = upserts.filter((names) => names.every((n) => /WaitingSince|OverdueAt/.test(n)));
    expect(upserts.length).toBeGreaterThan(3);
    expect(alone).toEqual([]);
  });
});
