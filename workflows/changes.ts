/** What today's workflows do otherwise than those that began before. */
import { patched } from '@temporalio/workflow';

type Change =
  | 'what-is-done-is-not-looked-at'
  | 'first-turns-are-of-the-first-stage'
  | 'nobody-enters-on-the-way-back'
  | 'routes-are-written-together'
  | 'entries-go-back-beside-each-other'
  | 'whole-share-before-promotion'
  | 'turns-are-given-back-at-once';

/** Since the marker got its name of today. */
const later = ['gray-is-watched-where-nothing-is-measured', 'edges-go-on-taking-the-tag-off'] as const;

/**
 * A release that began before a change goes on without it. All are asked for at the start, by one marker; for a later change that marker gets
 * a new name, so that a release of today has only one. Anywhere else it is not safe: where a workflow task is ended while a local activity ends (`queries.ts`), the
 * SDK (1.24.0) records that in one task and what the code does next in another, and a replay goes on before it knows of the marker there.
 */
export class Changes {
  private readonly isOfToday = patched('changes-are-asked-for-at-the-start-2');
  private readonly began = this.isOfToday || patched('changes-are-asked-for-at-the-start');

  has(change: Change | (typeof later)[number]): boolean {
    return isLater(change) ? this.isOfToday : this.began || patched(change);
  }
}

const isLater = (change: string): boolean => later.some((one) => one === change);
