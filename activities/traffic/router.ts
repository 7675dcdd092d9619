/** A router: four pure functions from the user's route object, one kind in each file. Reading, comparing and writing is driver.ts. */
import type { RouteTarget, Traffic } from '../../domain/traffic.js';
import type { KubeObject, Resource } from '../kubernetes/client.js';

/** JSON as the API server gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** One entry of the list that holds the route's rules, as it is in the object. */
export type Rule = JsonObject;

/** How a rule was before the release: the key that finds it again, and the weight that its stable backend carried. */
export interface Origin {
  /** Canonical JSON of what the rule matches. */
  readonly key: string;
  /** Null: the field was not there. */
  readonly weight: number | null;
}

export interface Router {
  readonly resource: Resource;
  /** Name of the field of `spec` that holds the rules; nothing else of the object is ever written. */
  readonly field: 'rules' | 'routes' | 'http';
  /** How many rules an object may have; null: no limit. */
  readonly maxRules: number | null;
  /** What the rule matches, as the key that finds it again. */
  keyOf(rule: Rule): string;
  /** Whether the rule sends to a Service of that name in the route's namespace. */
  backends(rule: Rule, route: RouteTarget): readonly Backend[];
  /** The same rule with other backends. */
  withBackends(rule: Rule, backends: readonly JsonObject[]): Rule;
  /** The backend with another Service and weight; null: without the field. Everything else of it is kept. */
  backend(entry: JsonObject, service: string | null, weight: number | null, route: RouteTarget): JsonObject;
  /** The same rule for tagged requests only. */
  tagged(rule: Rule, tag: NonNullable<Traffic['tag']>): Rule;
  /** The tag that a rule of our own asks for; null where it has none. */
  tagOf(rule: Rule): Traffic['tag'];
  /** Why the object as a whole cannot carry a gray release, beyond what the rules say; e.g. the data plane calls it invalid. */
  complaints(object: KubeObject): readonly string[];
}

export interface Backend {
  readonly entry: JsonObject;
  /** Name of the Service in the route's namespace; null: something else. */
  readonly service: string | null;
  readonly port: number | null;
  readonly weight: number | null;
  /** A mirror: it gets copies, and no answer of it reaches anybody. */
  readonly copy: boolean;
}
