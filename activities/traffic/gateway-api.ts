/** Gateway API HTTPRoute: `spec.rules[].backendRefs[]`. */
import { canonicalJson } from '../../domain/ids.js';
import { resources } from '../kubernetes/client.js';
import { listOf, numberOf, objectsOf, textOf, without, withWeight } from './json.js';
import type { Backend, JsonObject, Router, Rule } from './router.js';

/** A rule without matches matches every path. */
const everyPath: JsonObject = { path: { type: 'PathPrefix', value: '/' } };
const isHeader = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;

export const gatewayApi: Router = {
  resource: resources.httproutes,
  field: 'rules',
  maxRules: 16,

  keyOf: (rule) => canonicalJson(rule['matches'] ?? [everyPath]),

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
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, backendRefs: backends }),

  backend: (entry, service, weight) =>
    withWeight(service === null ? entry : { ...entry, name: service }, weight),

  tagged(rule, tag): Rule {
    const matches = listOf(rule['matches'])?.filter(isHeader) ?? [everyPath];
    const header = { type: 'Exact', name: tag.header, value: tag.value };
    return {
      ...without(rule, 'name'),
      matches: matches.map((match) => ({ ...match, headers: [...objectsOf(match['headers']), header] })),
    };
  },

  tagOf(rule) {
    const header = objectsOf(objectsOf(rule['matches'])[0]?.['headers']).at(-1);
    const [name, value] = [textOf(header?.['name']), textOf(header?.['value'])];
    return name === null || value === null ? null : { header: name, value };
  },

  complaints(object) {
    const status = object['status'] as { parents?: { conditions?: Condition[] }[] } | undefined;
    const conditions = (status?.parents ?? []).flatMap((p) => p.conditions ?? []);
    return conditions
      .filter((c) => (c.type === 'Accepted' || c.type === 'ResolvedRefs') && c.status === 'False')
      .filter(
        (c) => c.observedGeneration === undefined || c.observedGeneration === object.metadata.generation,
      )
      .map((c) => `${c.type} is False: ${c.reason ?? ''} ${c.message ?? ''}`.trim());
  },
};

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}
