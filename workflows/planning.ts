/** Making the plan: resolve the images once, look at the clusters, compute. Changes nothing. */
import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import { releaseSettings } from '../domain/application.js';
import type { Failure } from '../domain/failures.js';
import { failure } from '../domain/failures.js';
import {
  computePlan,
  environmentsOf,
  type Observation,
  type Plan,
  type PlannedApplication,
  type ResolvedImage,
} from '../domain/plan.js';
import { quickly } from './activities.js';
import { failureOf } from './failures.js';
import type { Run } from './run.js';

export interface Planning {
  readonly plan: Plan | null;
  readonly problems: readonly Failure[];
}

/** How long a neighbour that is away is waited for: while somebody waits for the answer, and while nobody does. */
export const patience = { attendedMs: 10_000, unattendedMs: 5 * 60_000 } as const;

/** Digests by application; a release keeps them to its end. */
export type Images = ReadonlyMap<string, ResolvedImage>;

export async function resolveImages(run: Run): Promise<{ images: Images; problems: readonly Failure[] }> {
  const images = new Map<string, ResolvedImage>();
  const problems: Failure[] = [];
  for (const [i, { name, image }] of run.inputs.request.applications.entries()) {
    const spec = run.inputs.applications[i]!;
    try {
      const input = { image, repository: spec.image };
      images.set(
        name,
        await quickly('resolveImage', 'default', input, {
          patienceMs: patience.attendedMs,
          summary: `digest of ${image}`,
        }),
      );
    } catch (error) {
      problems.push({ ...failureOf(error), pointer: `/applications/${i}/image` });
    }
  }
  return { images, problems };
}

/** Looks at every environment that the release goes through, all at once, and computes the plan. */
export async function makePlan(
  run: Run,
  images: Images,
  patienceMs: number = patience.attendedMs,
): Promise<Planning> {
  const { request, applications } = run.inputs;
  const problems: Failure[] = [];
  const planned: PlannedApplication[] = [];
  for (const spec of applications) {
    const environments = environmentsOf(spec, request.environment);
    if (environments.length === 0) {
      const known = spec.environments.map((e) => e.name);
      problems.push(
        failure(
          'environment_unknown',
          { application: spec.name, environment: request.environment ?? '', known },
          '/environment',
        ),
      );
    }
    const seen = await Promise.all(environments.map((e) => observe(run, spec, e.name, problems, patienceMs)));
    const observations = seen.filter((o): o is Observation => o !== null);
    const image = images.get(spec.name);
    if (image !== undefined) planned.push({ spec, image, observations });
  }
  if (problems.length > 0) return { plan: null, problems };
  const { environment, strategy, lane } = request;
  return { plan: computePlan({ applications: planned, environment, strategy, lane }), problems };
}

async function observe(
  run: Run,
  spec: PlannedApplication['spec'],
  name: string,
  problems: Failure[],
  patienceMs: number,
): Promise<Observation | null> {
  const environment = spec.environments.find((e) => e.name === name)!;
  const lane = run.inputs.request.lane ?? releaseSettings(spec, environment).lane;
  const summary = `look at ${spec.name} in ${name}`;
  try {
    const input = { application: spec, environment: name, lane, strategy: run.inputs.request.strategy };
    const result = await quickly('observe', environment.cluster ?? 'default', input, { patienceMs, summary });
    problems.push(...result.problems);
    return result.observation;
  } catch (error) {
    problems.push(lookFailure(error, environment.cluster ?? 'default'));
    return null;
  }
}

function lookFailure(error: unknown, cluster: string): Failure {
  const timeout = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(timeout instanceof TimeoutFailure)) return failureOf(error);
  return timeout.timeoutType === 'SCHEDULE_TO_START'
    ? failure('cluster_unknown', { cluster, known: [] })
    : failure('cluster_unreachable', { cluster, why: 'it did not answer in time' });
}
