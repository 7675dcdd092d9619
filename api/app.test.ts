import { describe, expect, it } from 'vitest';
import { everyField } from '../test/fakes/application.js';
import { temporalAnswering } from '../test/fakes/temporal.js';
import { failure } from '../domain/failures.js';
import { createApp, type App } from './app.js';
import { silentLog, type Logger } from './log.js';
import { createMetrics } from './metrics.js';
import { problemOf, ProblemError, type Problem } from './problems.js';
import type { Temporal } from './temporal/temporal.js';
import { parseTokens } from './tokens.js';

const tokens = parseTokens(`
- { name: victor, token: viewer-token, roles: [viewer] }
- { name: rita, token: releaser-token, roles: [releaser] }
- { name: alice, token: approver-token, roles: [approver] }
- { name: root, token: admin-token, roles: [admin] }
`);

function appWith(
  answers: Partial<Temporal>,
  options: { readonly tokens?: typeof tokens; readonly log?: Logger; readonly publicUrl?: string } = {},
): App {
  return createApp({
    config: { tokens: options.tokens ?? null, publicUrl: options.publicUrl ?? null, eventReaders: 2 },
    temporal: temporalAnswering(answers),
    metrics: createMetrics({ process: false }),
    log: options.log ?? silentLog,
  });
}

const json = { 'content-type': 'application/json' };
const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { ...json, ...headers },
});
const problemOfResponse = async (response: Response): Promise<Problem> =>
  (response.status === 204 ? {} : await response.json()) as Problem;

const web = { current: { version: 1, declaredAt: '', by: '', application: everyField } };
const known: Partial<Temporal> = {
  readApplication: async () => ({ ...web, versions: [web.current], environments: [], history: [] }),
};
const release = { applications: [{ name: 'web', image: 'r/web:v2' }] };

describe('authentication with tokens', () => {
  const app = appWith({ listApplications: async () => ({ items: [], cursor: null, more: 0 }) }, { tokens });
  const asks = (headers: Record<string, string>) => app.request('/v1/applications', { headers });

  it.each([
    ['no header', {}],
    ['an unknown token', { authorization: 'Bearer wrong-token' }],
    ['a prefix of a token', { authorization: 'Bearer admin-toke' }],
    ['another scheme', { authorization: 'Basic admin-token' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a claimed actor', { 'sluice-actor': 'root' }],
  ])('refuses %s', async (_, headers) => {
    const response = await asks(headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await problemOfResponse(response)).toMatchObject({ code: 'unauthenticated', status: 401 });
  });

  it.each(['Bearer admin-token', 'bearer  viewer-token'])('takes %s', async (authorization) => {
    expect((await asks({ authorization })).status).toBe(200);
  });

  it.each(['/healthz', '/metrics', '/openapi.json', '/docs', '/schemas/application.json'])(
    'asks nobody who reads %s',
    async (path) => {
      expect((await app.request(path)).status).toBe(200);
    },
  );
});

describe('roles', () => {
  const accepted = { accepted: true } as const;
  const app = appWith(
    {
      ...known,
      listReleases: async () => ({ items: [], cursor: null }),
      declareApplication: async () => ({ ...web.current, created: true, changed: true }),
      removeApplication: async () => {},
      planRelease: async () => {
        throw new ProblemError(problemOf(failure('worker_missing', undefined)));
      },
      submitRelease: async ({ id }) => ({ id, phase: 'queued', planHash: 'h', created: true }),
      decide: async () => accepted,
      steer: async () => accepted,
    },
    { tokens },
  );
  const decision = { decision: 'approve', planHash: 'h' };
  const declared = { method: 'PUT', body: JSON.stringify(everyField), headers: json };

  it.each([
    ['victor', 'viewer-token', ['GET /v1/releases']],
    ['rita', 'releaser-token', ['GET /v1/releases', 'POST /v1/plans', 'POST /v1/releases', 'POST abort']],
    ['alice', 'approver-token', ['GET /v1/releases', 'POST decisions']],
    [
      'root',
      'admin-token',
      [
        'GET /v1/releases',
        'POST /v1/plans',
        'POST /v1/releases',
        'POST abort',
        'POST decisions',
        'PUT application',
        'DELETE application',
      ],
    ],
  ])('%s may what the roles say and nothing else', async (_, token, allowed) => {
    const requests: Record<string, readonly [string, RequestInit]> = {
      'GET /v1/releases': ['/v1/releases', {}],
      'POST /v1/plans': ['/v1/plans', post(release)],
      'POST /v1/releases': ['/v1/releases', post(release)],
      'POST abort': ['/v1/releases/a/abort', post({})],
      'POST decisions': ['/v1/releases/a/decisions', post(decision)],
      'PUT application': ['/v1/applications/web', declared],
      'DELETE application': ['/v1/applications/web', { method: 'DELETE' }],
    };
    const may: string[] = [];
    for (const [name, [path, init]] of Object.entries(requests)) {
      const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
      const response = await app.request(path, { ...init, headers });
      if ((await problemOfResponse(response.clone())).code !== 'forbidden') may.push(name);
    }
    expect(may).toEqual(allowed);
  });

  it.each(['pause', 'resume', 'abort', 'retry', 'skip', 'abandon'])('a viewer may not %s', async (verb) => {
    const init = post({}, { authorization: 'Bearer viewer-token' });
    expect((await app.request(`/v1/releases/a/${verb}`, init)).status).toBe(403);
  });
});

describe('without tokens', () => {
  const seen: string[] = [];
  const app = appWith({
    steer: async (_id, _verb, { by }) => {
      seen.push(by.name);
      return { accepted: true };
    },
  });
  const abort = (headers: Record<string, string>, base = 'http://127.0.0.1:8080') =>
    app.request(`${base}/v1/releases/a/abort`, post({}, headers));

  it.each([
    ['local', {}],
    ['alice', { 'sluice-actor': 'alice' }],
    ['alice@shop.example', { 'sluice-actor': ' alice@shop.example<;' }],
    ['local', { 'sluice-actor': '<>' }],
  ])('takes the caller for %s', async (name, headers) => {
    expect((await abort(headers as Record<string, string>)).status).toBe(200);
    expect(seen.at(-1)).toBe(name);
  });

  it.each([
    ['a host name of elsewhere (DNS rebinding)', {}, 'http://evil.example:8080'],
    ['an address of elsewhere', {}, 'http://10.0.0.4:8080'],
    ['another origin', { origin: 'http://evil.example' }, undefined],
    ['another port of this machine', { origin: 'http://127.0.0.1:9999' }, undefined],
    ['an opaque origin', { origin: 'null' }, undefined],
    ['a cross-site request', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, undefined],
  ])('refuses %s', async (_, headers, base) => {
    const response = await abort(headers, base);
    expect(response.status).toBe(403);
    expect(await problemOfResponse(response)).toMatchObject({ code: 'foreign_origin' });
  });

  it('takes its own pages, and a link from elsewhere to a page', async () => {
    const own = { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' };
    expect((await abort(own)).status).toBe(200);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await app.request('/docs', { headers: link })).status).toBe(200);
  });
});

describe('problems', () => {
  it('names every wrong field of an application, and the name that is not the address', async () => {
    const body = 'name: shop\nimage: r/web:v1\nenviroments: []\n';
    const headers = { 'content-type': 'application/yaml' };
    const response = await appWith({}).request('/v1/applications/web', { method: 'PUT', body, headers });
    expect(response.status).toBe(422);
    const problem = await problemOfResponse(response);
    expect(problem).toMatchObject({
      type: 'urn:sluice:problem:invalid_body',
      title: 'Invalid body',
      code: 'invalid_body',
      detail: 'The body has 4 problem(s).',
    });
    const pointers = problem.errors?.map((e) => e.pointer).sort();
    expect(pointers).toEqual(['/enviroments', '/environments', '/image', '/name']);
  });

  it.each([
    ['two objects', 2, 'shop', 'it renders 2 objects, and has to render one Deployment.'],
    ['one that leaves its namespace', 1, 'away', 'it renders namespace "away", and the environment has'],
  ])('names the place of a template that renders %s', async (_, count, namespace, why) => {
    const object = `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web, namespace: ${namespace} }\nspec: { template: {} }\n`;
    const template = Array.from({ length: count }, () => object).join('---\n');
    const environments = [{ name: 'prod', type: 'prod', namespace: 'shop', workload: { template } }];
    const body = JSON.stringify({ name: 'web', image: 'r/web', environments });
    const response = await appWith({}).request('/v1/applications/web', {
      method: 'PUT',
      body,
      headers: json,
    });
    expect(response.status).toBe(422);
    expect(await problemOfResponse(response)).toMatchObject({
      code: 'template_invalid',
      errors: [
        {
          pointer: '/environments/0/workload/template',
          message: expect.stringContaining(`web in prod does not become a manifest: ${why}`),
          remedy: expect.stringContaining('Correct the template'),
        },
      ],
    });
  });

  it.each([
    ['a body that is no JSON', post(undefined), '{', 400, 'malformed_body'],
    [
      'a form',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      'a=1',
      415,
      'unsupported_media_type',
    ],
    ['an empty body', post(undefined), '', 422, 'invalid_body'],
    ['a body of two megabytes', post(undefined), `"${'x'.repeat(2 << 20)}"`, 413, 'body_too_large'],
  ])('answers %s', async (_, init, body, status, code) => {
    const response = await appWith(known).request('/v1/releases', { ...init, body });
    expect(response.status).toBe(status);
    expect(await problemOfResponse(response)).toMatchObject({ code, status });
  });

  it.each([
    ['/v2', 'GET /v2'],
    ['/v1/releases/a/explode', 'GET /v1/releases/a/explode'],
    ['/docs/../package.json', 'GET /package.json'],
    ['/docs/package.json', 'GET /docs/package.json'],
  ])('says that there is no %s', async (path, what) => {
    const response = await appWith({}).request(path);
    expect(response.status).toBe(404);
    expect((await problemOfResponse(response)).detail).toContain(what);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=many', 'limit'],
    ['limit=201', 'limit'],
    ['phase=done', 'phase'],
    ['application=Web', 'application'],
    ["environment=x' OR 1=1", 'environment'],
    ['aplication=web', 'aplication'],
  ])('names the wrong parameter of ?%s', async (query, parameter) => {
    const response = await appWith({}).request(`/v1/releases?${query}`);
    expect(response.status).toBe(422);
    expect(await problemOfResponse(response)).toMatchObject({ errors: [{ parameter, pointer: '' }] });
  });

  it.each(['', 'a b', 'ü', 'x'.repeat(201)])('refuses the idempotency key %j', async (key) => {
    const headers = new Headers({ ...json });
    headers.set('idempotency-key', key);
    const init = { method: 'POST', body: JSON.stringify(release), headers };
    const response = await appWith(known).request('/v1/releases', init);
    expect(await problemOfResponse(response)).toMatchObject({ code: 'invalid_field', status: 422 });
  });

  it('names the environments that there are', async () => {
    const response = await appWith(known).request('/v1/releases', post({ ...release, environment: 'prd' }));
    expect(response.status).toBe(422);
    expect(await problemOfResponse(response)).toMatchObject({
      code: 'environment_unknown',
      errors: [{ pointer: '/environment', found: '"prd"', expected: 'one of test, prod', nearest: 'prod' }],
    });
  });

  it('never shows what went wrong inside, but where to look', async () => {
    const lines: object[] = [];
    const log: Logger = { ...silentLog, error: (fields) => lines.push(fields), child: () => log };
    const secret = new Error('connect failed with authorization: Bearer s3cret');
    const app = appWith({ listApplications: () => Promise.reject(secret) }, { log });
    const response = await app.request('/v1/applications', { headers: { 'x-request-id': 'r-1' } });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toMatch(/s3cret|at .*\.ts/);
    expect(JSON.parse(text)).toMatchObject({ code: 'internal', detail: expect.stringContaining('r-1') });
    expect(response.headers.get('x-request-id')).toBe('r-1');
    expect(lines).toHaveLength(1);
  });

  it('tells the log, and nobody else, where an internal problem came from; others are no news for it', async () => {
    const lines: object[] = [];
    const log: Logger = { ...silentLog, error: (fields) => lines.push(fields), child: () => log };
    const cause = 'ServiceError: failed <- Error: 3 INVALID_ARGUMENT: no such thing';
    const problems = [failure('internal', { what: 'x' }), failure('worker_missing', undefined)];
    for (const known of problems) {
      const thrown = new ProblemError(problemOf(known), cause);
      const app = appWith({ listApplications: () => Promise.reject(thrown) }, { log });
      expect(await (await app.request('/v1/applications')).text()).not.toContain('INVALID_ARGUMENT');
    }
    expect(lines).toEqual([expect.objectContaining({ why: cause })]);
  });
});

describe('releases', () => {
  it('answers 202 with the address, on the public one where that is set', async () => {
    const app = appWith(
      { ...known, submitRelease: async ({ id }) => ({ id, phase: 'queued', planHash: 'h', created: true }) },
      { publicUrl: 'https://sluice.example' },
    );
    const response = await app.request('/v1/releases', post(release, { 'idempotency-key': 'k' }));
    const body = (await response.json()) as { id: string };
    expect(response.status).toBe(202);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-z]{12}$/),
      phase: 'queued',
      planHash: 'h',
      url: `https://sluice.example/v1/releases/${body.id}`,
    });
    expect(response.headers.get('location')).toBe(`/v1/releases/${body.id}`);
  });

  it('counts releases once, requests and problems always', async () => {
    let created = true;
    const app = appWith({
      ...known,
      submitRelease: async ({ id }) => ({ id, phase: 'queued', planHash: 'h', created }),
    });
    await app.request('/v1/releases', post(release, { 'idempotency-key': 'k' }));
    created = false;
    await app.request('/v1/releases', post(release, { 'idempotency-key': 'k' }));
    await app.request('/v1/releases', post({}));
    const text = await (await app.request('/metrics')).text();
    expect(text).toContain('sluice_releases_started_total{application="web"} 1');
    expect(text).toContain('sluice_http_requests_total{method="POST",route="/v1/releases",status="202"} 2');
    expect(text).toContain('sluice_problems_total{code="invalid_body"} 1');
  });

  it('hands on who asks, by the token and never by the body', async () => {
    let initiator = '';
    const app = appWith(
      {
        ...known,
        submitRelease: async ({ id, request }) => {
          initiator = request.initiator;
          return { id, phase: 'queued', planHash: 'h', created: true };
        },
      },
      { tokens },
    );
    const headers = { authorization: 'Bearer releaser-token', 'sluice-actor': 'root' };
    await app.request('/v1/releases', post(release, headers));
    expect(initiator).toBe('rita');
  });
});

describe('headers', () => {
  it('sends what a browser needs to be careful', async () => {
    const { headers } = await appWith({}).request('/docs');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
