import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Arguments of Node that run a script of ours, from its TypeScript source or compiled. */
export function scriptArgs(script: string): string[] {
  if (extname(script) !== '.ts') return [script];
  // Not import.meta.resolve: vitest does not have it.
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, script];
}
