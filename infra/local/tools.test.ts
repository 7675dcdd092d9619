import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureTools, isUsableVersion } from './tools.js';
import { cacheFolder, publish } from './tools/cache.js';
import { toolNames, type ToolName } from './tools/catalogue.js';
import { downloadRelease, publishedChecksum } from './tools/download.js';
import { Limit } from './tools/limit.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tools-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('ensureTools', () => {
  it('names the known tools where one is unknown', async () => {
    await expect(ensureTools(['kubectl' as ToolName])).rejects.toThrow(
      `unknown tool kubectl; known: ${toolNames.join(', ')}`,
    );
  });

  it('says what was tried for a tool that cannot be had', async () => {
    vi.stubEnv('SLUICE_CACHE', folder);
    vi.stubEnv('PATH', folder);
    const failing = ensureTools(['contour']);
    await expect(failing).rejects.toThrow(
      /contour 1\.33\.6 is not on PATH nor in .*cannot be had:\n {2}go build: .*ENOENT/,
    );
  });
});

describe('isUsableVersion', () => {
  it.each([
    ['Kubernetes v1.36.3', '1.36.3', true],
    ['Kubernetes v1.36.1', '1.36.3', true],
    ['Kubernetes v1.35.3', '1.36.3', false],
    ['docker-registry github.com/docker/distribution v2.8.2+unknown', '3.1.2', false],
    ['prometheus, version  (branch: , revision: unknown)', '3.15.0', false],
    ['', '1.5.1', false],
  ])('%j for %s is %s', (said, pinned, usable) => {
    expect(isUsableVersion(said, pinned)).toBe(usable);
  });
});

describe('publishedChecksum', () => {
  const sum = 'a'.repeat(64);
  const other = 'b'.repeat(64);
  it.each([
    ['a list', `${other}  x.tgz\n${sum}  y.tgz\n`, sum],
    ['a list of binary files', `${sum} *y.tgz\n`, sum],
    ['the sum alone', `${sum}\n`, sum],
    ['a signed list', `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${sum}  y.tgz\n`, sum],
    ['a list without it', `${other}  x.tgz\n`, undefined],
    ['a page that is not a list', '<html>\n', undefined],
  ])('of %s', (_, text, expected) => {
    expect(publishedChecksum(text, 'y.tgz')).toBe(expected);
  });
});

describe('downloadRelease', () => {
  const content = 'the binary';
  let server: Server;
  let sum: string;
  const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  beforeEach(async () => {
    sum = createHash('sha256').update(content).digest('hex');
    server = createServer((request, response) =>
      response.end(request.url === '/tool' ? content : `${sum}  tool\n`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => void server.close());

  it('answers a file whose checksum is the published one', async () => {
    const path = await downloadRelease({ url: `${base()}/tool`, checksums: `${base()}/sums` }, folder);
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  it('refuses a file whose checksum is another', async () => {
    sum = 'c'.repeat(64);
    await expect(
      downloadRelease({ url: `${base()}/tool`, checksums: `${base()}/sums` }, folder),
    ).rejects.toThrow(/has checksum [0-9a-f]{64}, published is c+/);
  });
});

describe('publish', () => {
  it('leaves nothing behind when making fails', async () => {
    const path = join(folder, 'bin', 'tool');
    await expect(publish(path, () => Promise.reject(new Error('no compiler')))).rejects.toThrow(
      'no compiler',
    );
    await expect(readFile(path)).rejects.toThrow(/ENOENT/);
  });
});

describe('cacheFolder', () => {
  it.each([
    [{ SLUICE_CACHE: '/a' }, '/a'],
    [{ XDG_CACHE_HOME: '/b' }, '/b/sluice'],
  ])('of %j is %s', (env, expected) => {
    expect(cacheFolder(env)).toBe(expected);
  });
});

describe('Limit', () => {
  it('lets no more tasks run at once than it allows', async () => {
    const limit = new Limit(2);
    let running = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    };
    await Promise.all(Array.from({ length: 7 }, () => limit.run(task)));
    expect({ most, running }).toEqual({ most: 2, running: 0 });
  });
});
