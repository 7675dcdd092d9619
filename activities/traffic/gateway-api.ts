/** Gateway API HTTPRoute: `spec.rules[].backendRefs[]`. */
import { canonicalJson } from '../../domain/ids.js';
import type { Tag } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { resources } from '../kubernetes/resources.js';
import { askedOf, patternOf, type Asked, type AskedTogether } from './conditions.js';
import { numberOf, objectOf, objectsOf, sameHeader, textOf, without, withWeight } from './json.js';
import type { Backend, JsonObject, Router, RouterAsk, Rule } from './router.js';

/** Limits of the API (sigs.k8s.io/gateway-api, v1 HTTPRoute). */
const most = {
  rules: 16,
  matchesOfRule: 64,
  matches: 128,
  headers: 16,
  queryParams: 16,
  headerValue: 4096,
  queryValue: 1024,
  filters: 16,
  operations: 16,
};
/**
 * Patterns are up to the implementation, exact values are not: up to so many of one way to enter become matches of their own. So do all,
 * where each rule has no more than its part of the matches then, with the one that it is a copy of.
 */
const mostApart = 4;
const partOfRule = (2 * most.matches) / most.rules;

export const gatewayApi: Router = {
  resource: resources.httproutes,
  field: 'rules',
  headers: {
    name: 'filters',
    form: 'list',
    operations: (holder) =>
      objectOf(objectsOf(holder['filters']).find(isModifier)?.['requestHeaderModifier']) ?? {},
    // The API takes no second one, so the user's own is changed, where it stands.
    withOperations(holder, operations) {
      const filters = objectsOf(holder['filters']);
      const at = filters.findIndex(isModifier);
      const place = at === -1 ? filters.length : at;
      const next = { type: 'RequestHeaderModifier', ...filters[at], requestHeaderModifier: operations };
      const changed = filters.toSpliced(place, 1, ...(Object.keys(operations).length === 0 ? [] : [next]));
      return changed.length === 0 ? without(holder, 'filters') : { ...holder, filters: changed };
    },
  },
  // Implementations differ; Contour gathers changes for up to 500 ms.
  settleMs: 1_000,
  hasStatus: true,
  isOrdered: false,

  keyOf: (rule) => canonicalJson(matchesOf(rule)),

  backends: (rule, route) =>
    objectsOf(rule['backendRefs']).map((entry): Backend => {
      const isService =
        (textOf(entry['group']) ?? '') === '' && (textOf(entry['kind']) ?? 'Service') === 'Service';
      const here = (textOf(entry['namespace']) ?? route.namespace) === route.namespace;
      return {
        entry,
        service: isService && here ? textOf(entry['name']) : null,
        port: numberOf(entry['port']),
        weight: numberOf(entry['weight']),
        copy: false,
        unfit: null,
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, backendRefs: backends }),

  backend: (entry, service, weight) =>
    withWeight(service === null ? entry : { ...entry, name: service }, weight),

  tagged(rule, tag): Rule | null {
    const matches = matchesOf(rule).flatMap((match) => taggedMatch(match, tag) ?? []);
    return matches.length === 0 ? null : { ...without(rule, 'name'), matches };
  },

  // Matches are an or, and rules are few. The tag's come first: the first match tells it.
  entering(rule, tag, enter) {
    const tagged = gatewayApi.tagged(rule, tag);
    if (tagged === null) return [];
    const open = openMatches(rule, tag);
    const apart = askedOf(enter, mostApart);
    const ways = (2 + apart.length) * open.length > partOfRule ? askedOf(enter) : apart;
    return [{ ...tagged, matches: [...matchesOf(tagged), ...matchesAsking(open, ways)] }];
  },

  portioned(rule, tag, enter) {
    const matches = matchesAsking(openMatches(rule, tag), askedOf(enter, mostApart));
    return matches.length === 0 ? [] : [{ ...without(rule, 'name'), matches }];
  },

  alternatives: (rule) =>
    matchesOf(rule).map(({ headers, queryParams, path = everyPath, ...besides }) => ({
      besides: canonicalJson({ ...besides, path }),
      asks: [
        ...objectsOf(headers).map((one) => askIn('header', one)),
        ...objectsOf(queryParams).map((one) => askIn('query', one)),
      ],
    })),

  tagsOf: (rule) =>
    objectsOf(matchesOf(rule)[0]?.['headers'])
      .filter(isExact)
      .flatMap(({ name, value }) =>
        typeof name === 'string' && typeof value === 'string' ? [{ header: name, value }] : [],
      ),

  asksOf: (rule, header) =>
    matchesOf(rule)
      .flatMap((match) => objectsOf(match['headers']))
      .filter((asked) => sameHeader(textOf(asked['name']), header))
      .map((asked) => (isExact(asked) ? textOf(asked['value']) : null)),

  limits(rules) {
    const matches = rules.map((rule) => matchesOf(rule));
    const of = (field: string): readonly (readonly JsonObject[])[] =>
      matches.flat().map((match) => objectsOf(match[field]));
    const headers = of('headers').map((list) => list.length);
    const queryParams = of('queryParams').map((list) => list.length);
    const lengths = (field: string): number[] =>
      of(field).flatMap((list) => list.map((one) => textOf(one['value'])?.length ?? 0));
    const backends = rules.flatMap((rule) => objectsOf(rule['backendRefs']));
    const filters = backends.map((backend) => objectsOf(backend['filters']).length);
    const operations = backends.flatMap((backend) =>
      Object.values(gatewayApi.headers.operations(backend)).map((list) =>
        Array.isArray(list) ? list.length : 0,
      ),
    );
    const excess = (what: string, has: number, allowed: number): string[] =>
      has > allowed ? [`it would have ${has} ${what}; ${allowed} are allowed.`] : [];
    return [
      ...excess('rules', rules.length, most.rules),
      ...excess('matches in one rule', Math.max(0, ...matches.map((m) => m.length)), most.matchesOfRule),
      ...excess('matches', matches.flat().length, most.matches),
      ...excess('headers in one match', Math.max(0, ...headers), most.headers),
      ...excess('query parameters in one match', Math.max(0, ...queryParams), most.queryParams),
      ...excess('characters in the value of a header', Math.max(0, ...lengths('headers')), most.headerValue),
      ...excess(
        'characters in the value of a query',
        Math.max(0, ...lengths('queryParams')),
        most.queryValue,
      ),
      ...excess('filters at one backend', Math.max(0, ...filters), most.filters),
      ...excess('headers in one filter', Math.max(0, ...operations), most.operations),
    ];
  },

  elsewhere: () => null,

  conditions(object) {
    // What a Gateway said that it names no more may stay there for ever.
    const named = objectsOf(objectOf(object['spec'])?.['parentRefs']).map((ref) => textOf(ref['name']));
    return parentsOf(object)
      .filter((parent) => named.includes(textOf(objectOf(parent['parentRef'])?.['name'])))
      .flatMap((parent) => objectsOf(parent['conditions']));
  },

  complaints: (object) =>
    conditionsOf(object)
      .filter((c) => (c.type === 'Accepted' || c.type === 'ResolvedRefs') && c.status === 'False')
      .filter((c) => (c.observedGeneration ?? object.metadata.generation) === object.metadata.generation)
      .map((c) => `${c.type} is False: ${c.reason ?? ''} ${c.message ?? ''}`.trim()),
};

const everyPath: JsonObject = { type: 'PathPrefix', value: '/' };

/** A rule without matches matches every path. */
function matchesOf(rule: Rule): readonly JsonObject[] {
  const matches = objectsOf(rule['matches']);
  return matches.length > 0 ? matches : [{ path: everyPath }];
}

/** Null where no tagged request can match. A match may name a header only once. */
function taggedMatch(match: JsonObject, tag: Tag): JsonObject | null {
  const headers = objectsOf(match['headers']);
  const same = headers.find((header) => sameHeader(textOf(header['name']), tag.header));
  if (same !== undefined && isExact(same)) return textOf(same['value']) === tag.value ? match : null;
  const others = headers.filter((header) => header !== same);
  return { ...match, headers: [...others, { type: 'Exact', name: tag.header, value: tag.value }] };
}

const openMatches = (rule: Rule, tag: Tag): readonly JsonObject[] =>
  matchesOf(rule).filter((match) => taggedMatch(match, tag) !== null);

const matchesAsking = (open: readonly JsonObject[], ways: readonly AskedTogether[]): readonly JsonObject[] =>
  ways.flatMap((asked) => open.map((one) => matchAsking(one, asked)));

function matchAsking(match: JsonObject, asked: AskedTogether): JsonObject {
  const more = (field: string, from: Asked['from']): JsonObject => {
    const asks = [...objectsOf(match[field]), ...asked.filter((one) => one.from === from).map(asking)];
    return asks.length === 0 ? {} : { [field]: asks };
  };
  return { ...match, ...more('headers', 'header'), ...more('queryParams', 'query') };
}

/** Whether a pattern is of the whole value is up to the implementation too. */
const asking = (asked: Asked): JsonObject =>
  asked.how === 'exact'
    ? { type: 'Exact', name: asked.name, value: asked.value }
    : { type: 'RegularExpression', name: asked.name, value: `^(?:${patternOf(asked)})$` };

const askIn = (from: Asked['from'], { name, type = 'Exact', value = '' }: JsonObject): RouterAsk => ({
  from,
  name: textOf(name) ?? '',
  how: canonicalJson([type, value]),
});

const isModifier = (filter: JsonObject): boolean => filter['type'] === 'RequestHeaderModifier';

const isExact = (header: JsonObject): boolean => (textOf(header['type']) ?? 'Exact') === 'Exact';

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

const parentsOf = (object: KubeObject): readonly JsonObject[] =>
  objectsOf(objectOf(object['status'])?.['parents']);

const conditionsOf = (object: KubeObject): readonly Condition[] =>
  parentsOf(object).flatMap((parent) => objectsOf(parent['conditions']) as readonly Condition[]);
