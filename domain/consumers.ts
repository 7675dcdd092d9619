/** Message queues beside a lane: how what gray takes from them is kept apart from what stable takes. Pure. */
import type { Application, Environment } from './application.js';
import { hasGray } from './member.js';
import type { PlanInput } from './plan.js';
import type { Stage } from './stage.js';
import type { Routed } from './target.js';

/** `none`: it consumes nothing but requests. */
export type Consumers = 'none' | readonly Consumer[];

/** Kept apart by a topic of its own, or by a group of its own that takes only messages with a property. */
export interface Consumer {
  /** What people call it. */
  readonly name: string;
  readonly group?: LaneVariable;
  readonly filter?: LaneVariable;
  readonly topic?: LaneVariable;
}

/** A variable that gray's container gets. */
export interface LaneVariable {
  readonly env: string;
  /** With {{ }} variables, see `laneWords`. Default: {{stable}}-{{lane}}, of a filter {{tag}}. */
  readonly value?: string;
}

/** stable: what stable's container has in this variable; lane: the lane's name; tag: the value of the tag. */
export const laneWords = ['stable', 'lane', 'tag'] as const;
type LaneWord = (typeof laneWords)[number];

/** One variable of gray, resolved but for {{stable}}, which only the live Deployment knows. */
export interface GrayVariable {
  readonly consumer: string;
  readonly env: string;
  readonly value: string;
  /** Whether stable must have another value. */
  readonly isApart: boolean;
}

/** Null: not declared. */
export const consumersIn = (application: Application, environment: Environment): Consumers | null =>
  environment.consumers ?? application.consumers ?? null;

export function grayVariables(
  consumers: Consumers | null,
  words: { readonly lane: string; readonly tag: string },
): GrayVariable[] {
  if (consumers === null || consumers === 'none') return [];
  return consumers.flatMap(({ name, group, filter, topic }) => {
    const variable = (given: LaneVariable | undefined, usual: string, isApart: boolean): GrayVariable[] =>
      given === undefined
        ? []
        : [{ consumer: name, env: given.env, value: filled(given.value ?? usual, words), isApart }];
    return [
      ...variable(group, '{{stable}}-{{lane}}', true),
      ...variable(filter, '{{tag}}', false),
      ...variable(topic, '{{stable}}-{{lane}}', true),
    ];
  });
}

const placeholder = /\{\{([^{}]*)\}\}/g;

/** Those that are given; the others stay. */
export const filled = (text: string, words: Readonly<Partial<Record<LaneWord, string>>>): string =>
  text.replace(placeholder, (whole, inner: string) => {
    const name = inner.trim();
    return isWord(name) ? (words[name] ?? whole) : whole;
  });

/** Labels of gray pods with their variables filled in. */
export const grayLabels = (
  declared: Readonly<Record<string, string>> | undefined,
  words: { readonly lane: string; readonly tag: string },
): { readonly grayLabels?: Readonly<Record<string, string>> } =>
  declared === undefined
    ? {}
    : {
        grayLabels: Object.fromEntries(
          Object.entries(declared).map(([key, value]) => [key, filled(value, words)]),
        ),
      };

const isWord = (name: string): name is LaneWord => (laneWords as readonly string[]).includes(name);

/** {{ }} variables that nobody knows. */
export const unknownWords = (text: string): string[] =>
  [...text.matchAll(placeholder)].map((m) => m[1]!.trim()).filter((name) => !isWord(name));

type Parts = Required<Pick<Stage, 'targets' | 'edges'>>;

/**
 * Gray tracks of which nobody has said how their consumers are kept apart. Undefined: one application is released, without a lane being
 * named, and does not say; such a release is not called verified, and not warned of either.
 */
export function undeclaredIn(parts: Parts, input: PlanInput): readonly string[] | undefined {
  const gray = parts.targets.filter(hasGray);
  const undeclared = gray.flatMap(({ application, environment }) => {
    const { spec } = input.applications.find((a) => a.spec.name === application)!;
    const declared = spec.environments.find((e) => e.name === environment)!;
    return consumersIn(spec, declared) === null ? [application] : [];
  });
  const isLane = input.lane !== null || parts.targets.length + parts.edges.length > 1;
  return undeclared.length > 0 && !isLane ? undefined : undeclared;
}

/** The same, where its probes know of them. */
export const withUndeclared = <T extends Pick<Routed, 'probe'>>(
  routed: readonly T[],
  undeclared: readonly string[] | undefined,
): readonly T[] =>
  undeclared === undefined
    ? routed
    : routed.map((one) => (one.probe === null ? one : { ...one, probe: { ...one.probe, undeclared } }));
