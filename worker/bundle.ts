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

export function workflowSource(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  return existsSync(prebuilt) ? { workflowBundle: { codePath: prebuilt } } : { workflowsPath: entry };
}

export async function bundle(): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath: entry });
  return code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(prebuilt, await bundle());
