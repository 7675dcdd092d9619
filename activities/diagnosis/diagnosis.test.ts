import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { routerNames } from '../../domain/traffic.js';
import type { Answer } from '../metrics/provider.js';
import { neededRights } from '../kubernetes/rules.js';
import { rightsChecks, welcomeRights } from './rights.js';
import { servedCheck, unsure } from './routes.js';
import { builtinCheck, ownCheck } from './series.js';

const route = {
  router: 'contour',
  cluster: 'default',
  namespace: 'shop',
  route: 'web',
  stableService: 'web',
  grayService: 'web-gray',
  port: 80,
} as const;

describe('rights', () => {
  const role = readFileSync(new URL('../../infra/kubernetes/rbac.yaml', import.meta.url), 'utf8');
  const place = { cluster: 'default', namespace: 'shop' };

  it.each(routerNames)('each that a release with %s needs names a line that is in the role', (router) => {
    const needed = neededRights({ router, route: 'web' });
    const checks = rightsChecks(place, needed, [...needed, ...welcomeRights]);
    const lines = checks.map((c) => c.remedy?.replace(/^.*?: (?=- )/, '') ?? '');
    expect(lines.filter((line) => !role.includes(line))).toEqual([]);
    expect(checks.filter((c) => c.state === 'warning')).toHaveLength(
      new Set(welcomeRights.map((n) => n.resource.plural).filter((p) => p !== 'endpointslices')).size,
    );
  });

  it('that only save requests are no problem where they lack', () => {
    const needed = neededRights({ router: 'contour', route: 'web' });
    const lacking = welcomeRights.filter((n) => n.resource.plural === 'endpointslices');
    expect(rightsChecks(place, needed, lacking)).toMatchObject([
      {
        state: 'warning',
        seen: 'The worker may not watch endpointslices.discovery.k8s.io.',
        remedy: expect.stringContaining('resources: [endpointslices], verbs: [list, watch]'),
      },
    ]);
  });

  it('says which verbs lack, and shows the whole line', () => {
    const needed = neededRights(null);
    const lacking = needed.filter((n) => n.resource.plural === 'services' && n.verb !== 'get');
    expect(rightsChecks(place, needed, lacking)).toMatchObject([
      {
        state: 'problem',
        seen: 'The worker may not list, create, delete services.',
        remedy: expect.stringContaining(
          "- { apiGroups: [''], resources: [services], verbs: [get, list, create, delete] }",
        ),
      },
    ]);
  });

  it('are fine where none lacks', () => {
    expect(rightsChecks(place, neededRights(null), [])).toMatchObject([{ state: 'ok' }]);
  });
});

describe("a controller's word on a route", () => {
  const object = (status: object) => ({ metadata: { name: 'web' }, status });
  const parent = (type: string, status: string) => ({ parents: [{ conditions: [{ type, status }] }] });
  it.each([
    ['gateway-api', 'accepted', parent('Accepted', 'True'), null],
    ['gateway-api', 'not accepted', parent('Accepted', 'False'), 'no controller has accepted it'],
    ['gateway-api', 'seen by nobody', { parents: [] }, 'status.parents is empty'],
    ['contour', 'valid', { currentStatus: 'valid' }, null],
    [
      'contour',
      'orphaned',
      { currentStatus: 'orphaned', description: 'no root' },
      'Contour calls it orphaned: no root',
    ],
    ['contour', 'seen by nobody', {}, 'Contour has said nothing about it'],
    ['istio', 'without a status, as always', {}, null],
    ['ingress', 'has an address', { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }, null],
    ['ingress', 'has none', { loadBalancer: {} }, 'no controller has given it an address'],
  ] as const)('%s: %s', (kind, _, status, why) => {
    expect(unsure(kind, object(status)) ?? 'accepted').toContain(why ?? 'accepted');
  });
});

describe('the kind of a route', () => {
  it.each([
    ['is served', ['v1beta1', 'v1'], 'ok'],
    ['is served in another version only', ['v1alpha2'], 'problem'],
    ['is unknown', null, 'problem'],
  ])('%s', (_, versions, state) => {
    expect(servedCheck('gateway-api', 'default', versions)).toMatchObject({ state });
  });
});

describe('series', () => {
  const answer = (value: number | null, more: Partial<Answer> = {}): Answer => ({
    value,
    raw: value === null ? '[]' : String(value),
    error: false,
    ...more,
  });
  const away = answer(null, { error: true, note: 'ECONNREFUSED' });
  it.each([
    ['are there', answer(1), answer(12), 'ok', 'is there, 1 s old'],
    ['of this Service are not there', answer(null), answer(12), 'warning', 'no series rq{a="b"}'],
    ['are nowhere', answer(null), answer(null), 'problem', 'has no series rq at all'],
    ['are stale', answer(60), answer(12), 'warning', 'is 60 s old'],
    ['cannot be asked for', away, away, 'skipped', 'ECONNREFUSED'],
  ] as const)('of a built-in metric %s', (_, age, anywhere, state, seen) => {
    const check = builtinCheck('web in prod', 'errors', route, {
      series: 'rq{a="b"}',
      age,
      anywhere,
      staleAfterMs: 45_000,
    });
    expect(check).toMatchObject({ state, seen: expect.stringContaining(seen) });
  });

  it.each([
    ['a number', [answer(5)], 'ok'],
    ['nothing', [answer(5), answer(null)], 'warning'],
    [
      'a refusal',
      [answer(null, { error: true, note: 'Prometheus refused the query: parse error' })],
      'problem',
    ],
    ['silence', [away], 'skipped'],
  ] as const)("a query of the user's own answers %s", (_, answers, state) => {
    expect(ownCheck('web in prod', 'orders', answers)).toMatchObject({ state });
  });
});
