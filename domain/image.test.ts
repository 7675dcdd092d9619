import { describe, expect, it } from 'vitest';
import { parseImage, requestedImage, speaksPlainHttp, versionOf } from './image.js';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('reading a reference', () => {
  const good: [string, string, string, string | null, string | null][] = [
    ['nginx', 'docker.io', 'library/nginx', null, null],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27', null],
    ['shop/web:v1', 'docker.io', 'shop/web', 'v1', null],
    ['docker.io/nginx', 'docker.io', 'library/nginx', null, null],
    ['index.docker.io/shop/web', 'docker.io', 'shop/web', null, null],
    ['registry.example/shop/web:v1', 'registry.example', 'shop/web', 'v1', null],
    ['Registry.Example/web', 'registry.example', 'web', null, null],
    ['localhost/web', 'localhost', 'web', null, null],
    ['localhost:5000/web', 'localhost:5000', 'web', null, null],
    ['127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000', 'a/b/c', 'x', null],
    ['[::1]:5000/web:v1', '[::1]:5000', 'web', 'v1', null],
    [`r.io/web@${digest}`, 'r.io', 'web', null, digest],
    [`r.io/web:v1@${digest}`, 'r.io', 'web', 'v1', digest],
    ['r.io/a__b.c-d--e/f', 'r.io', 'a__b.c-d--e/f', null, null],
  ];
  it.each(good)('%s', (text, registry, repository, tag, hash) => {
    expect(parseImage(text)).toEqual({ registry, repository, tag, digest: hash });
  });

  const bad: [string, string, RegExp][] = [
    ['nothing', '', /no repository/],
    ['capitals in the path', 'r.io/Shop', /"Shop" is no repository/],
    ['a path that ends in a slash', 'r.io/web/', /no repository/],
    ['two dots', 'r.io/a..b', /no repository/],
    ['a path that is too long', `r.io/${'a'.repeat(256)}`, /no repository/],
    ['a scheme', 'https://r.io/web', /no registry host|no repository/],
    ['a tag with a plus', 'r.io/web:1+2', /"1\+2" is no tag/],
    ['an empty tag', 'r.io/web:', /"" is no tag/],
    ['a tag that begins with a dash', 'r.io/web:-x', /no tag/],
    ['a time as tag', 'r.io/web:12:30', /"12:30" is no tag/],
    ['a short digest', 'r.io/web@sha256:abc', /no digest/],
    ['a host that steers the request', 'r.io#x/web', /no registry host/],
    ['a user in the host', 'me:pw@r.io/web', /is no/],
  ];
  it.each(bad)('refuses %s', (_, text, why) => {
    const found = parseImage(text);
    expect(found).toMatchObject({ code: 'image_invalid' });
    expect((found as { message: string }).message).toMatch(why);
  });
});

describe('what a release asks for', () => {
  const repository = 'registry.example/shop/web';
  const own = { registry: 'registry.example', repository: 'shop/web' };
  it.each([
    ['a bare tag', 'v2', { ...own, tag: 'v2', digest: null }],
    ['a digest', `@${digest}`, { ...own, tag: null, digest }],
    ['a digest without its sign', digest, { ...own, tag: null, digest }],
    ['a whole reference', `${repository}:v2`, { ...own, tag: 'v2', digest: null }],
    ['tag and digest', `${repository}:v2@${digest}`, { ...own, tag: 'v2', digest }],
  ])('can be %s', (_, image, found) => {
    expect(requestedImage(image, repository)).toEqual(found);
  });
  it('may spell Docker Hub in several ways', () => {
    expect(requestedImage('docker.io/library/nginx:1', 'nginx')).toMatchObject({
      repository: 'library/nginx',
    });
  });
  it.each([
    ['another repository', 'registry.example/shop/other:v2', 'image_foreign'],
    ['another registry', 'evil.example/shop/web:v2', 'image_foreign'],
    ['the repository without tag', repository, 'image_invalid'],
    ['something that is no image', 'v2+x', 'image_invalid'],
  ])('may not be %s', (_, image, code) => {
    expect(requestedImage(image, repository)).toMatchObject({ code });
  });
  it('needs a repository without tag', () => {
    expect(requestedImage('v2', 'r.io/web:v1')).toMatchObject({ code: 'image_invalid' });
  });
});

describe('plain HTTP', () => {
  it.each([
    ['localhost', true],
    ['localhost:5000', true],
    ['127.0.0.1:5000', true],
    ['[::1]:5000', true],
    ['10.0.0.1:5000', true],
    ['lab.example:8080', true],
    ['lab.example', false],
    ['127.0.0.1.example', false],
    ['localhost.example', false],
    ['registry.example', false],
  ])('%s: %s', (registry, plain) => {
    expect(speaksPlainHttp(registry, ['10.0.0.1', 'lab.example:8080'])).toBe(plain);
  });
});

describe('a version', () => {
  it('is the tag, else a short digest', () => {
    expect(versionOf('v2', digest)).toBe('v2');
    expect(versionOf(null, digest)).toBe('0123456789ab');
  });
});
