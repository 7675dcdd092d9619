/** A router: what one kind of route object looks like, as pure functions, one kind in each file. What a release does to it is rules.ts. */
import type { Enter } from '../../domain/enter.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import type { Resource } from '../kubernetes/resources.js';

/** JSON as the API server gives it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** One entry of the list that holds the route's rules, as it is in the object. */
export type Rule = JsonObject;

/** How a rule was before the release: the key that finds it again, and what of its stable backend is changed meanwhile. */
export interface Origin {
  /** Canonical JSON of what the rule matches. */
  readonly key: string;
  /** Null: the field was not there. */
  readonly weight: number | null;
  /** The field of its stable backend that holds operations on headers. Null: it was not there; absent: the release leaves it alone. */
  readonly headers?: Json;
}

/**
 * Where a rule, and each backend in the same way, says what it does to headers of requests: an object with `set`, `add` and `remove`,
 * whose entries are told by the name of the header.
 */
export interface HeaderField {
  readonly name: 'filters' | 'requestHeadersPolicy' | 'headers';
  /** How `set` and `add` are written; `remove` is a list of names. */
  readonly form: 'list' | 'map';
  /** Empty where it does nothing. */
  operations(holder: JsonObject): JsonObject;
  /** The same rule or backend with other operations; empty: without them. */
  withOperations(holder: JsonObject, operations: JsonObject): JsonObject;
}

/** None of them changes what it is given; what they answer keeps every field that they do not know. */
export interface Router {
  readonly resource: Resource;
  /** Name of the field of `spec` that holds the rules; nothing else of the object is ever written. */
  readonly field: 'rules' | 'routes' | 'http' | 'includes';
  /** How its entries and the rules that they stand for are made of each other. Absent: each entry is a rule. */
  readonly list?: {
    /** @param origins as noted; null: there is no note */
    read(
      entries: readonly JsonObject[],
      route: RouteTarget,
      origins: readonly Origin[] | null,
    ): readonly Rule[];
    /** Throws RangeError where a rule cannot be written so. */
    write(rules: readonly Rule[]): readonly JsonObject[];
  };
  readonly headers: HeaderField;
  /**
   * How long the data plane may need, in milliseconds, until it has learnt of a Service that joins a route or leaves it, where no
   * controller says so: one that joins together with its first requests, or leaves together with its last, costs some of them.
   * 0: it learns of Services by itself, in time.
   */
  readonly settleMs: number;
  /** Whether a controller writes a status into the object after each change. */
  readonly hasStatus: boolean;
  /** What the rule matches, as the key that finds it again. */
  keyOf(rule: Rule): string;
  /** Whether the first rule that matches a request gets it; else the one that asks for more does. */
  readonly isOrdered: boolean;
  /** Where the rule sends; empty where it redirects, delegates or answers itself. */
  backends(rule: Rule, route: RouteTarget): readonly Backend[];
  /** The same rule with other backends. */
  withBackends(rule: Rule, backends: readonly JsonObject[]): Rule;
  /** The backend with another Service (null: the same) and weight (null: without the field). */
  backend(entry: JsonObject, service: string | null, weight: number | null): JsonObject;
  /** The same rule for tagged requests only; null: what it matches already keeps the tag out, or asks for it. */
  tagged(rule: Rule, tag: Tag): Rule | null;
  /**
   * The same rule for tagged requests and for those that enter, in one rule or several, in each place where `tagged` makes one; empty:
   * there is none.
   */
  entering(rule: Rule, tag: Tag, enter: Enter): readonly Rule[];
  /** The same for those that enter alone; its matches do not depend on how many the rule has. */
  portioned(rule: Rule, tag: Tag, enter: Enter): readonly Rule[];
  /** What the rule matches: a request that fulfils one of these. */
  alternatives(rule: Rule): readonly Alternative[];
  /** Every header that the rule asks for with an exact value: one of them is the tag of a rule of our own. */
  tagsOf(rule: Rule): readonly Tag[];
  /** Every exact value that the rule asks of the header; null for each other way of asking. */
  asksOf(rule: Rule, header: string): readonly (string | null)[];
  /** Why the API would refuse an object with such rules, for people. */
  limits(rules: readonly Rule[]): readonly string[];
  /** Which other objects decide where the requests go, for people; null: none. */
  elsewhere(object: KubeObject): string | null;
  /** What the controller says about the object, with the generation that it speaks of where it tells. */
  conditions(object: KubeObject): readonly JsonObject[];
  /** What the data plane finds wrong with the object as it is, for people. */
  complaints(object: KubeObject): readonly string[];
}

export interface Alternative {
  /** Canonical JSON of what it asks besides: of the path, the method and whatever else. */
  readonly besides: string;
  /** What it asks of headers and query parameters, in the words of the router. */
  readonly asks: readonly RouterAsk[];
}

export interface RouterAsk {
  readonly from: 'header' | 'query';
  readonly name: string;
  /** Canonical JSON of how, the same for what is written in several ways. */
  readonly how: string;
}

export interface Backend {
  readonly entry: JsonObject;
  /** Name of the Service in the route's namespace; null: something else. */
  readonly service: string | null;
  readonly port: number | null;
  readonly weight: number | null;
  /** A mirror: it gets copies, and no answer of it reaches anybody. */
  readonly copy: boolean;
  /** Why its traffic cannot be shared with another Service, for people; null: it can. */
  readonly unfit: string | null;
}
