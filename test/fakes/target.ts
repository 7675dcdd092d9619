/** One application in one environment, for tests that need a target but no cluster. */
import type { Target } from '../../domain/target.js';

export function exampleTarget(): Target {
  const digest = `sha256:${'a'.repeat(64)}`;
  return {
    application: 'web',
    environment: 'prod',
    cluster: 'default',
    namespace: 'shop',
    deployment: 'web',
    container: 'web',
    strategy: 'gray',
    level: 0,
    lane: 'gray',
    gray: 'web-gray',
    image: {
      requested: 'registry.example/shop/web:v2',
      reference: `registry.example/shop/web@${digest}`,
      digest,
      version: 'v2',
    },
    stableImage: 'registry.example/shop/web:v1',
    stableDigest: null,
    stableReplicas: 4,
    manifest: null,
    route: {
      router: 'contour',
      cluster: 'default',
      namespace: 'shop',
      route: 'web',
      stableService: 'web',
      grayService: 'web-gray',
      port: 8080,
    },
    probe: null,
    progressDeadlineMs: 60_000,
    grayReplicas: 'auto',
  };
}
