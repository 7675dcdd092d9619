/** What Sluice itself stands on. */
import { list, terminal, transient } from './entry.js';

export const engine = {
  search_attributes_missing: (c: { missing: readonly string[]; command: string }) =>
    terminal(
      503,
      `The Temporal namespace lacks the search attributes ${list(c.missing)}.`,
      `Register them once: ${c.command}`,
    ),
  temporal_unreachable: (c: { why: string }) =>
    transient(
      503,
      `Temporal cannot be reached: ${c.why}.`,
      'Check TEMPORAL_ADDRESS and that the server is up.',
    ),
  worker_missing: () =>
    transient(
      503,
      'No worker answered in time.',
      'Start a worker (npm start, or the worker image); nothing is lost meanwhile.',
    ),
  activity_timeout: (c: { activity: string }) =>
    transient(
      504,
      `The activity ${c.activity} did not end in time, and nothing said why.`,
      'Run sluice doctor: it says which of cluster, registry and metrics does not answer, or that a worker is away.',
    ),
  workflow_unreadable: (c: { why: string }) =>
    transient(
      503,
      `The worker could not tell the state of the workflow: ${c.why}.`,
      'Look into the log of the worker; a release that an older version began needs a worker of that version.',
    ),
  internal: (c: { what: string }) =>
    transient(
      500,
      `Something unexpected happened: ${c.what}`,
      'Look into the log with the id of the release, and report it.',
    ),
} as const;
