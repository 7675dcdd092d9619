import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Measured } from './measure.js';
import { summary } from './statistics.js';

export interface Results {
  readonly measured: readonly Measured[];
}

export async function write(
  results: Results,
  { out, root }: { readonly out: string | null; readonly record: boolean; readonly root: string },
): Promise<void> {
  const path = out ?? join(root, 'bench-results', 'results.json');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(results, undefined, 1));
  for (const m of results.measured) {
    console.log(`\n${m.candidate} ${m.count}${m.problem === null ? '' : ` PROBLEM ${m.problem}`}`);
    console.log(' first weight ms', summary([...m.good, ...m.bad].flatMap((r) => r.firstWeightMs)));
    console.log(' holds ms', summary(m.good.flatMap((r) => r.holdsMs)));
    for (const r of m.bad)
      console.log(' answered to zero: first', r.answeredToZeroMs[0], 'last', r.answeredToZeroMs.at(-1));
    for (const r of m.good)
      console.log(
        ' requests/release',
        r.requests.total / m.count,
        r.requests.by,
        'cpu/release',
        r.cpuSecondsPerRelease,
        r.cpuSeconds,
        'memory',
        r.memoryMiB,
        'all ms',
        r.allMs,
      );
    console.log(' idle', m.idle, 'temporal', m.temporal);
  }
}
