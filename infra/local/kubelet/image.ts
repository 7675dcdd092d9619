/** An image as a container gets it. */
export interface PulledImage {
  /** `host/repository@sha256:...` */
  id: string;
  env: Record<string, string>;
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

interface Manifest {
  config?: { digest: string };
  manifests?: { digest: string }[];
}

const pulled = new Map<string, PulledImage>();

/**
 * Reads an image's manifest and configuration from its registry. A digest that was pulled before needs no registry.
 *
 * @throws with the registry's own message
 */
export async function pullImage(reference: string): Promise<PulledImage> {
  const known = pulled.get(reference);
  if (known) return known;
  const { host, repository, version } = parseReference(reference);
  const base = `http://${host}/v2/${repository}`;
  const { body, digest } = await fetchManifest(base, version);
  const manifest = body.manifests?.[0] ? (await fetchManifest(base, body.manifests[0].digest)).body : body;
  if (!manifest.config) throw new Error(`${reference} is not an image`);
  const config = (await (await ask(`${base}/blobs/${manifest.config.digest}`)).json()) as {
    config?: { Env?: string[] };
  };
  const image = { id: `${host}/${repository}@${digest}`, env: parseEnv(config.config?.Env ?? []) };
  pulled.set(image.id, image);
  return image;
}

/** Parts of an image name; without a host it is the public default registry, without a tag `latest`. */
export function parseReference(reference: string): { host: string; repository: string; version: string } {
  const [name, digest] = reference.split('@') as [string, string?];
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const path = hasHost ? name.slice(slash + 1) : name;
  const [repository, tag] = path.split(':') as [string, string?];
  return { host: hasHost ? first : 'docker.io', repository, version: digest ?? tag ?? 'latest' };
}

async function fetchManifest(base: string, version: string): Promise<{ body: Manifest; digest: string }> {
  const response = await ask(`${base}/manifests/${version}`, manifestTypes);
  const digest = response.headers.get('docker-content-digest') ?? version;
  return { body: (await response.json()) as Manifest, digest };
}

async function ask(url: string, accept = '*/*'): Promise<Response> {
  const response = await fetch(url, { headers: { accept }, signal: AbortSignal.timeout(10_000) }).catch(
    (error: Error) => {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      throw new Error(`${new URL(url).host}: ${cause}`, { cause: error });
    },
  );
  if (response.ok) return response;
  const text = await response.text();
  throw new Error(`${url}: ${response.status} ${registryMessage(text)}`);
}

function registryMessage(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors: { code: string; message: string }[] };
    return errors.map(({ code, message }) => `${code}: ${message}`).join('; ');
  } catch {
    return text.slice(0, 200);
  }
}

function parseEnv(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
