/** What a step waits for that does not say so itself: as data, so that telling it is no event in the history. */
import { concerned, type Stage, type Step, type Target } from '../domain/plan.js';
import type { Waiting } from '../domain/release.js';

/** How long a neighbour that is away is waited for on the way forward. */
export const patienceMs = 5 * 60_000;

/** Null: a hold or an approval, which tells more. */
export function awaitedIn(stage: Stage, step: Step, now = Date.now()): Omit<Waiting, 'since'> | null {
  const targets = concerned(stage, step);
  const progressMs = Math.max(...targets.map((t) => t.progressDeadlineMs));
  const awaited = (what: string, ms: number) => ({
    what,
    until: new Date(now + ms).toISOString(),
    can: ['abort'],
  });
  const each = (name: (target: Target) => string): string => targets.map(name).join(', ');
  const gray = each((t) => t.gray);
  const routes = each((t) => t.route?.route ?? t.application);
  switch (step.kind) {
    case 'deploy-straight':
    case 'promote':
      return awaited(
        `the pods of ${each((t) => t.deployment)} to be ready with ${each((t) => t.image.version)}`,
        progressMs,
      );
    case 'deploy-gray':
      return awaited(`${step.replicas} pod(s) of ${gray} to be ready`, progressMs);
    case 'weight':
      return awaited(
        `${step.replicas} pod(s) of ${gray} to be ready and ${routes} to take ${step.weight} %`,
        progressMs + patienceMs,
      );
    case 'tag':
    case 'return-traffic':
      return awaited(`${routes} to be written: ${step.summary}`, patienceMs);
    case 'probe':
      return awaited('the answers to the probe', probePatienceMs);
    case 'cleanup':
      return awaited(`the pods of ${gray} to go`, progressMs + step.drainMs);
    case 'hold':
    case 'approval':
      return null;
  }
}

/** How long a probe is tried. */
export const probePatienceMs = 60_000;
