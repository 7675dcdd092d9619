import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeKube } from '../../test/fakes/kube-watch.js';
import type { Cluster } from './client.js';
import type { KubeObject, Deployment } from './objects.js';
import { kinds } from './kinds.js';
import { Mirror, mirrorSettings, type MirrorSettings } from './mirror.js';
import { anything } from './shelf.js';

const deployments = '/apis/apps/v1/namespaces/shop/deployments';
const object = (name: string, app = name, generation = 1): KubeObject => ({
  metadata: { name, generation, labels: { app } },
  spec: {},
});

let fake: FakeKube;
let cluster: Cluster;
const open: Mirror<Deployment>[] = [];
beforeEach(async () => {
  fake = new FakeKube();
  cluster = await fake.start();
});
afterEach(async () => {
  for (const mirror of open.splice(0)) mirror.close();
  await fake.stop();
});

function mirrored(settings: Partial<MirrorSettings> = {}): Mirror<Deployment> {
  const mirror = new Mirror(cluster, kinds.deployments, 'shop', {}, { ...mirrorSettings, ...settings });
  open.push(mirror);
  return mirror;
}
const soon = (assertion: () => void) => vi.waitFor(assertion, { interval: 5, timeout: 10_000 });
const watched = () => soon(() => expect(fake.watching()).toBe(1));
const names = (mirror: Mirror<Deployment>): string[] =>
  mirror.shelf
    .all()
    .map((d) => d.metadata.name)
    .toSorted();
const nobody = { changed: () => undefined, fatal: () => undefined };
const lists = (): number => fake.requests.filter((r) => !r.includes('watch=true')).length;

describe('what one watch keeps up to date', () => {
  it('is what was listed, and every event since, with two requests', async () => {
    fake.put(deployments, object('a'));
    fake.put(deployments, object('gone'));
    const mirror = mirrored();
    await watched();
    fake.put(deployments, object('b'));
    fake.put(deployments, object('a', 'a', 2));
    fake.remove(deployments, 'gone');
    await soon(() => expect(names(mirror)).toEqual(['a', 'b']));
    expect(mirror.shelf.get('a')?.metadata.generation).toBe(2);
    expect(fake.requests).toHaveLength(2);
    expect(fake.requests[1]).toContain('allowWatchBookmarks=true');
  });

  it('is listed in parts', async () => {
    for (let i = 0; i < 1_100; i++) fake.put(deployments, object(`d${i}`));
    const mirror = mirrored();
    await watched();
    expect(mirror.shelf.size).toBe(1_100);
    expect(lists()).toBe(3);
  });

  it('is told to those who listen to its name or labels, and to no others', async () => {
    const heard: string[] = [];
    const mirror = mirrored();
    await watched();
    const listen = (topic: string) =>
      mirror.follow(topic, { changed: () => heard.push(topic), fatal: () => undefined });
    for (const topic of ['a', 'app=shop', 'b', 'app=other']) listen(topic);
    const leave = listen(anything);
    fake.put(deployments, object('a', 'shop'));
    await soon(() => expect(heard.toSorted()).toEqual([anything, 'a', 'app=shop']));
    leave();
    fake.put(deployments, object('a', 'moved'));
    await soon(() => expect(heard.toSorted()).toEqual([anything, 'a', 'a', 'app=shop', 'app=shop']));
  });

  it('is right also where thousands of events come at once', async () => {
    const mirror = mirrored();
    await watched();
    for (let i = 0; i < 5_000; i++) fake.put(deployments, object(`d${i % 50}`, 'x', i));
    fake.put(deployments, object('last'));
    await soon(() => expect(mirror.shelf.get('last')).toBeDefined());
    expect(mirror.shelf.get('d49')?.metadata.generation).toBe(4_999);
    expect(mirror.shelf.size).toBe(51);
  });
});

describe('a watch that does not last', () => {
  it.each([
    ['was closed', async () => fake.closeWatches()],
    ['is too old', async () => fake.closeWatches(410)],
    ['lost its server for a moment', async () => fake.stop().then(() => fake.start())],
  ])('because it %s is begun again with a list: what happened meanwhile is seen', async (_, end) => {
    fake.put(deployments, object('gone'));
    const mirror = mirrored();
    mirror.follow(anything, nobody);
    await watched();
    await end();
    fake.remove(deployments, 'gone');
    fake.put(deployments, object('new'));
    await soon(() => expect(names(mirror)).toEqual(['new']));
    await watched();
    expect(lists()).toBeGreaterThan(1);
  });

  it('says why while its server is away, and is not believed', async () => {
    const mirror = mirrored();
    mirror.follow(anything, nobody);
    await watched();
    expect(mirror.heardWithin(60_000)).toBe(true);
    await fake.stop();
    await soon(() => expect(mirror.trouble).toMatch(/cannot be reached|terminated|closed/));
    expect(mirror.heardWithin(60_000)).toBe(false);
    await fake.start();
    await soon(() => expect(mirror.trouble).toBeNull());
    expect(mirror.heardWithin(60_000)).toBe(true);
  });

  it('is not begun again when nobody follows it any more', async () => {
    const mirror = mirrored();
    const leave = mirror.follow(anything, nobody);
    await watched();
    leave();
    fake.closeWatches();
    await mirror.done;
    expect(mirror.ended).toEqual({ why: null });
    expect(mirror.heardWithin(60_000)).toBe(false);
    expect(fake.requests).toHaveLength(2);
  });

  it('that a proxy closes each time at once is begun again more and more slowly', async () => {
    const mirror = mirrored();
    mirror.follow(anything, nobody);
    const closing = setInterval(() => fake.closeWatches(), 5);
    const begun = performance.now();
    await soon(() => expect(lists()).toBe(4));
    clearInterval(closing);
    expect(performance.now() - begun).toBeGreaterThan(1_500);
  });
});

describe('a connection that died without a word', () => {
  it('is found out by its silence', async () => {
    const mirror = mirrored({ silenceMs: 300 });
    mirror.follow(anything, nobody);
    await watched();
    fake.fallSilent();
    fake.put(deployments, object('missed'));
    await soon(() => expect(names(mirror)).toEqual(['missed']));
    expect(lists()).toBeGreaterThan(1);
  });

  it('is not what a server is that sends bookmarks', async () => {
    const mirror = mirrored({ silenceMs: 1_500 });
    mirror.follow(anything, nobody);
    await watched();
    let marks = 0;
    const marking = setInterval(() => {
      fake.bookmark();
      marks++;
    }, 50);
    await soon(() => expect(marks).toBeGreaterThan(40));
    expect(mirror.heardWithin(1_500)).toBe(true);
    clearInterval(marking);
    expect(fake.requests).toHaveLength(2);
  });

  it('may be older than what somebody has to know', async () => {
    const mirror = mirrored();
    await watched();
    fake.fallSilent();
    await soon(() => expect(mirror.heardWithin(50)).toBe(false));
    expect(mirror.heardWithin(60_000)).toBe(true);
  });
});

describe('a watch that cannot work', () => {
  it.each([
    ['is forbidden', { status: 403, reason: 'Forbidden' }, 403],
    ['is of nothing that is known', { status: 404, reason: 'NotFound' }, 404],
  ])('because it %s says so at once and ends', async (_, fault, status) => {
    fake.fail(fault);
    const mirror = mirrored();
    const told = new Promise((fatal) => mirror.follow(anything, { ...nobody, fatal }));
    expect(await told).toMatchObject({ status });
    await mirror.done;
    expect(fake.requests).toHaveLength(1);
  });

  it('because there is more than is worth keeping says that', async () => {
    for (let i = 0; i < 20; i++) fake.put(deployments, object(`d${i}`));
    const mirror = mirrored({ mostObjects: 10 });
    const told = new Promise((fatal) => mirror.follow(anything, { ...nobody, fatal }));
    expect(await told).toMatchObject({ name: 'TooMany', message: 'more than 10 deployments' });
    expect(mirror.shelf.size).toBe(0);
  });
});
