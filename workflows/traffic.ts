/** Traffic on the way forward: the routes of a stage taken in hand, tagged, weighed and given back, and the probe of them. */
import { ActivityFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { Behind, Finding, TrafficInput, TrafficResult } from '../activities/contract.js';
import { failure } from '../domain/failures.js';
import { entriesOf, hasGray, isChained } from '../domain/member.js';
import { drainMsOf, type Stage } from '../domain/stage.js';
import { type Routed } from '../domain/target.js';
import type { AnyRoute, Tag, Traffic } from '../domain/traffic.js';
import { doubtOf, verdictOf } from '../domain/verified.js';
import { quickly, setTrafficTogether } from './activities.js';
import { patienceMs, probePatienceMs } from './awaited.js';
import { failureError, failureOf } from './failures.js';
import type { Run } from './run.js';
import type { Done, Reached, Targets } from './steps.js';
import { inOrder, levelsOf, together } from './together.js';

/** How often gray is asked before that is given up; one probe takes about eight seconds to fail. */
const probes = { asStep: 6, beforeShare: 3 } as const;

/**
 * From the moment its route is taken the entry takes the tag off what it does not send to gray. Requests that brought one before are let
 * end before the next applications have a rule for it: they began without gray. The entry lets the tag in when each proxy has had the time
 * to hear of those rules, one of another controller, or a busy one: until then a tagged request would meet gray of some and stable of others.
 */
export async function tagged(
  run: Run,
  stage: Stage,
  targets: Targets,
  reached: Reached,
  tag: Tag,
): Promise<Done> {
  const inner = targets.filter((t) => t.inner === true);
  const entries = entriesOf(stage, targets);
  await takeRoutes(run, entries, reached);
  if (inner.length > 0) {
    await sleep(drainMsOf(stage), { summary: 'requests with a tag of their own end' });
    await takeRoutes(run, inner, reached);
  }
  const traffic = { gray: 0, tag };
  if (inner.length === 0 || !run.changes.has('the-tag-comes-in-when-its-rules-are-known'))
    return moveTraffic(run, stage, [...inner, ...entries], reached, traffic);
  await setTraffic(run, stage, inner, traffic);
  await sleep(drainMsOf(stage), { summary: 'proxies hear of the rules for the tag' });
  return moveTraffic(run, stage, entries, reached, traffic);
}

/** The gray Service joins the route with weight 0, so that the data plane knows it before any request goes there. */
export async function takeRoutes(run: Run, routed: readonly Routed[], reached: Reached): Promise<void> {
  run.graySince = new Date().toISOString();
  await inOrder(routed, async ({ application, route }) => {
    reached.route.add(application);
    if (route === null) {
      reached.taken.add(application);
      return;
    }
    const input = { release: run.inputs.id, route, seq: run.nextSeq() };
    const options = { patienceMs, summary: `take ${route.route} in hand` };
    await run.blaming(application, () => quickly('prepareRoute', route.cluster, input, options));
    reached.taken.add(application);
  });
}

/**
 * Before its first share gray is asked with its tag through the entry, where there is one: what the controller has taken may not be known to
 * a proxy that has just lost it, and then the share would be answered 503. Gray that cannot be asked so gets its share all the same.
 */
export async function introduce(run: Run, stage: Stage, routed: readonly Routed[]): Promise<void> {
  const target = routed.find(({ probe, route }) => probe !== null && route !== null);
  // One controller tells an Istio proxy all of it, in the right order.
  if (target === undefined || target.route!.router === 'istio') return;
  // By a value that nobody else sends: requests of a lane that come through here have its own.
  const { header, value } = target.probe!.tag;
  const tag = { header, value: `${value}-${run.inputs.id}` };
  const asked = routed.map((one) => (one.probe === null ? one : { ...one, probe: { ...one.probe, tag } }));
  try {
    const results = await setTraffic(run, stage, routed, { gray: 0, tag });
    // Without the tag a share was set already, by a worker that was killed then.
    if (results.every(({ after }) => after.tag !== null)) await askTagged(run, asked, probes.beforeShare);
  } catch (error) {
    const { code, message } = failureOf(error);
    const isUnanswered = error instanceof ActivityFailure && error.activityType === 'probe';
    const isTaken = code === 'route_unfit' || code === 'lanes_collide';
    if (isCancellation(error) || (!isUnanswered && !isTaken)) throw error;
    run.record.note('note', `Gray was not asked before its first share: ${message}`);
  }
}

export async function moveTraffic(
  run: Run,
  stage: Stage,
  routed: readonly Routed[],
  reached: Reached,
  traffic: Traffic,
  gray: GraySize = {},
): Promise<Done> {
  await setTraffic(run, stage, routed, traffic, gray);
  reached.traffic = traffic;
  return {
    result:
      traffic.tag === null || traffic.gray > 0 ? `${traffic.gray} % on gray` : 'tagged requests on gray',
    findings: [],
  };
}

async function setTraffic(
  run: Run,
  stage: Stage,
  routed: readonly Routed[],
  traffic: Traffic,
  { sized, grown = new Map() }: GraySize = {},
): Promise<readonly TrafficResult[]> {
  const results: TrafficResult[] = [];
  for (const beside of levelsOf(routed)) {
    const writes = beside.flatMap(({ application, route }): Write[] => {
      if (route === null) return [];
      const numbered = { release: run.inputs.id, route, traffic, seq: run.nextSeq() };
      const size = { ...(sized === true ? { sized } : {}), ...grownIn(grown, application) };
      const input = { ...numbered, ...size, ...behind(stage, route, traffic, grown) };
      return [{ application, input }];
    });
    results.push(...(await writeBeside(run, writes)));
  }
  weighed(run, stage, traffic.gray);
  for (const change of results.flatMap(({ foreign }) => foreign))
    run.record.note('note', `Somebody else changed the route: ${change}`);
  return results;
}

/** What is known of gray when it gets a share. */
interface GraySize {
  /** Whether it may have become too small. Default false. */
  readonly sized?: boolean;
  /** Pods of those applications whose gray was just made larger. */
  readonly grown?: ReadonlyMap<string, number>;
}

function grownIn(pods: ReadonlyMap<string, number>, application: string): { readonly grown?: number } {
  const grown = pods.get(application);
  return grown === undefined ? {} : { grown };
}

interface Write {
  readonly application: string;
  readonly input: TrafficInput<AnyRoute>;
}

/**
 * Several routes that the worker of the workflow can write are written by one activity: to start one for each takes as long as to write
 * them. What that could not do is done again by itself, and told of.
 */
async function writeBeside(run: Run, writes: readonly Write[]): Promise<TrafficResult[]> {
  const here = writes.filter(({ input }) => input.route.cluster === 'default');
  if (here.length < 2 || !run.changes.has('routes-are-written-together'))
    return together(writes.map((write) => async () => writeOne(run, write)));
  const elsewhere = writes.filter((write) => !here.includes(write));
  const inOne = async (): Promise<TrafficResult[]> => {
    const found = await setTrafficTogether(
      here.map(({ input }) => input),
      `${here[0]!.input.traffic.gray} % of ${here.length} routes to gray`,
    );
    for (const result of found) if (result !== null) refuseUnready(run, result);
    return together(here.map((write, i) => async () => found[i] ?? writeOne(run, write)));
  };
  const others = elsewhere.map((write) => async () => [await writeOne(run, write)]);
  return (await together([inOne, ...others])).flat();
}

async function writeOne(run: Run, { application, input }: Write): Promise<TrafficResult> {
  const { route, traffic } = input;
  const options = { patienceMs, summary: `${traffic.gray} % of ${route.route} to gray` };
  const result = await run.blaming(application, () => quickly('setTraffic', route.cluster, input, options));
  refuseUnready(run, result);
  return result;
}

function refuseUnready(run: Run, { unready }: TrafficResult): void {
  if (unready === undefined) return;
  const missing = failure('endpoints_missing', { track: 'gray', service: unready.route.grayService });
  throw run.blame(unready.application, failureError(missing));
}

/** What requests of the share come to behind an entry, in the cluster whose worker writes it. */
function behind(
  { targets }: Stage,
  entry: AnyRoute,
  { tag, gray }: Traffic,
  grown: ReadonlyMap<string, number>,
): Pick<TrafficInput, 'behind'> {
  const inner = targets.flatMap(({ inner: isInner, application, route }): Behind[] =>
    isInner === true && route !== null && route.cluster === entry.cluster
      ? [{ application, route, ...grownIn(grown, application) }]
      : [],
  );
  return inner.length === 0 || tag === null || gray === 0 ? {} : { behind: inner };
}

export async function probe(run: Run, entries: readonly Routed[]): Promise<Done> {
  const findings = await askTagged(run, entries, probes.asStep);
  const told = findings
    .map(({ data }) => (data as { readonly doubt?: unknown }).doubt)
    .find((doubt) => typeof doubt === 'string');
  const doubt = told ?? doubtOf(entries.find((entry) => entry.probe !== null)?.probe ?? {});
  return { result: verdictOf('the tag leads to gray, no tag to stable', doubt), findings };
}

/**
 * Asks with and without the tag until the answers differ as they should: a proxy may learn of gray's pods only when its controller has found
 * the API server again.
 */
async function askTagged(run: Run, entries: readonly Routed[], most: number): Promise<readonly Finding[]> {
  const options = { patienceMs: probePatienceMs, summary: 'probe' };
  const results = await inOrder(entries, async (target) => {
    const input = { release: run.inputs.id, target };
    for (let tries = 1; ; tries++) {
      try {
        return await quickly('probe', target.cluster, input, options);
      } catch (error) {
        if (failureOf(error).code !== 'probe_failed' || tries === most) throw error;
      }
    }
  });
  return results.flatMap((r) => r.findings);
}

/**
 * In a lane a request that went to the stable of one application, before gray got everything, must not meet the promoted stable of the next:
 * such requests are let end, and proxies that have not yet heard of the last weight get time to.
 */
export async function beforePromotion(stage: Stage, targets: Targets): Promise<void> {
  if (!isChained(targets)) return;
  await sleep(drainMsOf(stage), { summary: 'requests on their way to stable end' });
}

/** Where requests come in first, so that none is told by the tag to go where the rule has gone already; those that were told end meanwhile. */
export async function returnTraffic(
  run: Run,
  stage: Stage,
  targets: Targets,
  reached: Reached,
): Promise<Done> {
  const giveBack = async ({ application, route }: Routed): Promise<void> => {
    if (route === null) return void reached.route.delete(application);
    // Gray is removed after its drain; at an edge there is none.
    const input = { release: run.inputs.id, route, stays: reached.gray.has(application) };
    const options = { patienceMs, summary: `give ${route.route} back` };
    const { stays } = await quickly('restoreRoute', route.cluster, input, options);
    if (!stays) reached.route.delete(application);
  };
  const { edges = [] } = stage;
  const inner = targets.filter((t) => t.inner === true);
  if (inner.length > 0 && run.changes.has('requests-with-the-tag-end-before-its-rules-go')) {
    const outer = [...targets.filter((t) => t.inner !== true), ...edges];
    await inOrder<Routed, void>(outer, giveBack, 'callers first');
    await sleep(drainMsOf(stage), { summary: 'requests with the tag end' });
    await inOrder(inner, giveBack, 'callers first');
  } else {
    await inOrder<Routed, void>([...targets, ...edges], giveBack, 'callers first');
  }
  reached.traffic = { gray: 0, tag: null };
  weighed(run, stage, 0);
  const result = `stable carries everything${reached.route.size > 0 ? '' : ', the route is as it was'}`;
  return { result, findings: [] };
}

/** What the share means to each application that has a gray track with a route. */
export function weighed({ record }: Run, { targets }: Stage, gray: number): void {
  record.weigh(
    targets.filter((t) => hasGray(t) && t.route !== null).map((t) => t.application),
    gray,
  );
}
