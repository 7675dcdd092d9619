/** One release at a time for each application and environment: asking the application's workflow for the turn. */
import { condition, getExternalWorkflowHandle, setHandler } from '@temporalio/workflow';
import type { QueuePolicy } from '../domain/application.js';
import { failure } from '../domain/failures.js';
import { applicationWorkflowId } from '../domain/ids.js';
import { canGiveWay, isUrgent, type Ticket } from '../domain/queue.js';
import type { HistoryEntry, QueuePlace } from '../domain/release.js';
import { failureError } from './failures.js';
import * as messages from './messages.js';
import type { Run } from './run.js';

/** An application answers within milliseconds where a worker is there. */
const askAgain = '1m';

type State =
  | { readonly kind: 'asked' }
  | { readonly kind: 'queued'; readonly place: number; readonly behind: string }
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly running: string };

/** A turn, by which tag the release tells requests there, and what it wants to be told with the turn. */
export type Asked = messages.Turn & Pick<Ticket, 'tag' | 'passed' | 'stamps'>;

export class Turns {
  private readonly states = new Map<string, State>();
  private readonly taken: messages.Turn[] = [];
  /** The turn that is waited for now. */
  private awaited: string | null = null;

  constructor(private readonly run: Run) {
    setHandler(messages.granted, (turn) => {
      this.states.set(keyOf(turn), { kind: 'granted' });
      if (turn.passes !== undefined) this.run.learnPasses(turn, turn.passes);
    });
    setHandler(messages.queued, (turn) => {
      // A late notice of the place must not take back a grant.
      if (this.states.get(keyOf(turn))?.kind === 'granted') return;
      this.states.set(keyOf(turn), { kind: 'queued', place: turn.place, behind: turn.behind });
      if (this.awaited === keyOf(turn)) this.run.record.moveUp(this.textOf(turn), turn);
      this.run.record.note('note', `Place ${turn.place} in the queue, behind ${turn.behind}.`);
    });
    setHandler(
      messages.turnedAway,
      (turn) => void this.states.set(keyOf(turn), { kind: 'refused', running: turn.running }),
    );
    setHandler(messages.superseded, ({ by, ...turn }) => this.giveWay(turn, by));
  }

  /** A newer release takes the place of this one: as an abort, but not of what only has to be ended. */
  private giveWay(turn: messages.Turn, by: string): void {
    const { record, way, aborted } = this.run;
    if (aborted !== null || !this.taken.some((taken) => keyOf(taken) === keyOf(turn))) return;
    // Of who has left a lane nothing is released any more; the others go on.
    if (!this.run.gone.has(turn.application) && canGiveWay(record.phase, way))
      this.run.aborted = failure('superseded', { ...turn, by });
    else record.note('note', `Release ${by} is newer, and waits: this one has come too far to give way.`);
  }

  /** Asks for the turn; answers whether it was granted at once. Throws `release_in_progress` where the policy refuses. */
  async ask({ tag, passed, stamps, ...turn }: Asked, policy: QueuePolicy): Promise<boolean> {
    const key = keyOf(turn);
    this.states.set(key, { kind: 'asked' });
    this.taken.push(turn);
    const { environment } = turn;
    const { id, request: asked } = this.run.inputs;
    const ticket = {
      urgent: isUrgent(asked),
      asked: this.run.record.view().startedAt,
      ...(tag === undefined ? {} : { tag }),
      ...(passed === undefined ? {} : { passed }),
      ...(stamps === undefined ? {} : { stamps }),
    };
    const request = { release: id, environment, policy, ticket };
    const answered = (): boolean => this.states.get(key)?.kind !== 'asked' || this.run.aborted !== null;
    do {
      try {
        await handleOf(turn).signal(messages.takeTurn, request);
      } catch {
        this.taken.pop();
        throw failureError(failure('application_unknown', { name: turn.application, known: [] }));
      }
      // Asked again, because an application that was ended from outside forgets who asked.
    } while (!(await condition(answered, askAgain, { summary: `answer of ${turn.application}` })));
    const state = this.states.get(key)!;
    if (state.kind === 'refused') {
      this.taken.pop();
      const { application } = turn;
      throw failureError(
        failure('release_in_progress', { application, environment, running: state.running }),
      );
    }
    return state.kind === 'granted';
  }

  /** Asks for the turn where nobody has, and waits for it; answers how it came, or null when the deadline or an abort came first. */
  async take(
    asked: Asked,
    policy: QueuePolicy,
    deadlineMs: number,
  ): Promise<'at once' | 'after a wait' | null> {
    const { tag: _tag, passed: _passed, stamps: _stamps, ...turn } = asked;
    const state = this.states.get(keyOf(turn));
    if (state?.kind === 'granted') return 'at once';
    if (state === undefined && (await this.ask(asked, policy))) return 'at once';
    return (await this.wait(turn, deadlineMs)) ? 'after a wait' : null;
  }

  /** Waits in the queue; answers false when the deadline or an abort came first. */
  async wait(turn: messages.Turn, deadlineMs: number): Promise<boolean> {
    const key = keyOf(turn);
    const until = new Date(Date.now() + deadlineMs).toISOString();
    const queue = this.placeIn(turn);
    this.run.record.wait({
      what: this.textOf(turn),
      until,
      can: ['abort'],
      ...(queue === null ? {} : { queue }),
    });
    this.awaited = key;
    const summary = `queue of ${turn.application} in ${turn.environment}`;
    const arrived = await condition(
      () => this.states.get(key)?.kind === 'granted' || this.run.aborted !== null,
      deadlineMs,
      { summary },
    );
    this.awaited = null;
    this.run.record.go();
    return arrived && this.run.aborted === null;
  }

  private placeIn({ application, environment }: messages.Turn): QueuePlace | null {
    const state = this.states.get(keyOf({ application, environment }));
    if (state?.kind !== 'queued') return null;
    return { application, environment, place: state.place, behind: state.behind };
  }

  private textOf(turn: messages.Turn): string {
    const queue = this.placeIn(turn);
    const place = queue === null ? 'its turn' : `place ${queue.place} in the queue, behind ${queue.behind}`;
    return `${turn.application} in ${turn.environment}: ${place}`;
  }

  /** Gives back every turn of an environment, or all. Entries go into the history of their application. */
  async giveBack(
    environment: string | null,
    entryOf: (turn: messages.Turn) => HistoryEntry | null,
  ): Promise<void> {
    const release = this.run.inputs.id;
    const leaving = this.taken.filter(
      (t) => environment === null || environmentOf(t.environment) === environment,
    );
    const give = async (turn: messages.Turn): Promise<void> => {
      this.taken.splice(this.taken.indexOf(turn), 1);
      const message = { release, environment: turn.environment, entry: entryOf(turn) };
      // An application that was removed meanwhile has no queue to keep.
      await handleOf(turn)
        .signal(messages.endTurn, message)
        .catch(() => undefined);
    };
    if (this.run.changes.has('turns-are-given-back-at-once')) await Promise.all(leaving.map(give));
    else for (const turn of leaving) await give(turn);
  }
}

/** Of the turn itself, or of one at an edge or in a lane of it. */
const environmentOf = (turn: string): string => turn.split(' ')[0]!;
const keyOf = (turn: messages.Turn): string => `${turn.application}/${turn.environment}`;
const handleOf = (turn: messages.Turn) => getExternalWorkflowHandle(applicationWorkflowId(turn.application));
