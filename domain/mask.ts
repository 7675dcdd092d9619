/** Keeps values that look like secrets out of evidence and messages. Pure. */

const secretName = /secret|token|passw|key|credential/i;
const assigned = /((?:secret|token|passw|key|credential)[\w.-]*["']?\s*[=:]\s*["']?)([^\s"',;]+)/gi;
const userInfo = /(\w+:\/\/)[^/\s:@]*:[^/\s@]*@/g;
const bearer = /(bearer\s+)\S+/gi;
const limit = 1_000;

/** Text without assignments to secret-like names and without credentials in addresses; at most 1000 characters, the last ones. */
export function maskText(text: string): string {
  return text.replace(userInfo, '$1***@').replace(bearer, '$1***').replace(assigned, '$1***').slice(-limit);
}

/** A copy of a manifest in which literal values of secret-like variables and arguments are ***. References stay. */
export function maskManifest<T>(manifest: T): T {
  return mask(manifest) as T;
}

function mask(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(userInfo, '$1***@').replace(assigned, '$1***');
  if (Array.isArray(value)) return value.map((v, i) => (isSecretFlag(value[i - 1]) ? '***' : mask(v)));
  if (value === null || typeof value !== 'object') return value;
  const { name, value: literal } = value as { name?: unknown; value?: unknown };
  if (typeof name === 'string' && typeof literal === 'string' && secretName.test(name)) {
    return { ...value, value: '***' };
  }
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, mask(v)]));
}

/** `--db-password` with its value as the next argument. */
const isSecretFlag = (argument: unknown): boolean =>
  typeof argument === 'string' && /^--?[\w-]+$/.test(argument) && secretName.test(argument);
