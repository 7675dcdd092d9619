import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface ImageToPush {
  /** `host:port` of the registry, plain HTTP. */
  registry: string;
  repository: string;
  tag: string;
  /** The image's environment; infra/local/kubelet runs what it says. */
  env: Record<string, string>;
  /** Labels of the image's configuration. */
  labels?: Record<string, string>;
}

/**
 * Pushes a small, valid OCI image whose configuration carries `env`; answers its digest. The same input gives the same digest.
 *
 * @throws naming the registry's answer
 */
export async function pushImage({
  registry,
  repository,
  tag,
  env,
  labels = {},
}: ImageToPush): Promise<string> {
  const base = `http://${registry}/v2/${repository}`;
  // Two empty blocks are the end of a tar archive: an empty one.
  const tar = Buffer.alloc(1024);
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`), Labels: labels },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [],
    }),
  );
  await Promise.all([pushBlob(base, layer), pushBlob(base, config)]);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
    }),
  );
  await send('PUT', `${base}/manifests/${tag}`, manifest, mediaType);
  return digestOf(manifest);
}

function descriptor(mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digestOf(content), size: content.length };
}

const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function pushBlob(base: string, content: Buffer): Promise<void> {
  const begun = await send('POST', `${base}/blobs/uploads/`);
  const location = new URL(begun.headers.get('location') ?? '', base);
  location.searchParams.set('digest', digestOf(content));
  await send('PUT', location.href, content, 'application/octet-stream');
}

async function send(method: string, url: string, body?: Buffer, type?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    ...(body && { body: new Uint8Array(body) }),
    ...(type && { headers: { 'content-type': type } }),
  });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
  return response;
}
