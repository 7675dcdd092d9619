/** Whether a lane may be called verified: what a probe shows of it, and what could get around. Pure. */
import { hasGray } from './member.js';
import type { Stage, Step } from './stage.js';
import type { ProbeTarget } from './target.js';

type Known = Pick<ProbeTarget, 'undeclared' | 'unseen'>;

/** Why nobody may call a lane verified, for people; null: they may. Undefined: nothing is said of it. */
export type Doubt = string | null | undefined;

/** @param more what the answers themselves leave open */
export function doubtOf({ undeclared, unseen = [] }: Known, more: readonly string[] = []): Doubt {
  if (undeclared === undefined) return undefined;
  const why = [
    ...(undeclared.length === 0
      ? []
      : [
          `the consumers of ${undeclared.join(', ')} are not declared, so gray may take messages that are meant for stable`,
        ]),
    ...(unseen.length === 0
      ? []
      : [`no answer tells whether requests came through gray of ${unseen.join(', ')}`]),
    ...more,
  ];
  return why.length === 0 ? null : `not verified: ${why.join('; ')}`;
}

/** What was seen, and whether that verifies the lane. */
export function verdictOf(seen: string, doubt: Doubt): string {
  if (doubt === undefined) return seen;
  return doubt === null ? `verified: ${seen}` : `${seen}; ${doubt}`;
}

/** Of a lane that requests enter by a tag. */
export function laneWarnings(
  stage: string,
  steps: readonly Step[],
  { targets, edges }: Required<Pick<Stage, 'targets' | 'edges'>>,
  undeclared: readonly string[] | undefined,
): string[] {
  if (!steps.some(({ kind }) => kind === 'tag')) return [];
  const gray = targets.filter(hasGray);
  const inner = gray.filter((t) => t.inner === true).map((t) => t.application);
  const entries = [...gray.filter((t) => t.inner !== true), ...edges];
  const isAsked = entries.some(({ probe }) => probe !== null);
  const unseen = isAsked ? [...new Set(entries.flatMap(({ probe }) => probe?.unseen ?? []))] : inner;
  const doubt = doubtOf({ ...(undeclared === undefined ? {} : { undeclared }), unseen });
  if (doubt === undefined || doubt === null) return [];
  const remedies = [
    ...(undeclared?.length === 0 ? [] : [declareConsumers]),
    ...(unseen.length === 0 ? [] : [isAsked ? declareChain : declareEntry]),
  ];
  return [`The lane in ${stage} will be ${doubt}. ${remedies.join(' ')}`];
}

const declareConsumers =
  'Declare "consumers: none", or how each consumer of a queue is kept apart (docs/how-to/lanes.md).';
const declareChain = 'Name the header in which answers tell the chain ("traffic.chainHeader").';
const declareEntry =
  'Say where requests come in ("traffic.entry"), and the header in which answers tell the chain ("traffic.chainHeader").';
