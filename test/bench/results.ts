/** Where results go. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Results } from './figures.js';
import { latenessChart } from './lateness.js';
import type { Options } from './options.js';
import { report } from './table.js';

/** Writes JSON, table and chart beside each other, and answers the path of the table. */
export async function write(
  results: Results,
  { out, record }: Pick<Options, 'out' | 'record'>,
  root: string,
): Promise<string> {
  const folder = record ? join(root, 'docs', 'benchmark') : join(root, 'bench-results');
  const json = out ?? join(folder, 'results.json');
  const base = json.replace(/\.json$/, '');
  await mkdir(dirname(json), { recursive: true });
  await writeFile(json, `${JSON.stringify(results)}\n`);
  await writeFile(`${base}.md`, report(results));
  await writeFile(join(dirname(json), 'lateness.svg'), latenessChart(results));
  return `${base}.md`;
}
