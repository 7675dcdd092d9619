/** Part of `npm run build`: compiled API and worker as few files, since a start is mostly finding and reading hundreds of modules. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** In dist/infra/build, beside what is bundled. */
const compiled = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

async function bundle(folder: string, external: readonly string[]): Promise<void> {
  await build({
    entryPoints: [compiled(`${folder}/main.js`)],
    outdir: compiled(folder),
    allowOverwrite: true,
    bundle: true,
    external: [...external],
    // What is imported late stays in files of its own, first of all the API's Temporal client.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    // Errors are told apart by the names of their classes.
    keepNames: true,
    banner: {
      js: "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

await bundle('api', []);
// The SDK finds its native library and its threads by their paths; bundle.js is also a command of its own.
await bundle('worker', ['@temporalio/*', './bundle.js']);
