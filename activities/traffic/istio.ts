/** Istio VirtualService, split by hosts: `spec.http[].route[]`. */
import { canonicalJson } from '../../domain/ids.js';
import type { Enter } from '../../domain/enter.js';
import type { RouteTarget, Tag } from '../../domain/traffic.js';
import { resources } from '../kubernetes/resources.js';
import { askedOf, type Asked, type AskedTogether } from './conditions.js';
import {
  numberOf,
  objectOf,
  objectsOf,
  sameHeader,
  textOf,
  without,
  withObject,
  withWeight,
} from './json.js';
import type { Backend, Json, JsonObject, Router, RouterAsk, Rule } from './router.js';

export const istio: Router = {
  resource: resources.virtualservices,
  field: 'http',
  headers: {
    name: 'headers',
    form: 'map',
    operations: (holder) => objectOf(objectOf(holder['headers'])?.['request']) ?? {},
    withOperations: (holder, operations) =>
      withObject(holder, 'headers', withObject(objectOf(holder['headers']) ?? {}, 'request', operations)),
  },
  // Its clusters come from Services, so they are known before any route names them, and after.
  settleMs: 0,
  hasStatus: false,
  isOrdered: true,

  keyOf: (rule) => canonicalJson(objectsOf(rule['match'])),

  backends: (rule, route) =>
    objectsOf(rule['route']).map((entry): Backend => {
      const destination = objectOf(entry['destination']) ?? {};
      const subset = textOf(destination['subset']);
      return {
        entry,
        service: serviceOf(textOf(destination['host']), route),
        port: numberOf(objectOf(destination['port'])?.['number']),
        weight: numberOf(entry['weight']),
        copy: false,
        unfit:
          subset === null ? null : `it sends to subset "${subset}", and gray is another host, not a subset`,
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, route: backends }),

  backend(entry, service, weight) {
    const destination = objectOf(entry['destination']);
    const host = textOf(destination?.['host']);
    if (service === null || host === null) return withWeight(entry, weight);
    // The form that the user chose stays: short, with the namespace, or in full.
    const named = [service, ...host.split('.').slice(1)].join('.');
    return withWeight({ ...entry, destination: { ...destination, host: named } }, weight);
  },

  tagged(rule, tag) {
    const match = matchesOf(rule).flatMap((one) => taggedMatch(one, tag) ?? []);
    return match.length === 0 ? null : { ...without(rule, 'name'), match };
  },

  // Matches are an or, and the rule stands before the one that it is a copy of. The tag's come first: the first match tells it.
  entering(rule, tag, enter) {
    const tagged = istio.tagged(rule, tag);
    if (tagged === null) return [];
    return [{ ...tagged, match: [...matchesOf(tagged), ...matchesAsking(rule, tag, enter)] }];
  },

  portioned(rule, tag, enter) {
    const match = matchesAsking(rule, tag, enter);
    return match.length === 0 ? [] : [{ ...without(rule, 'name'), match }];
  },

  alternatives: (rule) =>
    matchesOf(rule).map(({ headers, withoutHeaders, queryParams, ...besides }) => ({
      besides: canonicalJson(besides),
      asks: [
        ...asksIn('header', headers, (how) => how),
        ...asksIn('header', withoutHeaders, (how) => ({ without: how })),
        ...asksIn('query', queryParams, (how) => how),
      ],
    })),

  tagsOf: (rule) =>
    Object.entries(objectOf(objectsOf(rule['match'])[0]?.['headers']) ?? {}).flatMap(([header, match]) => {
      const value = exactOf(match);
      return value === null ? [] : [{ header, value }];
    }),

  asksOf: (rule, header) =>
    objectsOf(rule['match']).flatMap((match) => {
      const of = (field: string): [string, Json][] =>
        Object.entries(objectOf(match[field]) ?? {}).filter(([name]) => sameHeader(name, header));
      return [...of('headers').map(([, asked]) => exactOf(asked)), ...of('withoutHeaders').map(() => null)];
    }),

  limits: () => [],

  elsewhere(object) {
    const delegates = objectsOf(objectOf(object['spec'])?.['http']).flatMap(
      (rule) => textOf(objectOf(rule['delegate'])?.['name']) ?? [],
    );
    return delegates.length === 0
      ? null
      : `the VirtualServices that it delegates to (${delegates.join(', ')})`;
  },

  conditions: () => [],

  complaints: () => [],
};

/** A host names a Service of the route's namespace in its short form, with the namespace, or in full. */
function serviceOf(host: string | null, route: RouteTarget): string | null {
  if (host === null) return null;
  const [name, namespace, ...rest] = host.split('.');
  const here = namespace === undefined || namespace === route.namespace;
  return here && (rest.length === 0 || rest[0] === 'svc') ? (name ?? null) : null;
}

/** No match, and an empty list too, matches every request. */
function matchesOf(rule: Rule): readonly JsonObject[] {
  const matches = objectsOf(rule['match']);
  return matches.length > 0 ? matches : [{}];
}

function matchesAsking(rule: Rule, tag: Tag, enter: Enter): readonly JsonObject[] {
  const open = matchesOf(rule).filter((match) => taggedMatch(match, tag) !== null);
  return askedOf(enter).flatMap((asked) => open.map((one) => matchAsking(one, asked)));
}

function matchAsking(match: JsonObject, asked: AskedTogether): JsonObject {
  const more = (field: string, from: Asked['from']): JsonObject => {
    // Istio takes names of headers in lower case only.
    const written = (name: string): string => (from === 'header' ? name.toLowerCase() : name);
    const asks = asked
      .filter((one) => one.from === from)
      .map(({ name, how, value }): [string, Json] => [written(name), { [how]: value }]);
    return asks.length === 0 ? {} : { [field]: { ...objectOf(match[field]), ...Object.fromEntries(asks) } };
  };
  return { ...match, ...more('headers', 'header'), ...more('queryParams', 'query') };
}

const asksIn = (from: Asked['from'], asks: Json | undefined, as: (how: Json) => Json): readonly RouterAsk[] =>
  Object.entries(objectOf(asks) ?? {}).map(([name, how]) => ({ from, name, how: canonicalJson(as(how)) }));

/** Null where no tagged request can match. */
function taggedMatch(match: JsonObject, tag: Tag): JsonObject | null {
  const headers = objectOf(match['headers']) ?? {};
  const same = Object.keys(headers).find((name) => sameHeader(name, tag.header));
  const exact = same === undefined ? null : exactOf(headers[same]);
  if (exact !== null) return exact === tag.value ? match : null;
  const others = same === undefined ? headers : without(headers, same);
  // Istio takes names of headers in lower case only.
  return { ...match, headers: { ...others, [tag.header.toLowerCase()]: { exact: tag.value } } };
}

const exactOf = (match: unknown): string | null => textOf(objectOf(match)?.['exact']);
