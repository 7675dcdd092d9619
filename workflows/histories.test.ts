/** Yesterday's releases, replayed with today's code: one that runs while the worker is replaced must go on. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { historyNames, historyText, readHistory, withClock, withQueries } from '../test/rig/histories.js';

// Whoever shares the machine may slow a replay down; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 60_000 });

const names = historyNames();

describe('recorded histories', () => {
  let code = '';
  beforeAll(async () => {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger });
    const workflowsPath = fileURLToPath(new URL('index.ts', import.meta.url));
    ({ code } = await bundleWorkflowCode({ workflowsPath, logger }));
  }, 60_000);

  it.each(names)('%s is repeated by the code of today', async (name) => {
    const replayed = Worker.runReplayHistory({ workflowBundle: { code } }, readHistory(name), name);
    await expect(replayed).resolves.toBeUndefined();
  });

  it.each<{ readonly name: string; readonly tell: (ms: number, first: number) => number }>([
    { name: 'stands still', tell: (_, first) => first },
    { name: 'runs a thousand times as fast', tell: (ms, first) => first + (ms - first) * 1_000 },
  ])(
    'P8: what was decided does not follow from a clock: each is repeated by one that $name',
    async ({ tell }) => {
      const others = names.map((workflowId) => {
        const history = readHistory(workflowId);
        const first = Number(history.events[0]!.eventTime!.seconds) * 1_000;
        return { workflowId, history: withClock(history, (ms) => tell(ms, first)) };
      });
      const failed: string[] = [];
      for await (const { workflowId, error } of Worker.runReplayHistories(
        { workflowBundle: { code } },
        others,
      ))
        if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
      expect(failed).toEqual([]);
    },
  );

  it.each(names)('P8: %s is repeated where a query came while a local activity ended', async (name) => {
    const asked = withQueries(name).map((history, i) => ({ workflowId: `${name}-${i}`, history }));
    const failed: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { code } }, asked))
      if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
    expect(failed).toEqual([]);
  });

  it('there is one of each outcome', () => {
    const outcomes = ['succeeded', 'rolled-back', 'cancelled', 'refused', 'needs-attention', 'application'];
    expect(outcomes.filter((outcome) => !names.some((name) => name.startsWith(outcome)))).toEqual([]);
  });

  it('a release with approval, verification and five judged weights has at most 120 events', () => {
    const counts = ['succeeded-gateway-api', 'succeeded-contour'].map((n) => readHistory(n).events.length);
    console.log(`events of a release with five weight steps: ${counts.join(', ')}`);
    expect(Math.max(...counts)).toBeLessThanOrEqual(120);
  });

  it.each(names)('%s holds nothing of the machine that recorded it', (name) => {
    const payloads = [...historyText(name).matchAll(/"data":"([A-Za-z0-9+/=]*)"/g)].map((m) =>
      Buffer.from(m[1]!, 'base64').toString(),
    );
    const found = [historyText(name), ...payloads].flatMap(
      (text) => text.match(/\/(?:home|root|work|tmp)\/\S{0,40}/g) ?? [],
    );
    expect(found).toEqual([]);
  });
});
