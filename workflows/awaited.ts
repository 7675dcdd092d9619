/** What a step waits for that does not say so itself: as data, so that telling it is no event in the history. */
import { entriesOf, isChained } from '../domain/member.js';
import { concerned, drainMsOf, type Size, type Stage, type Step } from '../domain/stage.js';
import { type Routed, type Target } from '../domain/target.js';
import { quietQuestion } from '../domain/quiet.js';
import type { Waiting } from '../domain/release.js';

/** How long a neighbour that is away is waited for on the way forward. */
export const patienceMs = 5 * 60_000;

/** Null: a hold or an approval, which tells more. */
export function awaitedIn(stage: Stage, step: Step, now = Date.now()): Omit<Waiting, 'since'> | null {
  const targets = concerned(stage, step);
  const all = [...targets, ...(stage.edges ?? [])];
  const progressMs = Math.max(...targets.map((t) => t.progressDeadlineMs));
  const awaited = (what: string, ms: number) => ({
    what,
    until: new Date(now + ms).toISOString(),
    can: ['abort'],
  });
  const each = (name: (target: Target) => string): string => targets.map(name).join(', ');
  const gray = each((t) => t.gray);
  const routesOf = (some: readonly Routed[]): string =>
    some.map((t) => t.route?.route ?? t.application).join(', ');
  const pods = ({ replicas, sizes }: Size): string =>
    `${each((t) => `${sizes?.[t.application] ?? replicas} pod(s) of ${t.gray}`)} to be ready`;
  const ready = `the pods of ${each((t) => t.deployment)} to be ready with ${each((t) => t.image.version)}`;
  switch (step.kind) {
    case 'deploy-straight':
      return awaited(ready, progressMs);
    case 'promote': {
      const drainMs = isChained(targets) ? drainMsOf(stage) : 0;
      const first = drainMs === 0 ? '' : ', after requests on their way to stable have ended';
      return awaited(`${ready}${first}`, progressMs + drainMs);
    }
    case 'deploy-gray':
      return awaited(pods(step), progressMs);
    case 'weight':
      return awaited(
        `${pods(step)} and ${routesOf(entriesOf(stage, targets))} to take ${step.weight} %`,
        progressMs + patienceMs,
      );
    case 'batch':
      return awaited(`${step.pods} pod(s) of ${gray} to be ready, and as many of stable to go`, progressMs);
    case 'tag': {
      const inner = targets.filter((t) => t.inner === true);
      const drainMs = inner.length > 0 ? drainMsOf(stage) : 0;
      const written =
        drainMs === 0
          ? `${routesOf(all)} to be written`
          : `${routesOf(inner)} to be written, after requests that brought a tag of their own have ended, ` +
            `then ${routesOf(entriesOf(stage, targets))}, when proxies have heard of that`;
      return awaited(`${written}: ${step.summary}`, patienceMs + 2 * drainMs);
    }
    case 'return-traffic': {
      const inner = targets.filter((t) => t.inner === true);
      const drainMs = inner.length > 0 ? drainMsOf(stage) : 0;
      const last = drainMs === 0 ? '' : ` (${routesOf(inner)} when requests with the tag have ended)`;
      return awaited(`${routesOf(all)} to be written${last}: ${step.summary}`, patienceMs + drainMs);
    }
    case 'probe':
      return awaited('the answers to the probe', probePatienceMs);
    case 'cleanup': {
      const quietMs = Math.max(...targets.map((t) => quietQuestion(stage, t)?.withinMs ?? 0));
      return awaited(`requests to ${gray} to end, and its pods to go`, progressMs + step.drainMs + quietMs);
    }
    case 'hold':
    case 'approval':
      return null;
  }
}

/** How long a probe is tried. */
export const probePatienceMs = 60_000;
