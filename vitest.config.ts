import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/order.js';

const ignored = ['node_modules/**', 'dist/**'];
/** Writes test/histories; it is no test of anything but where a recording is asked for. */
const recording = process.env['SLUICE_RECORD_HISTORIES'] === undefined ? ['test/histories/**'] : [];

/** They run workflows in their own process, in Temporal's native library, which does not outlive its last worker. */
const engine = ['workflows/{bundle,histories}.test.ts', 'api/temporal/*.test.ts'];
/** Ends what hangs; a machine that does much else takes seconds for what is milliseconds. */
const unitTimeout = 60_000;

const long = process.env['SLUICE_FAULTS'] === 'long';

export default defineConfig({
  test: {
    pool: 'forks',
    // Two processors are enough for three: end to end is waiting for half of the time. The long faults are not.
    maxWorkers: long ? 1 : 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ignored, ...engine, 'test/!(bench)/**'],
          // None leaves anything behind, and loading the libraries anew for each file takes longer than the tests.
          isolate: false,
          testTimeout: unitTimeout,
        },
      },
      {
        extends: true,
        test: { name: 'engine', include: engine, testTimeout: unitTimeout },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: [...ignored, ...recording, 'test/bench/**'],
          globalSetup: 'test/global-setup.ts',
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
