/** Image references, read as Docker and the OCI distribution specification read them. */
import { failure, type Failure } from './failures.js';

export interface ImageReference {
  /** Host[:port]; docker.io where none is written. */
  readonly registry: string;
  /** Path in the registry, e.g. library/nginx. */
  readonly repository: string;
  readonly tag: string | null;
  /** sha256:... or sha512:... */
  readonly digest: string | null;
}

const hostPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export const isDigest = (text: string): boolean => digestPattern.test(text);

/** Reads registry/repository[:tag][@digest]; a failure (`image_invalid`) says what is wrong with it. */
export function parseImage(text: string): ImageReference | Failure {
  const wrong = (why: string): Failure => failure('image_invalid', { image: text, why });
  const at = text.indexOf('@');
  const digest = at < 0 ? null : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  // A colon after the last slash begins a tag; one before it is a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? null : named.slice(colon + 1);
  const { registry, repository } = split(colon < 0 ? named : named.slice(0, colon));
  if (!hostPattern.test(registry)) return wrong(`"${registry}" is no registry host`);
  if (!namePattern.test(repository) || repository.length > 255)
    return wrong(
      `"${repository}" is no repository: lower-case letters, digits and single . _ - / between them`,
    );
  if (tag !== null && !tagPattern.test(tag))
    return wrong(`"${tag}" is no tag: at most 128 letters, digits, . _ -, not beginning with . or -`);
  if (digest !== null && !isDigest(digest))
    return wrong(`"${digest}" is no digest such as sha256:<64 hex digits>`);
  return { registry, repository, tag, digest };
}

function split(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  const registry = isHost ? first.toLowerCase() : 'docker.io';
  const rest = isHost ? name.slice(slash + 1) : name;
  if (registry !== 'docker.io' && registry !== 'index.docker.io') return { registry, repository: rest };
  return { registry: 'docker.io', repository: rest.includes('/') ? rest : `library/${rest}` };
}

/**
 * What a release asks for, of the application's repository: a whole reference, a bare tag ("v2") or a digest ("@sha256:...").
 * Fails with `image_invalid`, or `image_foreign` where it is of another repository.
 */
export function requestedImage(image: string, repository: string): ImageReference | Failure {
  const own = parseImage(repository);
  if ('code' in own) return own;
  if (own.tag !== null || own.digest !== null)
    return failure('image_invalid', { image: repository, why: 'a repository has neither tag nor digest' });
  const digest = image.replace(/^@/, '');
  if (isDigest(digest)) return { ...own, digest };
  if (tagPattern.test(image)) return { ...own, tag: image };
  const asked = parseImage(image);
  if ('code' in asked) return asked;
  if (asked.registry !== own.registry || asked.repository !== own.repository)
    return failure('image_foreign', { image, repository });
  if (asked.tag === null && asked.digest === null)
    return failure('image_invalid', { image, why: 'it has neither tag nor digest' });
  return asked;
}

/** Whether the registry is on this machine, or listed as one that speaks plain HTTP. */
export function speaksPlainHttp(registry: string, insecure: readonly string[]): boolean {
  const host = registry.replace(/:\d+$/, '');
  const local = host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
  return local || insecure.includes(registry) || insecure.includes(host);
}

/** What people call it: the tag, else the first 12 hex digits of the digest. */
export function versionOf(tag: string | null, digest: string): string {
  return tag ?? digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}
