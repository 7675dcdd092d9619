/** Watches gray while requests go to it: where somebody removes it, traffic is returned to stable before that is said. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import { emptyTally, type Tally } from '../../domain/analysis.js';
import type { Conclusion } from '../../domain/judge.js';
import type { Target } from '../../domain/target.js';
import { temporalClock } from '../clock.js';
import type { AnalyseInput, AnalyseResult } from '../contract.js';
import { withDeadline } from '../deadline.js';
import { CatalogueError, describe } from '../failure.js';

export type Guard = NonNullable<AnalyseInput['guard']>;

export interface WatchDeps {
  /** Puts the whole traffic back to stable, compare-and-set with the guard's seq; the same twice is fine. */
  readonly returnToStable: (guard: Guard, release: string, signal: AbortSignal) => Promise<void>;
  /**
   * Resolves with how gray was lost, for people, or with null where nobody can tell; the signal ends it. Rejects never. Absent: nobody can.
   */
  readonly grayGone?: (target: Target, signal: AbortSignal) => Promise<string | null>;
}

/** Between two beats, ms; the workflow's timeouts are three times as long. */
const beatMs = { hasty: 2_000, patient: 20_000 } as const;
const guardTimeoutMs = 10_000;
/** No timer is longer, ms. */
const longestMs = 24 * 60 * 60_000;

export class Watch {
  protected readonly until: number;
  /** The end and what earlier attempts saw are told in Temporal's time. */
  protected readonly now: () => number;
  /** Aborted when there is a result: nothing more is asked. */
  private readonly over = new AbortController();
  /** Gray is gone, which counts whatever else has come to its end meanwhile. */
  private losing: Promise<AnalyseResult> | null = null;

  constructor(
    private readonly watched: WatchDeps,
    protected readonly input: AnalyseInput,
    protected readonly context: Context,
    protected tally: Tally = emptyTally,
  ) {
    this.now = temporalClock(context.info);
    this.until = input.until === null ? Infinity : Date.parse(input.until);
  }

  async run(): Promise<AnalyseResult> {
    // Also while a check is slow: a cancelled or moved activity learns of it by its heartbeats.
    const ms = this.input.patient === true ? beatMs.patient : beatMs.hasty;
    const pulse = setInterval(() => this.context.heartbeat(this.tally), ms);
    const cancelled = (): void => this.over.abort();
    this.context.cancellationSignal.addEventListener('abort', cancelled);
    try {
      const result = await Promise.race([this.loop(), this.gone()]);
      return (await this.losing) ?? result;
    } finally {
      this.over.abort();
      this.context.cancellationSignal.removeEventListener('abort', cancelled);
      clearInterval(pulse);
    }
  }

  /** Nothing is measured. */
  protected async loop(): Promise<AnalyseResult> {
    while (this.now() < this.until) await this.waitUntil(Math.min(this.until, this.now() + longestMs));
    return this.finished({ verdict: 'pass', why: 'held, nothing was judged' }, false);
  }

  /** Gray that somebody removed answers nothing that could be measured, and is not waited for. */
  private async gone(): Promise<AnalyseResult> {
    const { target, beside = [] } = this.input;
    setMaxListeners(0, this.over.signal);
    const { why, whose } = await Promise.race([target, ...beside].map((one) => this.lossOf(one)));
    const result = this.failing({ verdict: 'fail', why });
    this.losing = result.then((told) => ({ ...told, lost: true, whose }));
    return this.losing;
  }

  /** Never, where it is not lost, or nobody can tell. */
  private async lossOf(target: Target): Promise<{ readonly why: string; readonly whose: string }> {
    const why = await this.watched.grayGone?.(target, this.over.signal);
    return why == null ? new Promise<never>(() => undefined) : { why, whose: target.application };
  }

  protected async waitUntil(time: number): Promise<void> {
    this.context.cancellationSignal.throwIfAborted();
    const left = time - this.now();
    try {
      await delay(Math.max(0, left), undefined, { signal: this.over.signal });
    } catch (error) {
      this.context.cancellationSignal.throwIfAborted();
      throw error;
    }
  }

  /** Traffic first, then the report. */
  protected async failing({ verdict, why }: Conclusion): Promise<AnalyseResult> {
    const { guard, release } = this.input;
    if (guard === null) return this.finished({ verdict, why }, false);
    try {
      await withDeadline(guardTimeoutMs, this.context.cancellationSignal, (signal) =>
        this.watched.returnToStable(guard, release, signal),
      );
    } catch (error) {
      this.context.cancellationSignal.throwIfAborted();
      const reason = error instanceof CatalogueError ? error.failure.message : describe(error);
      return this.finished(
        { verdict, why: `${why}. Traffic could not be returned at once: ${reason}` },
        false,
      );
    }
    return this.finished({ verdict, why }, true);
  }

  protected finished(conclusion: Conclusion, trafficRestored: boolean): Promise<AnalyseResult> {
    return Promise.resolve({ ...conclusion, tally: this.tally, trafficRestored, findings: [] });
  }
}
