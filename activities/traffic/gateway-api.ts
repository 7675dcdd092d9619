/** Gateway API HTTPRoute: `spec.rules[].backendRefs[]`. */
import { canonicalJson } from '../../domain/ids.js';
import type { Tag } from '../../domain/traffic.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { resources } from '../kubernetes/resources.js';
import { numberOf, objectOf, objectsOf, sameHeader, textOf, without, withWeight } from './json.js';
import type { Backend, JsonObject, Router, Rule } from './router.js';

/** Limits of the API (sigs.k8s.io/gateway-api, v1 HTTPRoute). */
const most = { rules: 16, matchesOfRule: 64, matches: 128, headers: 16, filters: 16, operations: 16 };

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
    const headers = matches.flat().map((match) => objectsOf(match['headers']).length);
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

/** A rule without matches matches every path. */
function matchesOf(rule: Rule): readonly JsonObject[] {
  const matches = objectsOf(rule['matches']);
  return matches.length > 0 ? matches : [{ path: { type: 'PathPrefix', value: '/' } }];
}

/** Null where no tagged request can match. A match may name a header only once. */
function taggedMatch(match: JsonObject, tag: Tag): JsonObject | null {
  const headers = objectsOf(match['headers']);
  const same = headers.find((header) => sameHeader(textOf(header['name']), tag.header));
  if (same !== undefined && isExact(same)) return textOf(same['value']) === tag.value ? match : null;
  const others = headers.filter((header) => header !== same);
  return { ...match, headers: [...others, { type: 'Exact', name: tag.header, value: tag.value }] };
}

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
