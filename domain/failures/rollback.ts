/** What stands in the way of a rollback. */
import { list, terminal } from './entry.js';

/** A version that was asked for, and what is known. */
interface Wanted {
  readonly to: string;
  readonly application: string;
  readonly environment: string;
  readonly known: readonly string[];
}

export const rollback = {
  rollback_needless: (c: { release: string; why: string }) =>
    terminal(
      409,
      `Rolling back ${c.release} would change nothing: ${c.why}`,
      'See what runs with `sluice status APP`; another version is named with "to" (--to).',
    ),
  rollback_superseded: (c: {
    release: string;
    application: string;
    environment: string;
    version: string;
    by: string;
  }) =>
    terminal(
      409,
      `What ${c.release} released is not there any more: ${c.application} in ${c.environment} runs ${c.version}, by ${c.by}.`,
      `Roll back ${c.by} instead, or say which version is wanted with "to" (--to).`,
    ),
  rollback_impossible: (c: { application: string; environment: string; release: string }) =>
    terminal(
      409,
      `${c.application} in ${c.environment} has nothing to go back to: what ran there before ${c.release} is not known, or nothing did.`,
      'Name an earlier version with "to" (--to), name another environment, or release a version that works.',
    ),
  rollback_target_unknown: (c: Wanted) =>
    terminal(
      422,
      `"${c.to}" names nothing that was ever stable of ${c.application} in ${c.environment}; known: ${list(c.known)}.`,
      'Name one of the known versions; one that was never stable there has to pass the gates of an ordinary release.',
    ),
  rollback_target_ambiguous: (c: Wanted) =>
    terminal(
      422,
      `"${c.to}" was more than one image of ${c.application} in ${c.environment}: ${list(c.known)}.`,
      'Name the release or the digest instead.',
    ),
} as const;
