/** Istio VirtualService, split by hosts: `spec.http[].route[]`. */
import { canonicalJson } from '../../domain/ids.js';
import type { RouteTarget } from '../../domain/traffic.js';
import { resources } from '../kubernetes/client.js';
import { listOf, numberOf, objectsOf, textOf, without, withWeight } from './json.js';
import type { Backend, JsonObject, Router } from './router.js';

/** A host names a Service of the route's namespace in its short form, with the namespace, or in full. */
function serviceOf(host: string | null, route: RouteTarget): string | null {
  if (host === null) return null;
  const [name, namespace] = host.split('.');
  const rest = host.split('.').slice(2).join('.');
  const here = namespace === undefined || namespace === route.namespace;
  return here && (rest === '' || rest === 'svc' || rest.startsWith('svc.')) ? (name ?? null) : null;
}

export const istio: Router = {
  resource: resources.virtualservices,
  field: 'http',
  maxRules: null,

  keyOf: (rule) => canonicalJson(rule['match'] ?? []),

  backends: (rule, route) =>
    objectsOf(rule['route']).map((entry): Backend => {
      const destination = (entry['destination'] ?? {}) as JsonObject;
      const service = serviceOf(textOf(destination['host']), route);
      return {
        entry,
        // A subset is a share of a Service of its own; it has no place in a split by hosts.
        service: destination['subset'] === undefined ? service : null,
        port: numberOf((destination['port'] as JsonObject | undefined)?.['number']),
        weight: numberOf(entry['weight']),
        copy: false,
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, route: backends }),

  backend(entry, service, weight) {
    if (service === null) return withWeight(entry, weight);
    const destination = entry['destination'] as JsonObject;
    const host = textOf(destination['host'])!.split('.').slice(1);
    return withWeight(
      { ...entry, destination: { ...destination, host: [service, ...host].join('.') } },
      weight,
    );
  },

  tagged(rule, tag) {
    const matches = listOf(rule['match']) === null ? [{}] : objectsOf(rule['match']);
    const match = matches.map((m) => ({
      ...m,
      headers: { ...(m['headers'] as JsonObject | undefined), [tag.header]: { exact: tag.value } },
    }));
    return { ...without(rule, 'name'), match };
  },

  tagOf(rule) {
    const headers = objectsOf(rule['match'])[0]?.['headers'] as
      | Record<string, { exact?: string }>
      | undefined;
    const [header, match] = Object.entries(headers ?? {}).at(-1) ?? [];
    return header === undefined || match?.exact === undefined ? null : { header, value: match.exact };
  },

  complaints: () => [],
};
