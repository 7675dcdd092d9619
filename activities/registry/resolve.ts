/** A tag becomes the digest that it names now; from here on a release speaks of the digest only. */
import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { isDigest, requestedImage, versionOf, type ImageReference } from '../../domain/image.js';
import type { ResolvedImage } from '../../domain/target.js';
import type { Activities } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import { Registry, said, type RegistryDeps, type Reply } from './client.js';

export function registryActivities(deps: RegistryDeps): Pick<Activities, 'resolveImage'> {
  const registry = new Registry(deps);
  return {
    resolveImage: ({ image, repository }) =>
      resolveImage(registry, image, repository, Context.current().cancellationSignal),
  };
}

/** Asks the registry, also for a digest that was given: what does not exist cannot be released. */
export async function resolveImage(
  registry: Registry,
  image: string,
  repository: string,
  signal?: AbortSignal,
): Promise<ResolvedImage> {
  const asked = requestedImage(image, repository);
  if ('code' in asked) throw new CatalogueError(asked);
  const requested = `${repository}${asked.tag === null ? '' : `:${asked.tag}`}${asked.digest === null ? '' : `@${asked.digest}`}`;
  const digest = await digestOf(registry, asked, requested, signal);
  if (asked.digest !== null && asked.digest !== digest)
    return fail('image_unknown', { image: requested, answer: `the registry answers with ${digest}` });
  return { requested, reference: `${repository}@${digest}`, digest, version: versionOf(asked.tag, digest) };
}

async function digestOf(
  registry: Registry,
  asked: ImageReference,
  requested: string,
  signal?: AbortSignal,
): Promise<string> {
  const head = await registry.manifest('HEAD', asked, signal);
  if (head.status === 200) {
    const named = String(head.headers['docker-content-digest'] ?? '');
    if (isDigest(named)) return named;
  } else if (head.status !== 405 && head.status !== 501) {
    return refused(head, asked, requested);
  }
  const whole = await registry.manifest('GET', asked, signal);
  if (whole.status !== 200) return refused(whole, asked, requested);
  const algorithm = asked.digest?.startsWith('sha512:') === true ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(whole.data).digest('hex')}`;
}

function refused(reply: Reply, asked: ImageReference, requested: string): never {
  if (reply.status === 403) return fail('registry_denied', { registry: asked.registry, answer: said(reply) });
  return fail('image_unknown', { image: requested, answer: said(reply) });
}
