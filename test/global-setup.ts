import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { startStack, type StackInfo } from '../infra/local/stack.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The one stack that all end-to-end tests share; a test that stops parts of it starts a stack of its own. */
    stack: StackInfo;
  }
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compiles the worker that the tests start as a process; starts the shared stack with real pods; answers what ends it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const built = promisify(execFile)('npm', ['run', 'build'], { cwd: root });
  const dir = await mkdtemp(join(tmpdir(), 'sluice-test-stack-'));
  const stack = await startStack({ dir, pods: 'real', log: console.log });
  await built;
  project.provide('stack', stack.info);
  return async () => {
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  };
}
