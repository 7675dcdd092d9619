import { describe, expect, it } from 'vitest';
import type { IngressController, IngressTarget } from '../../../domain/traffic.js';
import { labels } from '../../../domain/ids.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { canariesOf } from './canaries.js';
import { ingressProblemsOf } from './problems.js';

const stamps = { header: 'x-lane', value: 'gray' };
const target = (controller: IngressController, more: Partial<IngressTarget> = {}): IngressTarget => ({
  router: 'ingress',
  controller,
  cluster: 'default',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
  ...more,
});
const path = (service: string, port: object = { number: 80 }, at = '/'): object => ({
  path: at,
  pathType: 'Prefix',
  backend: { service: { name: service, port } },
});
const ingress = (
  paths: readonly object[] = [path('web')],
  annotations: Record<string, string> = {},
  more: { name?: string; labels?: Record<string, string>; spec?: object } = {},
): KubeObject => ({
  metadata: {
    name: more.name ?? 'web',
    annotations,
    ...(more.labels === undefined ? {} : { labels: more.labels }),
  },
  spec: { rules: [{ host: 'shop.example', http: { paths } }], ...more.spec },
});
const canary = { 'nginx.ingress.kubernetes.io/canary': 'true' };
const mse = 'mse.ingress.kubernetes.io/request-header-control-';
const alb = 'alb.ingress.kubernetes.io/';

describe('ingressProblemsOf', () => {
  const nginx = target('nginx');
  it.each<[string, KubeObject, IngressTarget, string, KubeObject[]?]>([
    ['no rule for the Service', ingress([path('other')]), nginx, 'no rule sends to Service "web"'],
    ['one Service for both', ingress(), target('nginx', { grayService: 'web' }), 'one of its own for gray'],
    ['a canary itself', ingress([path('web')], canary), nginx, 'the canary of another Ingress itself'],
    [
      'the Service by default',
      ingress([path('web')], {}, { spec: { defaultBackend: { service: { name: 'web' } } } }),
      nginx,
      'sends to "web" by default',
    ],
    [
      'another port',
      ingress([path('web', { number: 81 })]),
      nginx,
      'shop.example/ sends to port 81, not to port 80',
    ],
    [
      'a canary beside it',
      ingress(),
      nginx,
      'Ingress "mine" is a canary beside it already',
      [ingress([path('x')], canary, { name: 'mine' })],
    ],
    [
      'one of another lane, which was left there',
      ingress(),
      nginx,
      'Ingress "web-blue" is a canary beside it already',
      [ingress([path('web-blue')], canary, { name: 'web-blue', labels: { [labels.release]: 'old' } })],
    ],
    [
      'an annotation for the Service alone',
      ingress([path('web')], { [`${alb}conditions.web`]: '[]' }),
      target('alb'),
      'conditions.web is for Service "web" only',
    ],
    [
      'no place before it',
      ingress([path('web')], { [`${alb}order`]: '1' }),
      target('alb'),
      'make it 2 or more',
    ],
    [
      'a place that is none',
      ingress([path('web')], { [`${alb}order`]: 'x' }),
      target('alb'),
      'make it 2 or more',
    ],
    [
      'the tag on requests, which nginx cannot put there',
      ingress(),
      target('nginx', { stamps }),
      'no annotation that',
    ],
    [
      'the tag that stable keeps',
      ingress(),
      target('mse', { stamps }),
      `annotate it with ${mse}remove: x-lane`,
    ],
    [
      'the tag that stable sets',
      ingress([path('web')], { [`${mse}remove`]: 'X-Lane', [`${mse}update`]: 'x-own 1\nX-lane blue' }),
      target('mse', { stamps }),
      'it sets the header "x-lane" itself',
    ],
    [
      "another header, which is the tag's",
      ingress(),
      target('nginx', { enter: [[{ header: 'x-user', exact: 'qa' }]] }),
      'asks for header "x-user" (exact), which annotations for nginx cannot say: the tag takes the one header',
    ],
    [
      'another value of a cookie',
      ingress(),
      target('nginx', { enter: [[{ cookie: 'beta', exact: '1' }]] }),
      'one cookie with the value "always"',
    ],
    [
      'two cookies',
      ingress(),
      target('nginx', { enter: ['a', 'b'].map((cookie) => [{ cookie, exact: 'always' }]) }),
      'has 2 ways to enter',
    ],
    [
      'a parameter where there is no annotation for it',
      ingress(),
      target('higress', { enter: [[{ query: 'group', exact: 'gray' }]] }),
      'query "group" (exact), which annotations for higress cannot say: each way is one header or cookie.',
    ],
    [
      'two conditions together',
      ingress(),
      target('mse', {
        enter: [
          [
            { query: 'group', exact: 'gray' },
            { header: 'x-user', exact: 'qa' },
          ],
        ],
      }),
      'query "group" (exact) and header "x-user" (exact)',
    ],
    [
      'a pattern where only values are known',
      ingress(),
      target('alb', { enter: [[{ header: 'x-user', regex: 'qa-.*' }]] }),
      'each way is one header with an exact value',
    ],
    [
      'a portion of those that fulfil a condition',
      ingress(),
      target('nginx', { enter: [[{ cookie: 'beta', exact: 'always' }, { percent: 30 }]] }),
      'release.tag.enter lets in 30 % of those that fulfil conditions, which annotations cannot say; take percent away',
    ],
  ])('names %s', (_, stable, route, why, others = []) => {
    const problems = ingressProblemsOf(stable, [stable, ...others], route);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(why);
  });

  it('lets be what is for other rules, of a release, or named by a port', () => {
    const others = [
      ingress([path('x', { number: 80 }, '/api')], canary, { name: 'elsewhere' }),
      ingress([path('web-gray')], canary, { name: 'web-gray', labels: { [labels.release]: 'old' } }),
      ingress([path('web')], {}, { name: 'plain' }),
    ];
    expect(ingressProblemsOf(ingress([path('web', { name: 'http' })]), others, nginx)).toEqual([]);
  });
});

describe('the tag that MSE puts on requests', () => {
  it('comes beside what stable does to other headers, in each canary', () => {
    const stable = ingress([path('web')], {
      [`${mse}remove`]: 'x-secret, X-Lane',
      [`${mse}update`]: 'x-own 1',
    });
    const route = target('mse', { stamps, enter: [[{ query: 'group', exact: 'gray' }]] });
    expect(ingressProblemsOf(stable, [], route)).toEqual([]);
    const canaries = canariesOf(stable, route, { gray: 10, tag: stamps });
    expect(canaries.map((c) => c.name)).toEqual(['web-gray', 'web-gray-tag', 'web-gray-enter-1']);
    for (const { annotations } of canaries)
      expect(annotations).toMatchObject({
        [`${mse}update`]: 'x-own 1\nx-lane gray',
        [`${mse}remove`]: 'x-secret',
      });
    expect(canaries[2]!.annotations).toMatchObject({
      'mse.ingress.kubernetes.io/canary-by-query': 'group',
      'mse.ingress.kubernetes.io/canary-by-query-value': 'gray',
    });
  });

  it('goes before stable in the order of ALB', () => {
    const stable = ingress([path('web')], { [`${alb}order`]: '5' });
    const [share, way] = canariesOf(stable, target('alb'), { gray: 10, tag: stamps });
    expect([share.annotations[`${alb}order`], way!.annotations[`${alb}order`]]).toEqual(['5', '4']);
  });
});
