/** Carrying an undoing through: each part until it is done, or a person has said what to do instead. */
import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { Finding } from '../activities/contract.js';
import type { Phase } from '../domain/release.js';
import type { Stage } from '../domain/stage.js';
import { failureOf } from './failures.js';
import type { Steering } from './messages.js';
import type { UndoStep } from './record.js';
import type { Run } from './run.js';

export interface Undone {
  /** What could not be undone and was skipped. */
  readonly left: readonly string[];
  /** Who gave the undoing up; null when it was carried through. */
  readonly abandoned: Steering | null;
}

export interface Undo extends UndoStep {
  readonly act: () => Promise<readonly Finding[]>;
  /** Whether a later one has done it as well. Default never. */
  readonly isDone?: () => boolean;
  /** Returns traffic where requests come in: the level of the application. Default: it does something else. */
  readonly level?: number;
}

/** Whose undoing it is, and what the release is said to do meanwhile. */
interface Carrying {
  readonly run: Run;
  readonly stage: Stage;
  readonly phase: Phase;
  readonly can: readonly string[];
}

export async function carryOut(carrying: Carrying, undos: readonly Undo[]): Promise<Undone> {
  const entries = undos.filter((undo) => undo.level !== undefined);
  let done: ReadonlySet<Undo> | null = null;
  const skipped: Undo[] = [];
  const isDone = (undo: Undo): boolean => done?.has(undo) === true || undo.isDone?.() === true;
  const left = (undone: readonly Undo[]): string[] =>
    undone.filter((undo) => !isDone(undo)).map((undo) => undo.summary);
  for (const [i, undo] of undos.entries()) {
    if (undo.level !== undefined) done ??= await tryEach(carrying, entries);
    if (done?.has(undo) === true) continue;
    const answer = await carryThrough(carrying, undo);
    if (answer === 'skipped') skipped.push(undo);
    if (typeof answer === 'object') {
      return { left: left([...skipped, ...undos.slice(i)]), abandoned: answer };
    }
  }
  return { left: left(skipped), abandoned: null };
}

/** How long callers are waited for before what they call is tried too, ms. */
const callersFirstMs = 1_000;

/**
 * Where requests come in at several, one that cannot be given back keeps none of the others on gray: each is tried once, before one is tried
 * again or a person is asked. Answers those that are done.
 */
async function tryEach(carrying: Carrying, entries: readonly Undo[]): Promise<ReadonlySet<Undo>> {
  const done = new Set<Undo>();
  if (entries.length < 2 || !carrying.run.changes.has('entries-go-back-beside-each-other')) return done;
  const until = new Date(Date.now() + carrying.stage.rollbackDeadlineMs).toISOString();
  const levels = [...new Set(entries.map((undo) => undo.level!))].toSorted((a, b) => b - a);
  const trying: Promise<void>[] = [];
  let ended = 0;
  const tryOnce = async (undo: Undo): Promise<void> => {
    if ((await attempt(carrying, undo, until)) === null) done.add(undo);
    ended++;
  };
  for (const level of levels) {
    for (const undo of entries.filter((one) => one.level === level)) trying.push(tryOnce(undo));
    const begun = trying.length;
    if (begun < entries.length) await condition(() => ended === begun, callersFirstMs);
  }
  await Promise.all(trying);
  return done;
}

/** Tries until it is done, or a person skips or abandons it. */
async function carryThrough(carrying: Carrying, undo: Undo): Promise<'done' | 'skipped' | Steering> {
  const { run } = carrying;
  for (;;) {
    const why = await persist(carrying, undo);
    if (why === null) return 'done';
    const { remedy, steering } = await askForHelp(carrying, undo, why);
    if (remedy === 'abandon') return steering;
    if (remedy === 'skip') {
      run.record.end(undo.id, 'skipped', `skipped by ${steering.by.name}: ${steering.reason}`);
      return 'skipped';
    }
  }
}

/**
 * Answers null when it is done, else what was tried until the deadline and why it could not be done. The deadline counts from the first
 * failure, which may only mean that the worker was away for longer.
 */
async function persist(carrying: Carrying, undo: Undo): Promise<string | null> {
  const { run, stage } = carrying;
  const { rollbackDeadlineMs } = stage;
  const soon = (): string => new Date(Date.now() + rollbackDeadlineMs).toISOString();
  let why = await attempt(carrying, undo, soon());
  if (why === null) return null;
  const until = soon();
  let over = false;
  // Not by the clock, of which a replay may be told another time; only where something fails, so that undoing costs no more events.
  const deadline = new CancellationScope();
  const passed = deadline.run(() => sleep(rollbackDeadlineMs, { summary: `deadline: ${undo.summary}` }));
  passed.then(() => (over = true)).catch(() => undefined);
  try {
    for (let tried = 2, wait = 500; ; tried++, wait = Math.min(wait * 2, 30_000)) {
      run.record.note('note', `${undo.summary} did not work yet: ${why}`);
      await condition(() => over, wait, { summary: `again: ${undo.summary}` });
      why = await attempt(carrying, undo, until, why);
      if (why === null) return null;
      if (over) return `tried ${tried} times, ${why}`;
    }
  } finally {
    deadline.cancel();
  }
}

/**
 * Answers null when it is done, else why it is not.
 * @param before why it did not work the last time
 */
async function attempt(
  { run, phase, can }: Carrying,
  undo: Undo,
  until: string,
  before: string | null = null,
): Promise<string | null> {
  const what = before === null ? undo.summary : `${undo.summary}, which did not work yet: ${before}`;
  run.record.begin(undo, phase, { what, until, can });
  run.record.publish();
  try {
    run.record.end(undo.id, 'done', null, await undo.act());
    return null;
  } catch (error) {
    return failureOf(error).message;
  }
}

async function askForHelp(
  { run, phase }: Carrying,
  undo: Undo,
  why: string,
): Promise<NonNullable<Run['attention']>> {
  run.record.phase = 'needs_attention';
  run.record.end(undo.id, 'failed', why);
  run.ask('attention');
  run.record.wait({
    what: `a person: ${undo.summary} does not work: ${why}`,
    until: null,
    can: ['retry', 'skip', run.leaving === null ? 'abandon' : 'abort'],
  });
  try {
    await condition(() => run.attention !== null);
    run.record.phase = phase;
    return run.attention!;
  } finally {
    run.answered();
    run.record.go();
  }
}
