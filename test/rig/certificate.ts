/** A certificate of a test's own, which nobody but the test believes. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../infra/local/tools/run.js';

/** PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Signed by itself, for one host and a day. Needs the command `openssl`. */
export async function certificateFor(host: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const asked = 'req -x509 -newkey rsa:2048 -nodes -days 1'.split(' ');
    const named = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
    await run('openssl', [...asked, ...named, '-keyout', key, '-out', cert]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}
