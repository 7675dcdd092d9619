/**
 * `npm test`: format, lint, types, then every test, on the real stack in a network namespace. The last line is
 * `N passed, N failed`, counting tests; the exit code is not 0 when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { namespaceAvailable, runInNamespace } from './namespace.js';
import { ensureTools } from './tools.js';
import { meshNames, toolNames } from './tools/catalogue.js';

const inside = 'SLUICE_FORWARDS' in process.env;
process.exitCode = inside
  ? await checkAndTest(process.argv.slice(2))
  : await enterNamespace(process.argv.slice(2));

async function enterNamespace(args: string[]): Promise<number> {
  const namespace = await namespaceAvailable();
  if (!namespace.available) {
    console.error(namespace.reason);
    return 1;
  }
  await ensureTools([...toolNames, ...meshNames], { onProgress: (line) => console.log(line) });
  return runInNamespace(fileURLToPath(import.meta.url), { args });
}

/** @param args further arguments of vitest, e.g. a file name; the checks are left out then */
async function checkAndTest(args: readonly string[]): Promise<number> {
  const checks = [
    ['oxfmt', '--check', '.'],
    ['oxlint', '--type-aware'],
    ['tsc', '--noEmit'],
  ] as const;
  const failedChecks: string[] = [];
  for (const [command, ...rest] of args.length === 0 ? checks : []) {
    if ((await execute(command, rest)) !== 0) failedChecks.push(command);
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await execute('vitest', ['run', ...reporters, ...args]);
    const { passed, failed: counted } = await countTests(report);
    // Vitest also fails for errors outside a test, which no test counts.
    const failed = code !== 0 && counted === 0 ? 1 : counted;
    if (failedChecks.length > 0) console.log(`failed checks: ${failedChecks.join(', ')}`);
    console.log(`${passed} passed, ${failed} failed`);
    return code !== 0 || failedChecks.length > 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that could not run at all counts as one failed test. */
async function countTests(report: string): Promise<{ passed: number; failed: number }> {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (!text) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(text) as Report;
  const broken = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed'),
  ).length;
  return { passed: numPassedTests, failed: numFailedTests + broken };
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

async function execute(command: string, args: readonly string[]): Promise<number> {
  const bin = fileURLToPath(new URL('../../node_modules/.bin/', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(join(bin, command), args, { stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', pass).on('SIGTERM', pass);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      resolve(code ?? 1);
    });
  });
}
