/** Watches one release to its end: a redrawn picture in a terminal, one line for each event elsewhere. */
import { hasEnded, type ReleaseEvent } from '../domain/release.js';
import type { ReleaseAnswer } from './answers.js';
import type { Context, Writer } from './context.js';
import { Unreachable } from './errors.js';
import { eventsOf } from './events.js';
import { Patience } from './patience.js';
import { exitCodeOf, exitCodes, type ExitCode } from './exit.js';
import { paintOf } from './context.js';
import { eventLine, outcomeLines, renderRelease, waitingLines } from './format/release.js';
import { Screen } from './screen.js';

export interface FollowOptions {
  /** null: no limit. */
  readonly timeoutMs: number | null;
  /** Stop where undoing waits for a person, since that may be for ever. */
  readonly stopAtAttention: boolean;
  /** With -o json: each event as a line, instead of the release at its end. */
  readonly eventsAsJson: boolean;
}

type Stopped = 'timeout' | 'interrupt' | 'unreachable';

export async function follow(context: Context, id: string, options: FollowOptions): Promise<ExitCode> {
  const stop = new AbortController();
  const reasons: Stopped[] = [];
  const halt = (reason: Stopped): void => {
    reasons.push(reason);
    stop.abort();
  };
  const timer = options.timeoutMs === null ? null : setTimeout(() => halt('timeout'), options.timeoutMs);
  const deaf = context.io.onInterrupt(() => halt('interrupt'));
  const watcher = new Watcher(context, id, options, stop.signal);
  try {
    const view = await watcher.run();
    watcher.close();
    return finish(context, view, options);
  } catch (error) {
    watcher.close();
    if (reasons[0] !== undefined) return stopped(context, id, reasons[0]);
    if (error instanceof Unreachable) return stopped(context, id, 'unreachable');
    throw error;
  } finally {
    if (timer !== null) clearTimeout(timer);
    deaf();
  }
}

/** Keeps what is shown in step with the events. */
class Watcher {
  private readonly out: Writer;
  private readonly screen: Screen | null;
  private shownWaiting = '';
  private view: ReleaseAnswer | null = null;
  private readonly ticker: NodeJS.Timeout | null;
  private readonly patience: Patience;

  constructor(
    private readonly context: Context,
    private readonly id: string,
    private readonly options: FollowOptions,
    private readonly signal: AbortSignal,
  ) {
    const { io, json } = context;
    // With -o json standard output belongs to the answer.
    this.out = json ? io.stderr : io.stdout;
    this.screen = this.out.isTTY === true ? new Screen(this.out) : null;
    this.ticker = this.screen === null ? null : setInterval(() => this.draw(), 1_000);
    this.patience = new Patience({ signal, onAway: this.away });
  }

  async run(): Promise<ReleaseAnswer> {
    let view = await this.refresh();
    if (hasEnded(view.phase) && !this.options.eventsAsJson) return view;
    const { signal, patience } = this;
    for await (const event of eventsOf(this.context.client, this.id, { signal, patience })) {
      this.show(event);
      if (this.screen === null && event.type !== 'phase') continue;
      view = await this.refresh();
      if (this.options.stopAtAttention && view.phase === 'needs_attention') return view;
    }
    return this.refresh();
  }

  /** Takes the picture away, so that what is said next stands alone. */
  close(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.screen?.clear();
  }

  private async refresh(): Promise<ReleaseAnswer> {
    const { client } = this.context;
    const { signal } = this;
    const view = await this.patience.ask(() => client.get<ReleaseAnswer>(releasePath(this.id), { signal }));
    this.view = view;
    if (this.screen === null) this.showWaiting(view);
    else this.draw();
    return view;
  }

  private draw(): void {
    if (this.view === null) return;
    const paint = paintOf(this.context.io, this.out);
    this.screen?.draw(renderRelease(this.view, { paint, now: Date.now() }));
  }

  private show(event: ReleaseEvent): void {
    if (this.options.eventsAsJson && this.context.json) {
      this.context.io.stdout.write(`${JSON.stringify(event)}\n`);
    } else if (this.screen === null) {
      this.out.write(`${eventLine(event, paintOf(this.context.io, this.out))}\n`);
    }
  }

  private showWaiting(view: ReleaseAnswer): void {
    const lines = waitingLines(view, { paint: paintOf(this.context.io, this.out), now: Date.now() });
    const key = view.waitingOn === null ? '' : `${view.waitingOn.what} ${view.waitingOn.since}`;
    if (key === this.shownWaiting) return;
    this.shownWaiting = key;
    if (!this.options.eventsAsJson || !this.context.json)
      this.out.write(lines.map((line) => `${line}\n`).join(''));
  }

  private readonly away = (why: string): void => {
    this.screen?.clear();
    this.context.io.stderr.write(`The server is away (${why}); the release goes on, trying again.\n`);
  };
}

export const releasePath = (id: string): string => `/v1/releases/${encodeURIComponent(id)}`;

function finish(context: Context, view: ReleaseAnswer, options: FollowOptions): ExitCode {
  const render = { paint: context.paint, now: Date.now() };
  if (!options.eventsAsJson) context.answer(view);
  if (context.io.stdout.isTTY === true) context.say(...renderRelease(view, render));
  else if (view.outcome !== null) context.say(...outcomeLines(view, render));
  if (view.outcome !== null) return exitCodeOf(view.outcome);
  if (hasEnded(view.phase)) return exitCodeOf({ phase: view.phase, failure: null, left: [] });
  if (view.phase === 'needs_attention') return exitCodes.attention;
  context.io.stderr.write(
    `Release ${view.id} was ended from outside while it was ${view.phase.replaceAll('_', ' ')}: nothing was undone. ` +
      'Look at its workflow in Temporal, and at the route.\n',
  );
  return exitCodes.failed;
}

const whyStopped: Readonly<Record<Stopped, { readonly said: string; readonly code: ExitCode }>> = {
  timeout: { said: 'The time of --timeout has passed.', code: exitCodes.timeout },
  interrupt: { said: 'Interrupted.', code: exitCodes.interrupted },
  unreachable: { said: 'The server did not come back.', code: exitCodes.unreachable },
};

function stopped(context: Context, id: string, reason: Stopped): ExitCode {
  const { said, code } = whyStopped[reason];
  context.io.stderr.write(
    [
      `${said} Release ${id} goes on.`,
      `  watch it:  sluice watch ${id}`,
      `  abort it:  sluice abort ${id} --reason ...`,
      '',
    ].join('\n'),
  );
  return code;
}
