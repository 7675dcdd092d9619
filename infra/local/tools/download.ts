import { createWriteStream } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch } from 'undici';
import type { Platform, Release } from './catalogue.js';
import { run, sha256OfFile } from './run.js';

const dispatcher = new Agent({ connect: { timeout: 4000 }, headersTimeout: 15_000, bodyTimeout: 30_000 });

/** Hosts that could not be reached in this run; they are not asked a second time. */
const closed = new Map<string, string>();

/** @throws when the host cannot be reached, at once if that is known from an earlier call, or does not answer 200. */
async function get(url: string): Promise<Awaited<ReturnType<typeof fetch>>> {
  const { host } = new URL(url);
  const known = closed.get(host);
  if (known) throw new Error(known);
  const response = await fetch(url, { dispatcher, redirect: 'follow' }).catch((error: unknown) => {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    closed.set(host, `${host} cannot be reached: ${cause}`);
    throw new Error(closed.get(host), { cause: error });
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

export async function downloadText(url: string): Promise<string> {
  return (await get(url)).text();
}

/** Downloads a release, compares it with its published checksum and answers the path of the binary in `folder`. */
export async function downloadRelease(release: Release, folder: string): Promise<string> {
  const file = basename(new URL(release.url).pathname);
  const expected = publishedChecksum(await downloadText(release.checksums), file);
  if (!expected) throw new Error(`${release.checksums} has no checksum of ${file}`);
  const archive = join(folder, file);
  const { body } = await get(release.url);
  if (!body) throw new Error(`${release.url} answered nothing`);
  await pipeline(Readable.fromWeb(body), createWriteStream(archive));
  const actual = await sha256OfFile(archive);
  if (actual !== expected) throw new Error(`${release.url} has checksum ${actual}, published is ${expected}`);
  if (release.member) await run('tar', ['-xzf', archive, '-C', folder, release.member]);
  const binary = release.member ? join(folder, release.member) : archive;
  await chmod(binary, 0o755);
  return binary;
}

/** The SHA-256 of `file` in a checksum file: lines of `<sum>  <file>`, or the sum alone. */
export function publishedChecksum(text: string, file: string): string | undefined {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
  const row =
    rows.find(([, name]) => name?.replace(/^\*/, '') === file) ?? (rows[0]?.length === 1 ? rows[0] : []);
  return /^[0-9a-f]{64}$/.exec(row[0] ?? '')?.[0];
}

export function platform(): Platform {
  return { os: process.platform, arch: process.arch === 'arm64' ? 'arm64' : 'amd64' };
}
