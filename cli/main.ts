#!/usr/bin/env node
/** The `sluice` command. */
import { run } from './program.js';

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt: (callback) => {
    process.once('SIGINT', callback);
    return () => process.removeListener('SIGINT', callback);
  },
});
