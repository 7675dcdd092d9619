/** A step of the build: puts the part of @kubernetes/client-node that is used into one file, without its classes for every kind of object. */
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const file = fileURLToPath(new URL('../activities/kubernetes/kube-config.js', import.meta.url));

/** KubeConfig needs them for typed clients only, which nobody makes here. */
const withoutClasses: Plugin = {
  name: 'without-classes',
  setup(hooks) {
    hooks.onResolve({ filter: /^\.\/gen\/index\.js$/ }, () => ({ path: 'classes', namespace: 'left-out' }));
    hooks.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: 'export class ServerConfiguration {}\nexport function createConfiguration() {}',
    }));
  },
};

await build({
  entryPoints: [file],
  outfile: file,
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // undici is ours too, and has to be the same.
  external: ['undici'],
  // Some of its dependencies are CommonJS.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  plugins: [withoutClasses],
  logLevel: 'warning',
});
