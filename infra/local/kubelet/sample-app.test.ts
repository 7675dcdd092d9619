import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../ports.js';
import { everyNth, startApp, type App } from './sample-app.js';

const apps: App[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.close();
});

async function start(env: Record<string, string>): Promise<{ url: string; app: App }> {
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const app = await startApp({
    env,
    pod: 'pod-1',
    address: '127.0.0.1',
    port,
    ingress: url,
    isReady: () => true,
  });
  apps.push(app);
  return { url, app };
}

describe('everyNth', () => {
  it.each([
    [0, 0],
    [0.2, 20],
    [0.01, 1],
    [0.5, 50],
    [0.333, 33],
    [1, 100],
  ])('with rate %d is true %d times of 100', (rate, expected) => {
    const fails = everyNth(rate);
    expect(Array.from({ length: 100 }, fails).filter(Boolean)).toHaveLength(expected);
  });

  it('is evenly spaced', () => {
    const fails = everyNth(0.2);
    expect(Array.from({ length: 10 }, fails)).toEqual(Array.from({ length: 10 }, (_, i) => i % 5 === 4));
  });
});

describe('the sample application', () => {
  it('says who it is', async () => {
    const { url } = await start({ APP: 'web', VERSION: 'v1' });
    const response = await fetch(url);
    expect(response.headers.get('x-version')).toBe('v1');
    expect(await response.json()).toEqual({
      app: 'web',
      version: 'v1',
      track: 'stable',
      pod: 'pod-1',
      tag: null,
      baggage: null,
      chain: 'web',
      versions: 'web v1',
    });
  });

  it('calls its upstream with the tag and appends to the chain', async () => {
    const far = await start({ APP: 'B', VERSION: 'v2', TRACK: 'gray' });
    const near = await start({ APP: 'A', VERSION: 'v1', UPSTREAM: far.url });
    const response = await fetch(near.url, { headers: { 'x-lane': 'gray' } });
    expect(await response.json()).toMatchObject({
      app: 'A',
      tag: 'gray',
      chain: 'A -> Bgray',
      versions: 'A v1 -> B v2',
    });
    expect(response.headers.get('x-versions')).toBe('A v1 -> B v2');
  });

  it('passes on only the headers that it is told to', async () => {
    const got: IncomingHttpHeaders[] = [];
    const far = createServer((incoming, response) => {
      got.push(incoming.headers);
      response.end('{}');
    });
    const [port] = (await freePorts(1)) as [number];
    await new Promise<void>((resolve) => far.listen(port, '127.0.0.1', resolve));
    const headers = { 'x-lane': 'gray', 'x-user': '7', baggage: 'lane=gray' };
    const UPSTREAM = `http://127.0.0.1:${port}`;
    for (const env of [{ UPSTREAM }, { UPSTREAM, PASSES_ON: 'baggage' }])
      expect((await fetch((await start(env)).url, { headers })).status).toBe(200);
    far.close();
    expect(got).toMatchObject([{ 'x-lane': 'gray', baggage: 'lane=gray' }, { baggage: 'lane=gray' }]);
    expect([got[0]?.['x-user'], got[1]?.['x-lane']]).toEqual([undefined, undefined]);
  });

  it('answers 502 where its upstream fails', async () => {
    const far = await start({ APP: 'B', ERROR_RATE: '1' });
    const near = await start({ APP: 'A', UPSTREAM: far.url });
    const response = await fetch(near.url);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ chain: `A -> ${far.url} 500` });
  });

  it('closes connections while it drains', async () => {
    const { url, app } = await start({ APP: 'web' });
    expect((await fetch(url)).headers.get('connection')).toBe('keep-alive');
    app.drain();
    expect((await fetch(url)).headers.get('connection')).toBe('close');
  });
});
