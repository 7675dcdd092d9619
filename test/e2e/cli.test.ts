/** The command as people and CI use it, against the real API: what it shows, how it ends, and that it loses no event when the API goes. */
import { serve, type ServerType } from '@hono/node-server';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseView } from '../../domain/release.js';
import { sluice, type Ran, type RunOptions } from '../cli.js';
import { eventually } from '../rig/eventually.js';
import { replay } from '../rig/replay.js';
import { quick, World } from '../rig/world.js';

let world: World;
let server: ServerType;
let url: string;
let file: string;

const listen = (port: number): Promise<number> =>
  new Promise((resolve) => {
    const options = { fetch: (request: Request) => world.api.fetch(request), hostname: '127.0.0.1', port };
    server = serve(options, (info) => resolve(info.port));
  });
const hangUp = (): void => {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
};
const run = (args: readonly string[], options?: RunOptions): Promise<Ran> =>
  sluice(url, [...args, '--as', 'ann'], options);

/** The release that waits for approval; asked again while the API is away. */
const waiting = (): Promise<string> =>
  eventually('a release to wait for approval', async () => {
    const { out } = await run(['status', '-o', 'json']);
    const { items } = JSON.parse(out) as { items: { id: string; phase: string; applications: string[] }[] };
    const ours = items.filter((r) => r.applications.includes(world.applicationName));
    return ours.find((r) => r.phase === 'waiting_for_approval')?.id ?? null;
  });

beforeAll(async () => {
  world = await World.create(inject('stack'));
  url = `http://127.0.0.1:${await listen(0)}`;
  file = join(mkdtempSync(join(tmpdir(), 'sluice-cli-')), 'app.yaml');
  writeFileSync(file, stringify(world.application({ ...quick, approval: { required: true } })));
  const { code, err } = await run(['apply', '-f', file]);
  if (code !== 0) throw new Error(`The application was not declared: ${err}`);
});
afterAll(async () => {
  hangUp();
  await world.close();
});

describe('the command against the real API', () => {
  it('shows a mistake at its line, and declares nothing twice', async () => {
    const wrong = stringify(world.application()).replace('drain:', 'drian:');
    const ran = await run(['apply', '-f', '-'], { stdin: wrong });
    expect(ran.code).toBe(5);
    expect(ran.err).toMatch(
      /<stdin>:\d+:3: There is no key "drian" here[\s\S]*\^{5}\n[\s\S]*Did you mean drain\?/,
    );
    expect((await run(['apply', '-f', file])).out).toBe(`${world.applicationName} unchanged, version 1\n`);
  });

  it('plans without changing anything, and says why it cannot', async () => {
    const before = await world.snapshot();
    const ran = await run(['plan', `${world.applicationName}@v2`]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^plan [0-9a-f]{16}, nothing was changed\n/);
    const unknown = await run(['plan', `${world.applicationName}@nothing`]);
    expect(unknown.code).toBe(5);
    expect(unknown.err).toContain('The registry has no image');
    expect(await world.snapshot()).toEqual(before);
  });

  it('follows a release through an API that goes and comes back, each event once, to exit code 0', async () => {
    let cuts = 0;
    const released = run(['release', `${world.applicationName}@v2`, '--wait', '--idempotency-key', 'cli-1'], {
      onOutput: (text) => {
        // Gone while it waits for approval, and once more on the way up.
        if (!/Waiting for an approver|50 % of traffic to gray \.\.\./.test(text)) return;
        cuts += 1;
        const port = Number(new URL(url).port);
        hangUp();
        server.once('close', () => void listen(port));
      },
    });
    await eventually('the API to be cut off', () => Promise.resolve(cuts === 1));
    const id = await waiting();
    await eventually('an approval to be taken', async () => {
      const { code } = await run(['approve', id, '--reason', 'fine']);
      return code === 0;
    });
    const ran = await released;
    expect(ran.code).toBe(0);
    expect(cuts).toBe(2);
    expect(ran.err).toContain('The server is away');
    const shown = ran.out.split('\n').filter((line) => /^\d\d:\d\d:\d\d /.test(line));
    const events = await world.events(id);
    expect(shown).toHaveLength(events.length);
    for (const [i, event] of events.entries()) expect(shown[i]).toContain(event.message);
    await replay(world.temporal, releaseWorkflowId(id));
  });

  it.each([
    ['reject', 4, 'approval_rejected'],
    ['abort', 7, 'aborted'],
  ])('%s ends --wait with %d', async (verb, code, failure) => {
    const before = await world.snapshot();
    const released = run(['release', `${world.applicationName}@v3`, '--wait', '-o', 'json']);
    const id = await waiting();
    expect(await run([verb, id, '--reason', 'not today'])).toMatchObject({ code: 0 });
    const ran = await released;
    expect(ran.code).toBe(code);
    const view = JSON.parse(ran.out) as ReleaseView;
    expect(view.outcome).toMatchObject({ phase: 'rolled_back', failure: { code: failure } });
    expect(await world.snapshot()).toEqual(before);
    await replay(world.temporal, releaseWorkflowId(id));
  });
});
