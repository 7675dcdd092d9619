/** The code that runs in the sandbox of Temporal. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

describe('the workflow bundle', () => {
  let code = '';
  beforeAll(async () => {
    const workflowsPath = fileURLToPath(new URL('index.ts', import.meta.url));
    // Building it fails by itself where a Node built-in is imported.
    ({ code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }));
  }, 60_000);

  /** Packages of which some module is in the bundle. */
  const packages = (): string[] => {
    const found = [...code.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)].map((m) => m[1]!);
    return [...new Set(found)].sort();
  };

  it('holds only the SDK, the hash and what they need: no zod, no Kubernetes, no HTTP', () => {
    expect(packages()).toMatchInlineSnapshot(`
      [
        "@noble/hashes",
        "@temporalio/common",
        "@temporalio/workflow",
        "long",
        "ms",
        "nexus-rpc",
      ]
    `);
  });

  it('holds of ours only domain and workflows', () => {
    const ours = [...code.matchAll(/"\.\/(\w+)\/[\w/-]+\.ts"/g)].map((m) => m[1]!);
    expect([...new Set(ours)].sort()).toEqual(['domain', 'workflows']);
  });

  it('requires no Node built-in', () => {
    expect(code).not.toMatch(/require\(["'](node:|fs|net|http|https|crypto|child_process)\b/);
  });
});
