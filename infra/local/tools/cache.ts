import { constants } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Folder of everything that is fetched or built once: `$SLUICE_CACHE`, else the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.SLUICE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice');
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Makes `path` appear whole or not at all: `make` writes to a folder of its own and answers which file of it is wanted.
 * Two processes may do so at once; the later one wins, with the same content.
 */
export async function publish(path: string, make: (folder: string) => Promise<string>): Promise<string> {
  const folder = `${path}.${process.pid}.partial`;
  await mkdir(dirname(path), { recursive: true });
  await mkdir(folder, { recursive: true });
  try {
    await rename(await make(folder), path);
    return path;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
