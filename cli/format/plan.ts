/** A plan for people, before anything happens. Pure. */
import { stringify } from 'yaml';
import type { DeclaredDeployment } from '../../domain/declared.js';
import type { Plan } from '../../domain/plan.js';
import type { Stage } from '../../domain/stage.js';
import type { DeploymentDrift, Target } from '../../domain/target.js';
import { gateText } from '../../domain/stage-order.js';
import type { Paint } from './paint.js';
import { oneLine, shortDigest } from './text.js';

export function renderPlan(plan: Plan, changes: readonly string[], paint: Paint): string[] {
  return [
    `${paint.bold(`plan ${plan.hash}`)}${paint.dim(', nothing was changed')}`,
    ...(plan.rollbackOf === undefined ? [] : [`rolls back release ${plan.rollbackOf}`]),
    ...plan.stages.flatMap((stage) => ['', ...stageLines(stage, paint)]),
    ...section(
      'warnings',
      plan.warnings.map((w) => paint.yellow(`! ${oneLine(w)}`)),
    ),
    ...section('changes in the cluster', changes.map(oneLine)),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function stageLines(stage: Stage, paint: Paint): string[] {
  const width = String(stage.steps.length).length;
  return [
    `${paint.bold(stage.environment)}  ${stage.strategy === 'first' ? 'first release' : stage.strategy}`,
    ...(stage.gates ?? []).map((gate) => `  ${oneLine(gateText(gate))}`),
    ...stage.targets.map((target) => `  ${targetText(target)}`),
    ...(stage.edges ?? []).map((edge) => `  ${edge.application}: not released, its route gives the tag`),
    ...Object.entries(stage.drift ?? {}).flatMap(([application, drift]) =>
      driftLines(application, drift, paint),
    ),
    ...stage.steps.map(
      (step, i) => `  ${paint.dim(String(i + 1).padStart(width))}  ${oneLine(step.summary)}`,
    ),
  ];
}

function driftLines(application: string, { fields, more }: DeploymentDrift, paint: Paint): string[] {
  return [
    `  ${paint.yellow(`${application} differs from what is declared; a release changes only the image`)}`,
    ...fields.map(({ path, live, declared }) =>
      oneLine(`    ${path}: ${live ?? 'not set'}, declared ${declared ?? 'not set'}`),
    ),
    ...(more === 0 ? [] : [`    and ${more} more`]),
  ];
}

/** YAML documents, each under a comment that says whose it is. */
export const renderManifests = (manifests: readonly DeclaredDeployment[]): string[] =>
  manifests.flatMap(({ application, environment, manifest }) => [
    '---',
    oneLine(`# ${application} in ${environment}`),
    ...stringify(manifest, { lineWidth: 0 }).trimEnd().split('\n').map(shown),
  ]);

/** Indentation stays. */
const shown = (line: string): string => line.replace(/\p{Cc}/gu, '\uFFFD');

function targetText(target: Target): string {
  const from = target.stableImage === null ? 'nothing' : shortDigest(target.stableDigest);
  const to = `${target.image.version} ${shortDigest(target.image.digest)}`;
  return `${target.application} in ${target.cluster}/${target.namespace}: ${from} -> ${to}`;
}
