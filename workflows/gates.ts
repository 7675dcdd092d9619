/** Whether versions have passed the environments before, as far as it is known when a plan is made. */
import type { Application } from '../domain/application.js';
import type { Failure } from '../domain/failures.js';
import { environmentsOf, stageNames } from '../domain/plan.js';
import type { Ticket } from '../domain/queue.js';
import { environmentsBefore, gatesOf, type Gate } from '../domain/stage-order.js';
import { resolvedImage, type Images } from './images.js';
import type { Run } from './run.js';
import type { Turn } from './messages.js';

export interface Gates {
  /** By environment. */
  readonly gates: ReadonlyMap<string, readonly Gate[]>;
  readonly problems: readonly Failure[];
}

/** @param from index of the first stage that is not done yet */
export function gatesBefore(run: Run, images: Images, from: number): Gates {
  const { applications, request, passes } = run.inputs;
  const gates = new Map<string, readonly Gate[]>();
  const problems: Failure[] = [];
  // A rollback leads to what was there before; a release of an older API does not know.
  if (passes === undefined || request.wayBack !== undefined) return { gates, problems };
  for (const [i, environment] of stageNames(applications, request.environment).entries()) {
    if (i < from) continue;
    const found = applications.flatMap((spec) => gatesInto(run, images, spec, environment));
    problems.push(...found.filter((f) => 'code' in f));
    gates.set(
      environment,
      found.filter((f): f is Gate => !('code' in f)),
    );
  }
  return { gates, problems };
}

function gatesInto(
  run: Run,
  images: Images,
  application: Application,
  environment: string,
): readonly (Gate | Failure)[] {
  const { applications, request } = run.inputs;
  const image = resolvedImage(run, images, application.name);
  const own = environmentsOf(application, request.environment).map((e) => e.name);
  if (image === undefined || !own.includes(environment)) return [];
  const { digest, version } = image;
  const stages = stageNames(applications, request.environment);
  // What it did itself nobody can roll back before it has ended.
  const here = stages.slice(0, stages.indexOf(environment)).filter((name) => own.includes(name));
  const told = run.passesOf({ application: application.name, environment });
  const passes = told ?? run.inputs.passes?.[application.name] ?? [];
  const found = gatesOf({ application, environment, digest, version, passes, here, request });
  return 'code' in found ? [found] : found;
}

/** What a release asks to be told with a turn. */
export function questionAt(
  run: Run,
  images: Images,
  { application, environment }: Turn,
): Pick<Ticket, 'passed'> {
  const { applications, passes, request } = run.inputs;
  if (passes === undefined || request.wayBack !== undefined) return {};
  const spec = applications.find((a) => a.name === application);
  // A turn at the route of an application that is not released.
  if (spec === undefined) return {};
  const own = environmentsOf(spec, request.environment).map((e) => e.name);
  const environments = environmentsBefore(spec, environment).filter((name) => !own.includes(name));
  const digest = resolvedImage(run, images, application)?.digest;
  return environments.length === 0 || digest === undefined ? {} : { passed: { digest, environments } };
}
