/** What canaries do is told by a model of the controllers: which request goes to gray, and how large its share is of the others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionsOf, type Enter } from '../../../domain/enter.js';
import {
  ingressControllers,
  type IngressController,
  type IngressTarget,
  type Traffic,
} from '../../../domain/traffic.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { canariesOf, namesOf, trafficOf, type Canary } from './canaries.js';
import { controllers } from './controllers.js';
import { wayProblemsOf } from './ways.js';

interface Request {
  readonly header: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** Percent of such requests that go to gray. */
function shareOf(controller: IngressController, canaries: readonly Canary[], request: Request): number {
  const { prefix, isOne, queries } = controllers[controller];
  const isAsked = ({ annotations }: Canary, from: 'header' | 'query', start: string): boolean | null => {
    const by = `${start}canary-by-${from}`;
    const name = annotations[by];
    if (name === undefined) return null;
    const seen = request[from][name];
    const [value, pattern] = [annotations[`${by}-value`], annotations[`${by}-pattern`]];
    if (seen === undefined) return false;
    if (value === undefined) return new RegExp(`^(?:${pattern})$`).test(seen);
    // Higress puts the value into a pattern of its own.
    return controllers[controller].hasPatterns
      ? new RegExp(`^(?:always|${value})$`).test(seen)
      : seen === value;
  };
  const cookie = ({ annotations }: Canary): boolean | null => {
    const name = annotations[`${prefix}canary-by-cookie`];
    return name === undefined ? null : (request.header['cookie'] ?? '').includes(`${name}=always`);
  };
  const weights = canaries.flatMap((canary) => {
    const asked = [
      isAsked(canary, 'header', prefix),
      queries === null ? null : isAsked(canary, 'query', queries),
      cookie(canary),
    ];
    if (asked.includes(true)) return [100];
    const weight = Number(canary.annotations[`${prefix}canary-weight`] ?? 0);
    // Beside what it asks for only nginx knows a share.
    return asked.some((one) => one !== null) && !isOne ? [] : [weight];
  });
  return Math.max(0, ...weights);
}

const place = fc.record({
  host: fc.option(fc.constantFrom('a.example', 'b.example'), { nil: undefined }),
  path: fc.constantFrom('/', '/static', '/v1'),
  service: fc.constantFrom('web', 'web', 'other'),
});
const ingress = fc
  .record({
    places: fc.array(place, { minLength: 1, maxLength: 6 }),
    isTls: fc.boolean(),
    annotations: fc.dictionary(
      fc.constantFrom(
        'nginx.ingress.kubernetes.io/proxy-read-timeout',
        'nginx.ingress.kubernetes.io/canary-weight',
        'mse.ingress.kubernetes.io/timeout',
        'alb.ingress.kubernetes.io/listen-ports',
        'kubernetes.io/ingress.class',
        'cert-manager.io/issuer',
        'higress.io/x',
      ),
      fc.constantFrom('1', '20'),
      { noNullPrototype: true },
    ),
  })
  .map(({ places, isTls, annotations }): KubeObject => ({
    metadata: { name: 'web', annotations },
    spec: {
      ingressClassName: 'some',
      ...(isTls ? { tls: [{ secretName: 'web-tls' }] } : {}),
      rules: [...places, { host: undefined, path: '/last', service: 'web' }].map(
        ({ host, path, service }) => ({
          ...(host === undefined ? {} : { host }),
          http: {
            paths: [
              { path, pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } },
              { path: '/r', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } },
            ],
          },
        }),
      ),
    },
  }));
const tag = fc.record({
  header: fc.constantFrom('x-lane', 'x-mse-tag'),
  value: fc.constantFrom('gray', 'a.b', 'two words', '(x|y)', 'qa-1'),
});
const traffic: fc.Arbitrary<Traffic> = fc.record({
  gray: fc.integer({ min: 0, max: 100 }),
  tag: fc.option(tag, { nil: null }),
});
const enters: readonly Enter[] = [
  [],
  [[{ cookie: 'beta', exact: 'always' }]],
  [[{ header: 'x-user', exact: 'qa.1' }]],
  [[{ header: 'x-user', prefix: 'qa.' }], [{ cookie: 'beta', exact: '1' }]],
  [[{ query: 'group', in: ['a.b', 'c'] }], [{ header: 'x-user', regex: '[a-z]+' }]],
];
const header = fc.dictionary(
  fc.constantFrom('x-lane', 'x-mse-tag', 'x-user', 'cookie'),
  fc.constantFrom('gray', 'a.b', 'aXb', 'two words', '(x|y)', 'x', 'qa.1', 'qa-1', 'beta=always', 'beta=1'),
  { noNullPrototype: true },
);
const request: fc.Arbitrary<Request> = fc.record({
  header,
  query: fc.dictionary(fc.constant('group'), fc.constantFrom('a.b', 'aXb', 'c'), { noNullPrototype: true }),
});

/** Whether it enters, by what is declared. */
const isEntering = ({ header: headers, query }: Request, enter: Enter): boolean =>
  enter.some((way) =>
    conditionsOf(way).every(({ header: h, query: q, cookie, exact, prefix, regex, in: values }) => {
      const seen =
        h !== undefined ? headers[h] : q !== undefined ? query[q] : headers['cookie']?.split('=')[1];
      if (seen === undefined || (cookie !== undefined && headers['cookie']?.split('=')[0] !== cookie))
        return false;
      if (exact !== undefined) return seen === exact;
      if (prefix !== undefined) return seen.startsWith(prefix);
      return regex === undefined ? values!.includes(seen) : new RegExp(`^(?:${regex})$`).test(seen);
    }),
  );

describe.each(ingressControllers)('canaries for %s', (controller) => {
  const target = (enter: Enter): IngressTarget => ({
    router: 'ingress',
    controller,
    cluster: 'default',
    namespace: 'shop',
    route: 'web',
    stableService: 'web',
    grayService: 'web-gray',
    port: 80,
    ...(enter.length === 0 ? {} : { enter }),
  });
  const sayable = enters.filter((enter) => wayProblemsOf(target(enter)).length === 0);

  it('can say what it says it can', () => {
    expect(sayable.map((enter) => enters.indexOf(enter))).toEqual(
      { nginx: [0, 1], higress: [0, 1, 2, 3], mse: [0, 1, 2, 3, 4], alb: [0, 2] }[controller],
    );
  });

  it('send to gray who has the tag or enters, and of all others the share', () => {
    fc.assert(
      fc.property(ingress, traffic, request, fc.constantFrom(...sayable), (stable, wanted, asked, enter) => {
        const canaries = canariesOf(stable, target(enter), wanted);
        const isIn =
          wanted.tag !== null &&
          (asked.header[wanted.tag.header] === wanted.tag.value || isEntering(asked, enter));
        expect(shareOf(controller, canaries, asked)).toBe(isIn ? 100 : wanted.gray);
      }),
      { numRuns: 1_000 },
    );
  });

  it('stand for exactly the rules that send to stable, and are read as they were meant', () => {
    fc.assert(
      fc.property(ingress, traffic, fc.constantFrom(...sayable), (stable, wanted, enter) => {
        const before = JSON.stringify(stable);
        const route = target(enter);
        const canaries = canariesOf(stable, route, wanted);
        const places = (spec: unknown, service: string): string[] =>
          (spec as { rules: { host?: string; http: { paths: object[] } }[] }).rules.flatMap(
            ({ host, http }) =>
              http.paths
                .map((path) => JSON.stringify([host, path]))
                .filter((p) => p.includes(`"name":"${service}"`)),
          );
        const expected = places(stable['spec'], 'web').map((p) => p.replace('"web"', '"web-gray"'));
        for (const { name, spec, annotations } of canaries) {
          expect(namesOf(route)).toContain(name);
          expect(places(spec, 'web-gray')).toEqual(expected);
          expect(JSON.stringify(spec)).not.toMatch(/"(web|other)"|Bucket/);
          expect(Object.keys(annotations).join()).not.toContain('cert-manager');
        }
        const made = canaries.map(({ name, annotations, spec }) => ({
          metadata: { name, annotations },
          spec,
        }));
        expect(trafficOf(made, route, wanted.tag)).toEqual(wanted);
        expect(JSON.stringify(stable)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });
});
