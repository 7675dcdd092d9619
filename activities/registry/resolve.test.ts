import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeRegistry, type FakeRegistry, type Handler } from '../../test/fakes/registry.js';
import { CatalogueError } from '../failure.js';
import { Registry } from './client.js';
import { resolveImage } from './resolve.js';

const manifest = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' }),
);
const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
const basic = `Basic ${Buffer.from('me:registry-password').toString('base64')}`;

let folder: string;
let dockerConfig: string;
let fake: FakeRegistry;
let repository: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  dockerConfig = join(folder, 'config.json');
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  fake = await fakeRegistry(open);
  repository = `${fake.host}/shop/web`;
  await writeFile(dockerConfig, JSON.stringify({ auths: { [fake.host]: { auth: basic.slice(6) } } }));
});
afterEach(() => fake.close());

/** Without login: the digest in the header, the manifest to those who get it. */
const open: Handler = ({ method }, response) => {
  response.setHeader('docker-content-digest', digest);
  response.end(method === 'GET' ? manifest : undefined);
};
const answering =
  (status: number, body: unknown = '', headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));

const client = (config: string | null = dockerConfig, timeoutMs = 2_000): Registry =>
  new Registry({ dockerConfig: config, insecureRegistries: [], timeoutMs });

/** The failure that came of it; a success is one of the test. */
async function failing(promise: Promise<unknown>) {
  const error: unknown = await promise.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CatalogueError);
  const { failure } = error as CatalogueError;
  for (const secret of ['registry-password', basic.slice(6), 'the-token'])
    expect(JSON.stringify(failure)).not.toContain(secret);
  return failure;
}

describe('a tag', () => {
  it('becomes the digest that the header names, in one question for all kinds of manifest', async () => {
    expect(await resolveImage(client(), 'v2', repository)).toEqual({
      requested: `${repository}:v2`,
      reference: `${repository}@${digest}`,
      digest,
      version: 'v2',
    });
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]).toMatchObject({
      method: 'HEAD',
      url: '/v2/shop/web/manifests/v2',
      authorization: null,
    });
    expect(fake.seen[0]!.accept.split(', ')).toHaveLength(4);
  });

  it.each([
    ['without the header', 200],
    ['that knows no HEAD', 405],
  ])('becomes the hash of the manifest at a registry %s', async (_, status) => {
    fake.handle = ({ method }, response) =>
      void response.writeHead(method === 'HEAD' ? status : 200).end(method === 'GET' ? manifest : undefined);
    expect(await resolveImage(client(), 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen.map((s) => s.method)).toEqual(['HEAD', 'GET']);
  });

  it('that does not exist is an unknown image', async () => {
    fake.handle = answering(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] });
    const failure = await failing(resolveImage(client(), 'v9', repository));
    expect(failure).toMatchObject({ code: 'image_unknown', retryable: false });
    expect(failure.message).toContain(`${repository}:v9`);
  });

  it('of another repository is never asked for', async () => {
    const failure = await failing(resolveImage(client(), `${fake.host}/shop/other:v2`, repository));
    expect(failure.code).toBe('image_foreign');
    expect(fake.seen).toEqual([]);
  });
});

describe('a digest', () => {
  it('is looked for, and its first digits are the version', async () => {
    const found = await resolveImage(client(), `@${digest}`, repository);
    expect(found).toMatchObject({
      digest,
      version: digest.slice(7, 19),
      requested: `${repository}@${digest}`,
    });
    expect(fake.seen[0]?.url).toBe(`/v2/shop/web/manifests/${digest}`);
  });
  it('with a tag keeps the tag as version', async () => {
    expect(await resolveImage(client(), `${repository}:v2@${digest}`, repository)).toMatchObject({
      version: 'v2',
      digest,
    });
  });
  it('that the registry does not have is an unknown image', async () => {
    fake.handle = answering(404);
    expect(await failing(resolveImage(client(), `@${digest}`, repository))).toMatchObject({
      code: 'image_unknown',
    });
  });
  it('that the registry answers with another one is an unknown image', async () => {
    const other = `sha256:${'0'.repeat(64)}`;
    const failure = await failing(resolveImage(client(), `@${other}`, repository));
    expect(failure.code).toBe('image_unknown');
    expect(failure.message).toContain(`answers with ${digest}`);
  });
});

describe('a registry that wants user and password', () => {
  const guarded: Handler = (seen, response, request) =>
    seen.authorization === basic
      ? open(seen, response, request)
      : void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();

  it('gets those of the docker config', async () => {
    fake.handle = guarded;
    expect(await resolveImage(client(), 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen.map((s) => s.authorization)).toEqual([null, basic]);
  });
  it('is named with the reason when there are none', async () => {
    fake.handle = guarded;
    const failure = await failing(resolveImage(client(null), 'v2', repository));
    expect(failure).toMatchObject({ code: 'registry_denied', retryable: false });
    expect(failure.message).toMatch(/401; no docker config file is configured/);
  });
  it('is named when it refuses them', async () => {
    fake.handle = answering(401, '', { 'www-authenticate': 'Basic realm="x"' });
    expect(await failing(resolveImage(client(), 'v2', repository))).toMatchObject({
      code: 'registry_denied',
    });
    expect(fake.seen).toHaveLength(2);
  });
  it('is named when it asks for something else', async () => {
    fake.handle = answering(401, '', { 'www-authenticate': 'Negotiate' });
    const failure = await failing(resolveImage(client(), 'v2', repository));
    expect(failure.message).toMatch(/neither Bearer nor Basic/);
  });
  it('is named when it forbids', async () => {
    fake.handle = answering(403);
    expect(await failing(resolveImage(client(), 'v2', repository))).toMatchObject({
      code: 'registry_denied',
    });
  });
});

describe('a registry with a token service', () => {
  /** Gives `the-token-<n>`, good for as long as said. */
  function bearer(
    expiresIn: number | undefined,
    field: 'token' | 'access_token' = 'token',
    scope = true,
  ): Handler {
    let given = 0;
    return (seen, response, request) => {
      if (seen.url.startsWith('/token')) {
        given++;
        response.end(JSON.stringify({ [field]: `the-token-${given}`, expires_in: expiresIn }));
      } else if (seen.authorization === `Bearer the-token-${given}`) open(seen, response, request);
      else {
        const asked = `Bearer realm="http://${fake.host}/token",service="a, b"${scope ? ',scope="repository:shop/web:pull,push"' : ''}`;
        response.writeHead(401, { 'www-authenticate': asked }).end();
      }
    };
  }

  it('is asked for a token with service, scope and credentials', async () => {
    fake.handle = bearer(300);
    expect(await resolveImage(client(), 'v2', repository)).toMatchObject({ digest });
    const token = fake.seen[1]!;
    expect(token.authorization).toBe(basic);
    expect(Object.fromEntries(new URLSearchParams(token.url.split('?')[1]))).toEqual({
      service: 'a, b',
      scope: 'repository:shop/web:pull,push',
    });
  });
  it('is asked without credentials where there are none', async () => {
    fake.handle = bearer(300, 'access_token', false);
    expect(await resolveImage(client(null), 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen[1]).toMatchObject({ authorization: null });
    expect(fake.seen[1]!.url).toContain('scope=repository%3Ashop%2Fweb%3Apull');
  });
  it('is asked once while the token is good', async () => {
    fake.handle = bearer(300);
    const registry = client();
    await resolveImage(registry, 'v1', repository);
    await resolveImage(registry, 'v2', repository);
    expect(fake.seen.filter((s) => s.url.startsWith('/token'))).toHaveLength(1);
    expect(fake.seen).toHaveLength(4);
  });
  it('is asked again when the token has expired', async () => {
    fake.handle = bearer(1);
    const registry = client();
    await resolveImage(registry, 'v1', repository);
    await resolveImage(registry, 'v2', repository);
    expect(fake.seen.filter((s) => s.url.startsWith('/token'))).toHaveLength(2);
  });
  it('is asked again when the token is refused before its time', async () => {
    fake.handle = bearer(300);
    const registry = client();
    await resolveImage(registry, 'v1', repository);
    fake.handle = bearer(300, 'access_token');
    fake.seen.length = 0;
    const renewed = fake.handle;
    fake.handle = (seen, response, request) =>
      seen.authorization === 'Bearer the-token-1' && fake.seen.length === 1
        ? renewed({ ...seen, authorization: null }, response, request)
        : renewed(seen, response, request);
    expect(await resolveImage(registry, 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen.map((s) => s.url.split('?')[0])).toEqual([
      '/v2/shop/web/manifests/v2',
      '/token',
      '/v2/shop/web/manifests/v2',
    ]);
  });
  it('that refuses the credentials is named', async () => {
    fake.handle = (seen, response, request) =>
      seen.url.startsWith('/token')
        ? answering(401, { errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] })(
            seen,
            response,
            request,
          )
        : bearer(1)(seen, response, request);
    const failure = await failing(resolveImage(client(), 'v2', repository));
    expect(failure).toMatchObject({ code: 'registry_denied' });
    expect(failure.message).toContain('401 UNAUTHORIZED wrong password');
  });
  it.each([
    ['without an address', 'Bearer service="x"', /token service "" is no address/],
    ['that gives no token', `Bearer realm="http://HOST/empty"`, /gave no token/],
  ])('%s is named', async (_, challenge, why) => {
    fake.handle = (seen, response) =>
      seen.url.startsWith('/empty')
        ? void response.end('{}')
        : void response.writeHead(401, { 'www-authenticate': challenge.replace('HOST', fake.host) }).end();
    const failure = await failing(resolveImage(client(), 'v2', repository));
    expect(failure.message).toMatch(why);
  });
});

describe('a redirect', () => {
  let other: FakeRegistry;
  beforeEach(async () => {
    other = await fakeRegistry(open);
  });
  afterEach(() => other.close());

  it('to another host never takes the credentials along', async () => {
    fake.handle = (seen, response) =>
      seen.authorization === null
        ? void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
        : void response.writeHead(307, { location: `http://${other.host}/elsewhere` }).end();
    expect(await resolveImage(client(), 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen.at(-1)?.authorization).toBe(basic);
    expect(other.seen).toMatchObject([{ url: '/elsewhere', authorization: null }]);
  });
  it('within the host keeps them', async () => {
    fake.handle = (seen, response, request) => {
      if (seen.authorization === null)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (seen.url.startsWith('/v2/')) response.writeHead(308, { location: '/moved' }).end();
      else open(seen, response, request);
    };
    expect(await resolveImage(client(), 'v2', repository)).toMatchObject({ digest });
    expect(fake.seen.at(-1)).toMatchObject({ url: '/moved', authorization: basic });
  });
  it('in a circle ends', async () => {
    fake.handle = answering(302, '', { location: '/again' });
    const failure = await failing(resolveImage(client(), 'v2', repository));
    expect(failure).toMatchObject({ code: 'registry_unreachable' });
    expect(failure.message).toMatch(/more than 5 redirects/);
  });
  it('to nowhere is named', async () => {
    fake.handle = answering(302, '', { location: 'http://' });
    expect((await failing(resolveImage(client(), 'v2', repository))).message).toMatch(
      /redirects to "http:\/\/"/,
    );
  });
  it('away from HTTP is refused', async () => {
    fake.handle = answering(302, '', { location: 'ftp://files.example/x' });
    expect(await failing(resolveImage(client(), 'v2', repository))).toMatchObject({
      code: 'registry_unreachable',
    });
  });
});

describe('a registry in trouble is tried again', () => {
  it.each<[string, Handler, RegExp]>([
    ['broken', answering(500, { errors: [{ code: 'UNKNOWN', message: 'disk full' }] }), /500/],
    ['busy', answering(429), /429/],
    ['silent', () => undefined, /no answer within 50 ms/],
    ['abrupt', (_, response) => void response.destroy(), /ECONNRESET|socket hang up/],
  ])('when it is %s', async (_, handle, why) => {
    fake.handle = handle;
    const failure = await failing(resolveImage(client(dockerConfig, 50), 'v2', repository));
    expect(failure).toMatchObject({ code: 'registry_unreachable', retryable: true });
    expect(failure.message).toMatch(why);
  });
  it('when nobody listens', async () => {
    await fake.close();
    const failure = await failing(resolveImage(client(), 'v2', repository));
    expect(failure).toMatchObject({ code: 'registry_unreachable', retryable: true });
    expect(failure.message).toMatch(/ECONNREFUSED/);
    fake = await fakeRegistry(open);
  });
  it('but not when the caller cancels', async () => {
    const cancel = new AbortController();
    fake.handle = () => cancel.abort(new Error('cancelled by the test'));
    await expect(resolveImage(client(), 'v2', repository, cancel.signal)).rejects.toThrow(
      'cancelled by the test',
    );
  });
});
