/** The workflow code: prebuilt beside the compiled worker, or bundled at start from the sources. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkerOptions } from '@temporalio/worker';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const prebuilt = here('../workflow-bundle.js');
/** Workflow code runs from .ts in development and from .js when compiled. */
const entry = existsSync(here('../workflows/index.ts'))
  ? here('../workflows/index.ts')
  : here('../workflows/index.js');
const queries = entry.replace(/index(?=\.[jt]s$)/, 'queries');

export async function workflowSource(): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  return { workflowBundle: existsSync(prebuilt) ? { codePath: prebuilt } : { code: await bundle() } };
}

/**
 * For each promise of a workflow the SDK compiles two small functions and takes a stack trace, for the stack trace in Temporal's page:
 * a third of a worker's work. Here it finds the two ready, and the trace empty. What the SDK does with unhandled rejections it still can.
 */
const withoutTraces = `(() => {
  const ready = new Map([
    ['return globalThis.__TEMPORAL_ACTIVATOR__', () => globalThis.__TEMPORAL_ACTIVATOR__],
    ['return globalThis.Error', () => class { stack = ''; }],
  ]);
  Object.defineProperty(Promise, 'constructor', { value: (code) => ready.get(code) ?? Function(code) });
})();`;

export async function bundle(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: entry,
    workflowInterceptorModules: [queries],
    // No module has a state of its own, so all workflows share them.
    preloadModules: [entry],
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-source-map' }),
  });
  // On the first line, so that the source map still fits.
  return withoutTraces.replaceAll('\n', ' ') + code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(prebuilt, await bundle());
