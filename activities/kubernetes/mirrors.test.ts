import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeKube } from '../../test/fakes/kube-watch.js';
import type { Cluster } from './client.js';
import { kinds } from './kinds.js';
import { closeMirrors, follow, heard, present } from './mirrors.js';

const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const slice = (service: string, ready: boolean) => ({
  metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
});
const long = 60_000;

let fake: FakeKube;
let cluster: Cluster;
beforeEach(async () => {
  fake = new FakeKube();
  cluster = await fake.start();
  fake.put(slices, slice('web', true));
});
afterEach(async () => {
  closeMirrors(cluster);
  await fake.stop();
});
const soon = (assertion: () => void) => vi.waitFor(assertion, { interval: 5, timeout: 10_000 });
const watching = (count: number) => soon(() => expect(fake.watching()).toBe(count));
const ask = (withinMs = long) => heard(cluster, kinds.endpointslices, 'shop', withinMs);
const use = (fatal: (error: unknown) => void = () => undefined, changed = () => undefined) => {
  const at = { topic: 'kubernetes.io/service-name=web', part: { labelSelector: 'app=web' } };
  return follow(cluster, kinds.endpointslices, 'shop', at, { changed, fatal });
};

describe('what is asked for', () => {
  it('once is not watched', async () => {
    expect(ask()).toBeNull();
    expect(fake.requests).toEqual([]);
  });

  it('again and again is watched from then on, and then costs no request', async () => {
    expect(ask()).toBeNull();
    expect(ask()).toBeNull();
    await watching(1);
    const requests = fake.requests.length;
    for (let i = 0; i < 200; i++) expect(ask()?.get('web-x')).toBeDefined();
    expect(fake.requests).toHaveLength(requests);
  });

  it('is not believed where the watch has been silent for too long for that', async () => {
    use();
    await watching(1);
    await soon(() => expect(ask(200)).toBeNull());
    expect(ask(long)).not.toBeNull();
    await soon(() => {
      fake.bookmark();
      expect(ask(200)).not.toBeNull();
    });
  });

  it('may not be watched: it is asked for each time, and watching is not tried again', async () => {
    const forbidden = { status: 403, reason: 'Forbidden' };
    fake.fail(forbidden);
    for (let i = 0; i < 2; i++) ask();
    expect(await present(cluster, kinds.endpointslices, 'shop', long)).toBeNull();
    for (let i = 0; i < 20; i++) expect(ask()).toBeNull();
    expect(fake.requests).toHaveLength(1);
  });
});

describe('what each release asks for', () => {
  it('is watched from the first on, and listed once for all who come meanwhile', async () => {
    const asked = Array.from({ length: 50 }, () => present(cluster, kinds.endpointslices, 'shop', long));
    for (const shelf of await Promise.all(asked)) expect(shelf?.get('web-x')).toBeDefined();
    await watching(1);
    expect(fake.requests).toHaveLength(2);
  });

  it('may not be watched, or cannot be had: it is asked for by who needs it', async () => {
    fake.fail({ status: 403, reason: 'Forbidden' });
    expect(await present(cluster, kinds.endpointslices, 'shop', long)).toBeNull();
    expect(await present(cluster, kinds.endpointslices, 'shop', long)).toBeNull();
    expect(fake.requests).toHaveLength(1);
  });
});

describe('two users of the same kind', () => {
  it('share one watch, which goes on when one of them leaves', async () => {
    let told = 0;
    const [first] = [use(), use(undefined, () => void told++)];
    await watching(1);
    first.leave();
    fake.closeWatches();
    await watching(1);
    const before = told;
    fake.put(slices, slice('web', false));
    await soon(() => expect(told).toBeGreaterThan(before));
    expect(fake.requests.filter((r) => r.includes('watch=true'))).toHaveLength(2);
  });

  it('leave it behind: it is read until it ends, and not begun again', async () => {
    use().leave();
    await watching(1);
    expect(ask()?.size).toBe(1);
    fake.closeWatches();
    await soon(() => expect(ask()).toBeNull());
    expect(fake.requests).toHaveLength(2);
    const again = use();
    await watching(1);
    await soon(() => expect(again.mirror.shelf.size).toBe(1));
  });
});

describe('a namespace that may not be watched whole', () => {
  it('is watched in the part that is asked for, as long as that is', async () => {
    fake.fail({ status: 403, reason: 'Forbidden' });
    const fatal = vi.fn<(error: unknown) => void>();
    const { leave } = use(fatal);
    await watching(1);
    expect(fake.requests.at(-1)).toContain('labelSelector=app%3Dweb');
    expect(fatal).not.toHaveBeenCalled();
    use(fatal).leave();
    expect(fake.requests).toHaveLength(3);
    leave();
    await watching(0);
  });

  it('nor in part is told to who asks', async () => {
    const forbidden = { status: 403, reason: 'Forbidden' };
    fake.fail(forbidden, forbidden);
    const error = await new Promise((fatal) => use(fatal));
    expect(error).toMatchObject({ status: 403 });
  });
});

it('with the process every watch ends', async () => {
  use();
  follow(
    cluster,
    kinds.pods,
    'shop',
    { topic: 'a', part: {} },
    { changed: () => undefined, fatal: () => undefined },
  );
  await watching(2);
  closeMirrors(cluster);
  await vi.waitFor(() => expect(fake.watching()).toBe(0));
});
