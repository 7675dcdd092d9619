/** What today's workflows do otherwise than those that began before. */
import { patched } from '@temporalio/workflow';

/** Newest first: the names that the marker has had, each with the changes that came with it. */
const markers = [
  {
    marker: 'gray-is-watched-while-a-person-is-waited-for',
    changes: [
      'gray-is-watched-while-a-person-is-waited-for',
      'requests-with-the-tag-end-before-its-rules-go',
      'leftovers-go-back-before-a-lane',
    ],
  },
  {
    marker: 'the-tag-comes-in-when-its-rules-are-known',
    changes: [
      'the-tag-comes-in-when-its-rules-are-known',
      'a-promoted-lane-is-carried-through',
      'a-share-is-sure-before-the-last-hold',
      'edges-wait-for-the-way-forward',
      'plans-know-more-of-edges-and-shares',
    ],
  },
  {
    marker: 'changes-are-asked-for-at-the-start-2',
    changes: ['gray-is-watched-where-nothing-is-measured', 'edges-go-on-taking-the-tag-off'],
  },
  {
    marker: 'changes-are-asked-for-at-the-start',
    changes: [
      'what-is-done-is-not-looked-at',
      'first-turns-are-of-the-first-stage',
      'nobody-enters-on-the-way-back',
      'routes-are-written-together',
      'entries-go-back-beside-each-other',
      'whole-share-before-promotion',
      'turns-are-given-back-at-once',
    ],
  },
] as const;

type Change = (typeof markers)[number]['changes'][number];

/**
 * A release that began before a change goes on without it. All are asked for at the start, by one marker, whose name is that of the newest: a
 * release of today has no other. Anywhere else it is not safe: where a workflow task is ended while a local activity ends (`queries.ts`), the
 * SDK (1.24.0) records that in one task and what the code does next in another, and a replay goes on before it knows of the marker there.
 */
export class Changes {
  /** Place of the marker that it has; -1: none. */
  private readonly began = markers.findIndex(({ marker }) => patched(marker));

  has(change: Change): boolean {
    const since = markers.findIndex(({ changes }) => changes.some((one) => one === change));
    if (this.began !== -1) return this.began <= since;
    // Before there was one marker for all, each of the first had its own.
    return since === markers.length - 1 && patched(change);
  }
}
