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

/**
 * A release that began before a change goes on without it. All are asked for at the start, by one marker; a later change needs a marker of
 * its own, asked for there too. Anywhere else it is not safe: where a workflow task is ended while a local activity ends (`queries.ts`), the
 * SDK (1.24.0) records that in one task and what the code does next in another, and a replay goes on before it knows of the marker there.
 */
export class Changes {
  private readonly began = patched('changes-are-asked-for-at-the-start');

  has(change: Change): boolean {
    return this.began || patched(change);
  }
}
