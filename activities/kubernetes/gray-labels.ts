/** Labels by which a mesh tells gray from stable: what `workload.grayLabels` says of gray must not be true of stable. Pure. */
import type { Application, Environment } from '../../domain/application.js';
import { failure, type Failure } from '../../domain/failures.js';
import type { Target } from '../../domain/target.js';
import { podLabels, type Deployment } from './objects.js';

/** Labels that both tracks would have with one value, so that whoever routes by them takes stable for gray. */
export function labelProblems(
  stable: Deployment,
  gray: Deployment,
  { deployment: workload, grayLabels = {} }: Pick<Target, 'deployment' | 'grayLabels'>,
): Failure[] {
  const before = podLabels(stable);
  const after = podLabels(gray);
  return Object.keys(grayLabels).flatMap((label) => {
    const value = before[label];
    if (value === undefined || value !== after[label]) return [];
    const pointer = `${setting}/${label.replaceAll('/', '~1')}`;
    return [failure('labels_not_apart', { workload, label, value }, pointer)];
  });
}

const setting = '/workload/grayLabels';

/** The same with a pointer to where the labels are declared, which may be in the environment. */
export function whereDeclared(
  problem: Failure,
  { application, environment }: { readonly application: Application; readonly environment: Environment },
): Failure {
  const { pointer } = problem;
  if (pointer?.startsWith(`${setting}/`) !== true || environment.workload?.grayLabels === undefined)
    return problem;
  const index = application.environments.findIndex((e) => e.name === environment.name);
  return { ...problem, pointer: `/environments/${index}${pointer}` };
}

/** By it a pod is gray for MSE. */
const mseTag = 'alicloud.service.tag';

/** An environment that is called as its tag is gray itself, as AppStack has it. */
export function tagWarnings(what: string, stable: Deployment, environment: Environment): string[] {
  const tag = podLabels(stable)[mseTag];
  if (tag === undefined || tag === environment.name) return [];
  return [
    `The pod template of ${what} has the label ${mseTag} "${tag}" though it is not gray: MSE takes its pods for gray, and sends them requests with that tag. ` +
      'Take it out; workload.grayLabels gives it to gray alone.',
  ];
}
