/** Releases that are read and steered without a pause, through the real workflows and a real Temporal server. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ReleaseView } from '../../domain/release.js';
import { workingActivities } from '../../test/fakes/activities.js';
import { appOver, askAsAlice } from '../../test/rig/app.js';
import { startTemporalServer, type TemporalServer } from '../../test/rig/temporal.js';
import type { App } from '../app.js';
import { openTemporal, type Temporal } from './temporal.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const queue = 'steered-test';
let server: TemporalServer;
let worker: { readonly stop: () => Promise<void> };
let temporal: Temporal;
let app: App;

beforeAll(async () => {
  server = await startTemporalServer();
  worker = await server.work(queue, workingActivities());
  temporal = openTemporal({ TEMPORAL_ADDRESS: server.address }, queue);
  app = appOver(temporal);
});
afterAll(async () => {
  await worker.stop();
  await temporal.close();
  await server.stop();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
  askAsAlice(app, method, path, body);

async function start(names: readonly string[]): Promise<string> {
  for (const name of names) {
    const { status } = await ask('PUT', `/v1/applications/${name}`, {
      name,
      image: `r.example/${name}`,
      traffic: { router: 'istio' },
      release: {
        steps: [10, 20, 50].map((weight) => ({ weight, hold: '30ms' })),
        approval: { required: false },
        drain: '0s',
      },
      environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
    });
    expect(status).toBeLessThan(300);
  }
  const applications = names.map((name) => ({ name, image: `r.example/${name}:v2` }));
  const { status, body } = await ask('POST', '/v1/releases', { applications });
  expect(status).toBe(202);
  return (body as { readonly id: string }).id;
}

interface Step {
  readonly verb: string;
  readonly body?: object;
}
const weight = (percent: number): Step => ({ verb: 'weight', body: { weight: percent } });
const steering: readonly Step[] = [
  { verb: 'pause' },
  { verb: 'resume' },
  weight(15),
  { verb: 'skip' },
  { verb: 'pause' },
  weight(40),
  { verb: 'resume' },
  { verb: 'promote' },
];

/** Follows a release to its end, and steers it all the while; answers how it was answered where that was no word of a workflow. */
async function followAndSteer(id: string, first: number): Promise<readonly Answer[]> {
  const over = new AbortController();
  const unanswered: Answer[] = [];
  const follow = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const answer = await ask('GET', `/v1/releases/${id}`);
      if (answer.status >= 500) unanswered.push(answer);
      else if ((answer.body as ReleaseView).outcome !== null) over.abort();
    }
  };
  const steer = async (): Promise<void> => {
    for (let i = first; !over.signal.aborted; i++) {
      await delay((i * 37) % 110);
      const isLast = i === first + 30;
      const { verb, body }: Step = isLast ? { verb: 'abort' } : steering[i % steering.length]!;
      const answer = await ask('POST', `/v1/releases/${id}/${verb}`, { ...body, reason: 'test' });
      if (answer.status >= 500) unanswered.push(answer);
    }
  };
  await Promise.all([follow(), follow(), steer()]);
  return unanswered;
}

it('P8: whatever the moment in which it is read and steered, each is repeated by a replay, and each request answered', async () => {
  const [lanes, each] = [4, 8];
  const following = Array.from({ length: lanes }, async (_, lane) => {
    const unanswered: Answer[] = [];
    for (let i = 0; i < each; i++)
      unanswered.push(...(await followAndSteer(await start([`a${lane}`, `b${lane}`]), lane * each + i)));
    return unanswered;
  });
  expect((await Promise.all(following)).flat()).toEqual([]);
  expect(await server.unrepeated()).toEqual([]);
});
