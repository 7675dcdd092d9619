import { describe, expect, it } from 'vitest';
import { applicationSchema } from './application.js';

const application = (
  traffic: object,
  release: object = { analysis: null },
  environment: object = {},
): object => ({
  name: 'web',
  image: 'r/web',
  traffic,
  release,
  environments: [{ name: 'prod', type: 'prod', namespace: 'shop', ...environment }],
});
const errors = (value: object): string[] =>
  (applicationSchema.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `/${path.join('/')}: ${message}`,
  );
const ingress = { router: 'ingress', controller: 'mse' };
const own = { name: 'errors', counts: { total: 'a', errors: 'b' }, max: 1 };

describe('an application at an Ingress', () => {
  it.each<[string, object]>([
    ['with its controller and no analysis', application(ingress)],
    ['with metrics of its own', application(ingress, { analysis: { metrics: [own] } })],
    ['that is rolled', application(ingress, { strategy: 'rolling' })],
    [
      'in one environment',
      application({ router: 'istio' }, {}, { traffic: ingress, release: { analysis: null } }),
    ],
    [
      'with a controller for the other environments',
      application(ingress, { analysis: null }, { traffic: { router: 'contour' } }),
    ],
  ])('can be declared %s', (_, value) => {
    expect(errors(value)).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'without its controller',
      application({ router: 'ingress' }),
      '/traffic/controller: An Ingress without its controller',
    ],
    [
      'without its controller in one environment',
      application({ router: 'istio' }, { analysis: null }, { traffic: { router: 'ingress' } }),
      '/environments/0/traffic/controller: An Ingress without',
    ],
    [
      'with a controller at another router',
      application({ router: 'contour', controller: 'nginx' }),
      '/traffic/controller: A controller belongs to the router ingress, not to contour.',
    ],
    [
      'with the analysis that is there by default',
      application(ingress, {}),
      '/release/analysis: Built-in metrics',
    ],
    [
      'with a tag in baggage',
      application(ingress, { analysis: null, tag: { baggage: 'lane' } }),
      '/release/tag/baggage: An Ingress tells requests by the header',
    ],
    [
      'with a built-in metric',
      application(
        ingress,
        {},
        { release: { analysis: { metrics: [{ name: 'e', builtin: 'error-rate', max: 1 }] } } },
      ),
      '/environments/0/release/analysis: Built-in metrics',
    ],
  ])('is refused %s', (_, value, message) => {
    const found = errors(value);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });
});
