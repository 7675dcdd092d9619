/** Where the worker's processor time goes: `--profile` lets Node sample it, and this adds the samples up. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of nodes, one for each sample. */
  readonly samples?: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas?: readonly number[];
}

export interface Hot {
  /** Function and file, or what the engine did instead. */
  readonly where: string;
  readonly seconds: number;
}

/** Most first; without the time in which there was nothing to do. */
export function hottest({ nodes, samples = [], timeDeltas = [] }: CpuProfile, most = 30): Hot[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const microseconds = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)';
    microseconds.set(name, (microseconds.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return [...microseconds]
    .filter(([name]) => name !== '(idle)')
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([where, used]) => ({ where, seconds: Number((used / 1_000_000).toFixed(3)) }));
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = url.replace(/^.*\/(node_modules|dist)\//, '').replace(/^file:\/\//, '');
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}

/** One text for each thread that was sampled into the folder, the busiest first. */
export async function profilesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  const threads = await Promise.all(
    names.map(async (name) => {
      const hot = hottest(JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile);
      return { name, hot, seconds: hot.reduce((sum, one) => sum + one.seconds, 0) };
    }),
  );
  return threads
    .toSorted((a, b) => b.seconds - a.seconds)
    .map(({ name, hot }) =>
      [name, ...hot.map(({ where, seconds }) => `${seconds.toFixed(3).padStart(9)} s  ${where}`)].join('\n'),
    );
}
