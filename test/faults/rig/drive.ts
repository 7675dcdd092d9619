/** One release of an application of the fleet, from its request to its end, and everything that must be true of it then. */
import { expect } from 'vitest';
import { releaseIdOfKey } from '../../../domain/ids.js';
import type { ReleaseView } from '../../../domain/release.js';
import { eventually } from '../../rig/eventually.js';
import { withImage, type Snapshot } from '../../rig/snapshot.js';
import type { World } from '../../rig/world.js';
import type { Entry, WatchedDeployment } from './cluster-watch.js';
import type { Fleet } from './fleet.js';
import { ask, pollMs, reaches, type Scenario } from './scenarios.js';

export interface Done {
  readonly id: string;
  readonly scenario: string;
  readonly view: ReleaseView;
  /** Writes to the rules of the route. */
  readonly routeWrites: number;
}

/** Asks for a release under a key of its own, drives it, and proves its end. Throws what is not as promised. */
export async function carryOut(fleet: Fleet, world: World, scenario: Scenario, key: string): Promise<Done> {
  const id = releaseIdOfKey(key);
  await world.declare(world.application(scenario.release));
  const before = await lasting(() => world.snapshot());
  const image = await otherImage(world, before);
  const from = newest(fleet, world);
  await ask(world, id, image, key);
  await scenario.drive(world, id);
  const view = await reaches(world, id, 'ended', (v) => v.outcome !== null);
  expect(view.outcome, `outcome of ${id}: ${JSON.stringify(view.outcome?.failure)}`).toMatchObject({
    phase: scenario.ends,
    left: [],
  });
  await expectUndisturbed(world, view, before);
  await seen(fleet, world);
  const own = fleet.watch.of(world.namespace).filter((e) => e.version > from);
  expectOnce(world, view, own);
  const routes = fleet.watch
    .routes(world.namespace)
    .filter((_, i, all) => (all[i + 1]?.version ?? Infinity) > from);
  const weights = routes.map((r) => Math.max(0, ...r.weights.map((rule) => rule[`${world.name}-gray`] ?? 0)));
  expect(weights.filter((w, i) => w !== weights[i - 1])).toEqual(scenario.weights);
  return { id, scenario: scenario.name, view, routeWrites: routes.length - 1 };
}

/** P3, P9: the user's objects are byte for byte what they were, but for the image of a success; nothing of ours is left. */
async function expectUndisturbed(world: World, view: ReleaseView, before: Snapshot): Promise<void> {
  const promoted = `${world.repository}@${view.applications[0]!.digest!}`;
  const expected =
    view.outcome?.phase === 'succeeded' ? withImage(before, imageIn(before), promoted) : before;
  expect(await lasting(() => world.snapshot())).toEqual(expected);
  expect(await lasting(() => world.leftovers())).toEqual([]);
  expect(view.steps.filter((s) => s.state === 'running' || s.state === 'pending')).toEqual([]);
}

/** P2, P8: stable changed once and after every gate, to the digest that was gray; gray was made once. */
function expectOnce(world: World, view: ReleaseView, own: readonly Entry[]): void {
  const of = (name: string) =>
    own.flatMap(({ kind, object, at, name: n }) =>
      kind === 'deployment' && n === name && object !== null
        ? [{ at, object: object as WatchedDeployment }]
        : [],
    );
  const gray = of(`${world.name}-gray`);
  expect(new Set(gray.map((g) => g.object.metadata.uid)).size, 'gray Deployments').toBe(1);
  const stable = of(world.name);
  const generations = new Set(stable.map((s) => s.object.metadata.generation));
  const images = new Set([...gray, ...stable].map((s) => s.object.spec.template.spec.containers[0]!.image));
  const promote = view.steps.find((s) => s.kind === 'promote')?.startedAt ?? null;
  if (view.outcome?.phase !== 'succeeded') {
    expect(stable.filter((s) => imageOf(s.object) === imageOf(gray[0]!.object))).toEqual([]);
    return;
  }
  expect([...images]).toContain(`${world.repository}@${view.applications[0]!.digest!}`);
  const promoted = stable.filter((s) => imageOf(s.object) === imageOf(gray[0]!.object));
  expect(new Set(promoted.map((s) => s.object.metadata.generation)).size, 'promotions').toBe(1);
  expect(generations.size, 'versions of stable').toBeLessThanOrEqual(2);
  // One machine, one clock; that of the releases is Temporal's, which nobody steps.
  expect(promoted[0]!.at).toBeGreaterThanOrEqual(Date.parse(promote!) - 20);
  for (const { id, startedAt, endedAt } of view.steps.filter((s) => s.kind === 'hold')) {
    const { durationMs } = stepOf(view, id);
    const lasted = Date.parse(endedAt!) - Date.parse(startedAt!);
    expect(lasted, `${id} of ${view.id}, ms`).toBeGreaterThanOrEqual(durationMs - 50);
  }
  const gates = view.steps.filter((s) => s.kind === 'approval' || s.kind === 'hold');
  for (const gate of gates) expect(gate.endedAt! <= promote!, `${gate.id} before the promotion`).toBe(true);
}

function stepOf(view: ReleaseView, id: string): { readonly durationMs: number } {
  const step = view.plan?.stages.flatMap((stage) => stage.steps).find((s) => s.id === id);
  return step?.kind === 'hold' ? step : { durationMs: 0 };
}

const imageOf = (d: WatchedDeployment): string => d.spec.template.spec.containers[0]!.image;
const imageIn = (taken: Snapshot): string => /"image":"([^"]+)"/.exec(taken['Deployment/shop']!)![1]!;

/** v2, unless that is what stable runs: then v3. */
async function otherImage(world: World, before: Snapshot): Promise<string> {
  return imageIn(before).includes(await digestOf(world, 'v2')) ? 'v3' : 'v2';
}

const digests = new Map<string, string>();
/** Of a tag that the world pushed. */
export async function digestOf(world: World, tag: string): Promise<string> {
  const key = `${world.repository}:${tag}`;
  const known = digests.get(key) ?? (await world.image(tag)).split('@').at(-1)!;
  digests.set(key, known);
  return known;
}

const newest = (fleet: Fleet, world: World): number =>
  Math.max(0, ...fleet.watch.of(world.namespace).map((e) => e.version));

/** The watch has seen what the API server has now. */
async function seen(fleet: Fleet, world: World): Promise<void> {
  const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${world.namespace}/httproutes/${world.name}`;
  await eventually(
    'the watch to have seen the route',
    async () => {
      const { metadata } = await world.kube.get(path);
      const known = fleet.watch
        .of(world.namespace)
        .filter((e) => e.kind === 'route')
        .at(-1);
      return known !== undefined && known.version >= Number(metadata.resourceVersion);
    },
    60_000,
  );
}

/** Asks again while the API server is away. */
const lasting = <T>(ask: () => Promise<T>): Promise<NonNullable<T>> =>
  eventually('the API server to answer', ask, 60_000, pollMs);

/** P6: pairs of releases of one application of which one began a step before the other had ended its last. */
export function overlaps(done: readonly Done[]): string[] {
  const spans = done
    .map(({ id, view }) => ({
      id,
      application: view.applications[0]!.name,
      from: view.steps.flatMap((s) => s.startedAt ?? []).toSorted()[0]!,
      to: view.steps
        .flatMap((s) => s.endedAt ?? [])
        .toSorted()
        .at(-1)!,
    }))
    .toSorted((a, b) => a.application.localeCompare(b.application) || a.from.localeCompare(b.from));
  return spans.flatMap((span, i) => {
    const next = spans[i + 1];
    const clash = next !== undefined && next.application === span.application && next.from < span.to;
    return clash ? [`${span.id} and ${next.id}`] : [];
  });
}
