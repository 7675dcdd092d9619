/** The secrets that a worker is given at its start, so that its log can mask them by value, wherever they turn up. */
import { readFileSync } from 'node:fs';
import { KubeConfig, type User } from '../activities/kubernetes/kube-config.js';
import type { WorkerConfig } from './config.js';
import { registerSecret } from './log.js';

/** What a file that cannot be read holds is not known; whoever needs the file says so. */
export function registerSecrets(config: WorkerConfig): void {
  for (const secret of secretsOf(config)) registerSecret(secret);
}

export function secretsOf({ prometheus, registry, clusters }: WorkerConfig): readonly string[] {
  return [
    ...ofAddress(prometheus.url),
    textOf(prometheus.tokenFile)?.trim(),
    ...ofDockerConfig(textOf(registry.dockerConfig)),
    ...clusters.flatMap(({ kubeconfig }) => ofKubeconfig(kubeconfig)),
  ].filter((secret): secret is string => secret !== undefined && secret !== '');
}

function ofAddress(address: string | null): (string | undefined)[] {
  if (address === null || !URL.canParse(address)) return [];
  const { password } = new URL(address);
  return [password, decodeURIComponent(password)];
}

/** Passwords and tokens of every registry, and each pair as basic auth sends it. */
function ofDockerConfig(text: string | undefined): (string | undefined)[] {
  const auths = (parsed(text)?.['auths'] ?? {}) as Record<string, Record<string, string | undefined>>;
  return Object.values(auths).flatMap(({ auth, username, password, identitytoken }) => {
    const plain = auth === undefined ? undefined : Buffer.from(auth, 'base64').toString('utf8');
    const colon = plain?.indexOf(':') ?? -1;
    const pair = username === undefined || password === undefined ? undefined : `${username}:${password}`;
    return [auth, plain?.slice(colon + 1), password, identitytoken, pair];
  });
}

function ofKubeconfig(file: string | undefined): (string | undefined)[] {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch {
    return [];
  }
  return config.users.flatMap(ofUser);
}

function ofUser({ token, password, keyData, authProvider }: User): (string | undefined)[] {
  const provided = (authProvider as { config?: { tokenFile?: string } } | undefined)?.config;
  return [token, password, keyData, textOf(provided?.tokenFile ?? null)?.trim()];
}

function textOf(file: string | null): string | undefined {
  if (file === null) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parsed(text: string | undefined): Record<string, unknown> | null {
  try {
    return JSON.parse(text ?? 'null') as Record<string, unknown> | null;
  } catch {
    return null;
  }
}
