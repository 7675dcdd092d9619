/** User and password for a registry, out of a docker config.json, read when needed because mounted secrets are rotated. */
import { readFile } from 'node:fs/promises';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type Found =
  | { readonly credentials: Credentials }
  /** Why there are none; names no secret. */
  | { readonly none: string };

interface DockerConfig {
  readonly auths?: Readonly<Record<string, Auth>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

interface Auth {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/** Null: no file is configured. */
export async function credentialsFor(
  file: string | null,
  registry: string,
  repository: string,
): Promise<Found> {
  if (file === null) return { none: 'no docker config file is configured' };
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { none: `the docker config file cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
  try {
    return pick(JSON.parse(text) as DockerConfig, registry, repository);
  } catch {
    // The parser's message would quote the file.
    return { none: 'the docker config file is no JSON object' };
  }
}

/** The entry whose key fits best: registry[/path], with or without a scheme. Pure. */
export function pick(config: DockerConfig, registry: string, repository: string): Found {
  const wanted = `${registry}/${repository}/`;
  const entries = Object.entries(config.auths ?? {})
    .map(([key, auth]) => ({ prefix: prefixOf(key), auth }))
    .filter(({ prefix }) => wanted.startsWith(`${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  for (const { auth } of entries) {
    const credentials = read(auth);
    if (credentials !== null) return { credentials };
  }
  const helper = Object.entries(config.credHelpers ?? {}).find(([key]) => prefixOf(key) === registry)?.[1];
  const named = helper ?? config.credsStore;
  if (named !== undefined)
    return {
      none: `the docker config names the credential helper "${named}", which is not supported: put an auth entry in its place`,
    };
  if (entries.some(({ auth }) => auth.identitytoken !== undefined))
    return {
      none: 'the docker config has an identity token for it, which is not supported: put user and password in its place',
    };
  return { none: 'the docker config has no entry for it' };
}

/** Key without scheme, version and closing slash; the names of Docker Hub are one. */
function prefixOf(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .replace(/\/v[12]$/, '');
  return bare.replace(/^(?:index|registry-1)\.docker\.io(?=\/|$)/, 'docker.io');
}

function read(auth: Auth): Credentials | null {
  if (auth.auth !== undefined && auth.auth !== '') {
    const plain = Buffer.from(auth.auth, 'base64').toString('utf8');
    const colon = plain.indexOf(':');
    return colon < 1 ? null : { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
  }
  const { username, password } = auth;
  return username === undefined || username === '' || password === undefined ? null : { username, password };
}
