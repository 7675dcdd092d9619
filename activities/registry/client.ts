/** A small OCI registry client: one manifest's digest, with the two ways of logging in that registries have. */
import axios, { type AxiosResponse } from 'axios';
import { speaksPlainHttp, type ImageReference } from '../../domain/image.js';
import { withDeadline } from '../deadline.js';
import { describe, fail } from '../failure.js';
import { parseChallenges, type Challenge } from './challenge.js';
import { credentialsFor } from './credentials.js';

export interface RegistryDeps {
  /** Path of a docker config.json with credentials (SLUICE_DOCKER_CONFIG); null: none. */
  readonly dockerConfig: string | null;
  /** host or host:port of registries that speak plain HTTP (SLUICE_INSECURE_REGISTRIES). This machine's own always do. */
  readonly insecureRegistries: readonly string[];
  /** Per request, milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

export type Reply = AxiosResponse<Buffer>;

/** Without an Accept for all of them a registry may convert the manifest, and so its digest. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const maxManifestBytes = 4 * 1024 * 1024;
const maxRedirects = 5;

interface CachedToken {
  readonly token: string;
  readonly until: number;
}

/** Keeps tokens until they expire; they are never part of an answer or an error. */
export class Registry {
  private readonly tokens = new Map<string, CachedToken>();

  constructor(private readonly deps: RegistryDeps) {}

  /** The manifest of the reference. A 401 is answered by logging in once; fails with `registry_*` of the catalogue. */
  async manifest(method: 'GET' | 'HEAD', image: ImageReference, signal?: AbortSignal): Promise<Reply> {
    const { registry, repository } = image;
    const url = new URL(
      `${this.base(registry)}/v2/${repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`,
    );
    const known = this.cached(cacheKey(registry, repository));
    const first = await this.send(method, url, registry, known === null ? null : `Bearer ${known}`, signal);
    if (first.status !== 401) return first;
    this.tokens.delete(cacheKey(registry, repository));
    const authorization = await this.logIn(first, image, signal);
    const second = await this.send(method, url, registry, authorization, signal);
    return second.status === 401 ? this.denied(registry, said(second)) : second;
  }

  private base(registry: string): string {
    const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
    return `${this.isPlain(registry) ? 'http' : 'https'}://${host}`;
  }

  private isPlain(registry: string): boolean {
    return speaksPlainHttp(registry, this.deps.insecureRegistries);
  }

  /** The Authorization that the challenge asks for. */
  private async logIn(reply: Reply, image: ImageReference, signal?: AbortSignal): Promise<string> {
    const { registry, repository } = image;
    const challenges = parseChallenges(String(reply.headers['www-authenticate'] ?? ''));
    const bearer = challenges.find((c) => c.scheme === 'bearer');
    if (bearer !== undefined) return `Bearer ${await this.token(bearer, image, signal)}`;
    const found = await credentialsFor(this.deps.dockerConfig, registry, repository);
    if ('none' in found) return this.denied(registry, `${said(reply)}; ${found.none}`);
    if (challenges.some((c) => c.scheme === 'basic')) return basic(found.credentials);
    return this.denied(registry, `${said(reply)}; it asks for neither Bearer nor Basic`);
  }

  private async token(challenge: Challenge, image: ImageReference, signal?: AbortSignal): Promise<string> {
    const { registry, repository } = image;
    const { realm = '', service, scope = `repository:${repository}:pull` } = challenge.parameters;
    if (!URL.canParse(realm)) return this.denied(registry, `its token service "${realm}" is no address`);
    const url = new URL(realm);
    if (url.protocol !== 'https:' && !this.isPlain(registry))
      return this.denied(registry, `its token service ${url.origin} does not speak HTTPS`);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope);
    const found = await credentialsFor(this.deps.dockerConfig, registry, repository);
    const authorization = 'none' in found ? null : basic(found.credentials);
    const reply = await this.send('GET', url, registry, authorization, signal);
    if (reply.status !== 200)
      return this.denied(registry, `${said(reply)}${'none' in found ? `; ${found.none}` : ''}`);
    return this.keep(cacheKey(registry, repository), reply) ?? this.denied(registry, 'it gave no token');
  }

  private cached(key: string): string | null {
    const known = this.tokens.get(key);
    return known === undefined || known.until <= Date.now() ? null : known.token;
  }

  private keep(key: string, reply: Reply): string | null {
    const body = jsonOf(reply) as { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
    const token = body?.token ?? body?.access_token;
    if (typeof token !== 'string' || token === '') return null;
    // 60 s where nothing is said, by the token specification; a little less, for the way.
    const seconds = typeof body?.expires_in === 'number' ? body.expires_in : 60;
    this.tokens.set(key, { token, until: Date.now() + (seconds - 5) * 1_000 });
    return token;
  }

  /** One request with its redirects; Authorization stays with the host that it was made for. */
  private async send(
    method: 'GET' | 'HEAD',
    url: URL,
    registry: string,
    authorization: string | null,
    signal?: AbortSignal,
  ): Promise<Reply> {
    let target = url;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const own = target.origin === url.origin ? authorization : null;
      const reply = await this.once(method, target, registry, own, signal);
      const location: unknown = reply.headers.location;
      if (![301, 302, 303, 307, 308].includes(reply.status) || typeof location !== 'string') return reply;
      if (!URL.canParse(location, target.href))
        return fail('registry_unreachable', { registry, why: `it redirects to "${location.slice(0, 200)}"` });
      const next = new URL(location, target);
      if (next.protocol !== target.protocol && next.protocol !== 'https:')
        return fail('registry_unreachable', {
          registry,
          why: `it redirects to ${next.origin}, away from HTTPS`,
        });
      target = next;
    }
    return fail('registry_unreachable', { registry, why: `more than ${maxRedirects} redirects` });
  }

  private async once(
    method: 'GET' | 'HEAD',
    url: URL,
    registry: string,
    authorization: string | null,
    signal?: AbortSignal,
  ): Promise<Reply> {
    let reply: Reply;
    try {
      reply = await withDeadline(this.deps.timeoutMs ?? 5_000, signal, (either) =>
        axios.request<Buffer>({
          method,
          url: url.href,
          signal: either,
          headers: {
            accept: manifestTypes,
            // The digest is of the bytes as they are.
            'accept-encoding': 'identity',
            ...(authorization === null ? {} : { authorization }),
          },
          responseType: 'arraybuffer',
          maxRedirects: 0,
          maxContentLength: maxManifestBytes,
          validateStatus: () => true,
        }),
      );
    } catch (error) {
      signal?.throwIfAborted();
      return fail('registry_unreachable', { registry, why: describe(error) });
    }
    if (reply.status >= 500 || reply.status === 429)
      return fail('registry_unreachable', { registry, why: `it answered ${said(reply)}` });
    return reply;
  }

  private denied(registry: string, answer: string): never {
    return fail('registry_denied', { registry, answer });
  }
}

/** Status and the registry's own words, shortened. */
export function said(reply: Reply): string {
  const body = jsonOf(reply) as { errors?: { code?: unknown; message?: unknown }[] } | null;
  const first = Array.isArray(body?.errors) ? body.errors[0] : undefined;
  const words = [first?.code, first?.message].filter((w) => typeof w === 'string' && w !== '').join(' ');
  return `${reply.status}${words === '' ? '' : ` ${words.slice(0, 200)}`}`;
}

function jsonOf(reply: Reply): unknown {
  try {
    return JSON.parse(Buffer.from(reply.data).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

const cacheKey = (registry: string, repository: string): string => `${registry}/${repository}`;
const basic = (c: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${c.username}:${c.password}`).toString('base64')}`;
