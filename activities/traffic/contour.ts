/** Contour HTTPProxy: `spec.routes[].services[]`. */
import { canonicalJson } from '../../domain/ids.js';
import type { Tag } from '../../domain/traffic.js';
import { resources } from '../kubernetes/resources.js';
import { askedOf, patternOf, type Asked } from './conditions.js';
import { numberOf, objectOf, objectsOf, sameHeader, textOf, withObject, withWeight } from './json.js';
import type { Backend, JsonObject, Router, RouterAsk, Rule } from './router.js';

export const contour: Router = {
  resource: resources.httpproxies,
  field: 'routes',
  headers: {
    name: 'requestHeadersPolicy',
    form: 'list',
    operations: (holder) => objectOf(holder['requestHeadersPolicy']) ?? {},
    withOperations: (holder, operations) => withObject(holder, 'requestHeadersPolicy', operations),
  },
  // Envoy hears of clusters and of routes on separate streams, and Contour gathers changes for up to 500 ms.
  settleMs: 1_000,
  hasStatus: true,
  isOrdered: false,

  keyOf: (rule) => canonicalJson(objectsOf(rule['conditions'])),

  backends: (rule) =>
    objectsOf(rule['services']).map((entry): Backend => {
      const copy = entry['mirror'] === true;
      return {
        entry,
        service: copy ? null : textOf(entry['name']),
        port: numberOf(entry['port']),
        weight: numberOf(entry['weight']),
        copy,
        unfit: null,
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, services: backends }),

  backend: (entry, service, weight) =>
    withWeight(service === null ? entry : { ...entry, name: service }, weight),

  // Contour orders routes by how much they ask for, so the header wins wherever the route stands.
  tagged(rule, tag) {
    // A second exact value of one header, or a second route with the same conditions, makes the whole object invalid.
    if (exactHeaders(rule).some(({ header }) => sameHeader(header, tag.header))) return null;
    const header = { name: tag.header, exact: tag.value };
    return { ...rule, conditions: [...objectsOf(rule['conditions']), { header }] };
  },

  // Conditions are an and, so each way to enter is a route; with more of them than the user's own it wins wherever it stands.
  entering(rule, tag, enter) {
    const tagged = contour.tagged(rule, tag);
    return tagged === null ? [] : [tagged, ...contour.portioned(rule, tag, enter)];
  },

  portioned(rule, tag, enter) {
    if (contour.tagged(rule, tag) === null) return [];
    const conditions = objectsOf(rule['conditions']);
    return askedOf(enter).map((all) => ({ ...rule, conditions: [...conditions, ...all.map(asking)] }));
  },

  alternatives(rule) {
    const conditions = objectsOf(rule['conditions']);
    const paths = conditions.filter((one) => !('header' in one) && !('queryParameter' in one));
    const besides = canonicalJson(paths.length === 0 ? [{ prefix: '/' }] : paths);
    return [{ besides, asks: conditions.flatMap(asksIn) }];
  },

  tagsOf: exactHeaders,

  asksOf: (rule, header) =>
    objectsOf(rule['conditions'])
      .map((condition) => objectOf(condition['header']))
      .filter((asked) => sameHeader(textOf(asked?.['name']), header))
      .map((asked) => textOf(asked?.['exact'])),

  limits: () => [],

  elsewhere(object) {
    const includes = objectsOf(objectOf(object['spec'])?.['includes']).map((i) => textOf(i['name']));
    return includes.length === 0 ? null : `the HTTPProxies that it includes (${includes.join(', ')})`;
  },

  conditions: (object) => objectsOf(objectOf(object['status'])?.['conditions']),

  complaints(object) {
    const status = objectOf(object['status']);
    if (status?.['currentStatus'] !== 'invalid') return [];
    const errors = objectsOf(status['conditions']).flatMap((condition) => objectsOf(condition['errors']));
    const why = errors.map((error) => textOf(error['message'])).join('; ');
    return [`Contour calls it invalid: ${why === '' ? (textOf(status['description']) ?? '') : why}`.trim()];
  },
};

/** Of a header there is no condition for a prefix. */
function asking(asked: Asked): JsonObject {
  const { from, name, how, value } = asked;
  if (from === 'query') return { queryParameter: { name, [how]: value } };
  return { header: how === 'exact' ? { name, exact: value } : { name, regex: patternOf(asked) } };
}

function asksIn({ header, queryParameter }: JsonObject): readonly RouterAsk[] {
  const asks = (from: Asked['from'], json: JsonObject | null): readonly RouterAsk[] => {
    if (json === null) return [];
    const { name, ...how } = json;
    return [{ from, name: textOf(name) ?? '', how: canonicalJson(how) }];
  };
  return [...asks('header', objectOf(header)), ...asks('query', objectOf(queryParameter))];
}

function exactHeaders(rule: Rule): readonly Tag[] {
  return objectsOf(rule['conditions']).flatMap((condition) => {
    const header = objectOf(condition['header']);
    const [name, value] = [textOf(header?.['name']), textOf(header?.['exact'])];
    return name === null || value === null ? [] : [{ header: name, value }];
  });
}
