import { beforeAll, describe, expect, inject, it } from 'vitest';
import { CatalogueError } from '../../activities/failure.js';
import { Registry } from '../../activities/registry/client.js';
import { resolveImage } from '../../activities/registry/resolve.js';
import { pushImage } from '../../infra/local/images.js';

const stack = inject('stack');
const repository = `${stack.registry}/registry-test/web`;
const registry = new Registry({ dockerConfig: null, insecureRegistries: [] });
let digest: string;
beforeAll(async () => {
  digest = await pushImage({
    registry: stack.registry,
    repository: 'registry-test/web',
    tag: 'v1',
    env: { VERSION: 'registry-test' },
  });
});

describe('the real registry', () => {
  it('names the digest of a tag', async () => {
    expect(await resolveImage(registry, 'v1', repository)).toEqual({
      requested: `${repository}:v1`,
      reference: `${repository}@${digest}`,
      digest,
      version: 'v1',
    });
  });
  it('knows the digest', async () => {
    expect(await resolveImage(registry, `${repository}@${digest}`, repository)).toMatchObject({
      digest,
      version: digest.slice(7, 19),
    });
  });
  it.each([
    ['tag', 'v9'],
    ['digest', `@sha256:${'0'.repeat(64)}`],
  ])('does not know another %s', async (_, image) => {
    const error: unknown = await resolveImage(registry, image, repository).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CatalogueError);
    expect((error as CatalogueError).failure.code).toBe('image_unknown');
  });
});
