/** Contour HTTPProxy: `spec.routes[].services[]`. */
import { canonicalJson } from '../../domain/ids.js';
import { resources } from '../kubernetes/client.js';
import { numberOf, objectsOf, textOf, withWeight } from './json.js';
import type { Backend, Router } from './router.js';

export const contour: Router = {
  resource: resources.httpproxies,
  field: 'routes',
  maxRules: null,

  keyOf: (rule) => canonicalJson(rule['conditions'] ?? []),

  backends: (rule) =>
    objectsOf(rule['services']).map((entry): Backend => {
      const copy = entry['mirror'] === true;
      return {
        entry,
        service: copy ? null : textOf(entry['name']),
        port: numberOf(entry['port']),
        weight: numberOf(entry['weight']),
        copy,
      };
    }),

  withBackends: (rule, backends) => ({ ...rule, services: backends }),

  backend: (entry, service, weight) =>
    withWeight(service === null ? entry : { ...entry, name: service }, weight),

  // Contour orders routes by how much they ask for, so the header wins wherever the route stands.
  tagged: (rule, tag) => ({
    ...rule,
    conditions: [...objectsOf(rule['conditions']), { header: { name: tag.header, exact: tag.value } }],
  }),

  tagOf(rule) {
    const header = objectsOf(rule['conditions']).at(-1)?.['header'] as
      | { name?: string; exact?: string }
      | undefined;
    return header?.name === undefined || header.exact === undefined
      ? null
      : { header: header.name, value: header.exact };
  },

  complaints(object) {
    const status = object['status'] as { currentStatus?: string; description?: string } | undefined;
    return status?.currentStatus === 'invalid'
      ? [`Contour calls it invalid: ${status.description ?? ''}`.trim()]
      : [];
  },
};
