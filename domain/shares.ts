/** Whether the routes of a plan can carry its shares. Pure. */
import { failure, type Failure } from './failures.js';
import { entriesOf } from './member.js';
import type { Plan } from './plan.js';
import { canShare, isWhole } from './traffic.js';

/** Routes that cannot do what the applications together ask of them: one of them alone was looked at before. */
export function shareProblems({ stages }: Pick<Plan, 'stages'>): readonly Failure[] {
  return stages.flatMap((stage) =>
    entriesOf(stage, stage.targets).flatMap(({ route, application }): Failure[] => {
      if (route === null || !isWhole(route.router)) return [];
      const between = stage.steps.find(
        (step) => step.kind === 'weight' && !canShare(route.router, step.weight),
      );
      const why =
        route.stamps !== undefined
          ? `requests come in at ${application}, and its router ${route.router} cannot put a tag on them.`
          : between === undefined
            ? null
            : `router ${route.router} of ${application} switches all requests at once, and a step is: ${between.summary}.`;
      return why === null ? [] : [failure('route_unfit', { kind: 'HTTPProxy', route: route.route, why })];
    }),
  );
}
