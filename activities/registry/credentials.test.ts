import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { credentialsFor, pick } from './credentials.js';

const auth = (user: string, password: string): { auth: string } => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
});
const me = { credentials: { username: 'me', password: 'pw' } };

describe('credentials of a docker config', () => {
  const table: [string, Parameters<typeof pick>[0], string, unknown][] = [
    ['are found by the host', { auths: { 'r.example:5000': auth('me', 'pw') } }, 'r.example:5000', me],
    ['are found by an address', { auths: { 'https://r.example/v2/': auth('me', 'pw') } }, 'r.example', me],
    [
      'are found by the old name of Docker Hub',
      { auths: { 'https://index.docker.io/v1/': auth('me', 'pw') } },
      'docker.io',
      me,
    ],
    [
      'may have a colon in the password',
      { auths: { r: auth('me', 'p:w') } },
      'r',
      { credentials: { username: 'me', password: 'p:w' } },
    ],
    ['may be written out', { auths: { r: { username: 'me', password: 'pw' } } }, 'r', me],
    [
      'of the repository come before those of the host',
      { auths: { r: auth('all', 'x'), 'r/shop': auth('me', 'pw') } },
      'r',
      me,
    ],
    [
      'of another repository are not used',
      { auths: { 'r/sho': auth('me', 'pw') } },
      'r',
      { none: 'the docker config has no entry for it' },
    ],
    [
      'of another host are not used',
      { auths: { 'r.example.evil': auth('me', 'pw') } },
      'r.example',
      { none: 'the docker config has no entry for it' },
    ],
    ['come before a helper', { auths: { r: auth('me', 'pw') }, credsStore: 'desktop' }, 'r', me],
    ['may be missing', {}, 'r', { none: 'the docker config has no entry for it' }],
  ];
  it.each(table)('%s', (_, config, registry, found) => {
    expect(pick(config, registry, 'shop/web')).toEqual(found);
  });

  it.each([
    ['of one registry', { credHelpers: { r: 'ecr-login' } }, /"ecr-login", which is not supported/],
    ['of all registries', { auths: { r: {} }, credsStore: 'desktop' }, /"desktop", which is not supported/],
  ])('behind a helper %s are named as unsupported', (_, config, why) => {
    expect(pick(config, 'r', 'a')).toEqual({ none: expect.stringMatching(why) as unknown });
  });
  it('that are an identity token are named as unsupported', () => {
    expect(pick({ auths: { r: { identitytoken: 'x' } } }, 'r', 'a')).toEqual({
      none: expect.stringMatching(/identity token/) as unknown,
    });
  });

  it('are read from the file when they are needed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    const file = join(folder, 'config.json');
    expect(await credentialsFor(null, 'r', 'a')).toHaveProperty(
      'none',
      'no docker config file is configured',
    );
    expect(await credentialsFor(file, 'r', 'a')).toHaveProperty('none', expect.stringContaining('ENOENT'));
    await writeFile(file, '{"auths": {"r": {"auth": "secret-text');
    const broken = await credentialsFor(file, 'r', 'a');
    expect(JSON.stringify(broken)).toMatch(/no JSON object/);
    expect(JSON.stringify(broken)).not.toContain('secret-text');
    await writeFile(file, JSON.stringify({ auths: { r: auth('me', 'pw') } }));
    expect(await credentialsFor(file, 'r', 'a')).toEqual(me);
    await rm(folder, { recursive: true });
  });
});
