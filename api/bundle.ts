/** Part of `npm run build`: the compiled API as few files, since a start is mostly finding and reading hundreds of modules. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

await build({
  entryPoints: [`${here}main.js`],
  outdir: here,
  allowOverwrite: true,
  bundle: true,
  // What is imported late stays in files of its own, first of all the Temporal client.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  // Errors and workflows are told apart by the names of their classes.
  keepNames: true,
  banner: {
    js: "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);",
  },
  logLevel: 'warning',
});
