/** One analysis: checks until its end, guards meanwhile, and on a failing verdict returns traffic before it says so. */
import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import {
  emptyTally,
  type AnalysisSettings,
  type Check,
  type Measurement,
  type Tally,
} from '../../domain/analysis.js';
import { milliseconds } from '../../domain/duration.js';
import { advance, check, conclude, decisionOf, type Conclusion } from '../../domain/judge.js';
import type { Activities, AnalyseInput, AnalyseResult } from '../contract.js';
import { temporalClock } from '../clock.js';
import type { Target } from '../../domain/target.js';
import { withDeadline } from '../deadline.js';
import { CatalogueError, describe } from '../failure.js';
import { ask, questionsOf } from './ask.js';
import type { Track } from './builtin.js';
import { findingsOf, small } from './evidence.js';
import { prometheus } from './prometheus.js';
import { nowhere, type MetricsProvider } from './provider.js';

export type Guard = NonNullable<AnalyseInput['guard']>;

export interface MetricsDeps {
  /** Where settings name no other: the worker's SLUICE_PROMETHEUS_URL. */
  readonly prometheusUrl: string | null;
  /** SLUICE_PROMETHEUS_TOKEN_FILE; the token goes to `prometheusUrl` only, never to an address out of an application. */
  readonly prometheusTokenFile: string | null;
  /** Puts the whole traffic back to stable, compare-and-set with the guard's seq; the same twice is fine. */
  readonly returnToStable: (guard: Guard, release: string, signal: AbortSignal) => Promise<void>;
  /**
   * Resolves with how gray was lost, for people, or with null where nobody can tell; the signal ends it. Rejects never. Absent: nobody can.
   */
  readonly grayGone?: (target: Target, signal: AbortSignal) => Promise<string | null>;
  /** Per request to Prometheus, milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

const heartbeatMs = 2_000;
const guardTimeoutMs = 10_000;
const comparisonTimeoutMs = 2_000;

export function metricsActivities(deps: MetricsDeps): Pick<Activities, 'analyse'> {
  return { analyse: (input) => new Analysis(deps, input, Context.current()).run() };
}

class Analysis {
  private tally: Tally;
  private first: Check | null = null;
  private readonly settings: AnalysisSettings;
  private readonly provider: MetricsProvider;
  private readonly until: number;
  /** The end and what earlier attempts saw are told in Temporal's time. */
  private readonly now: () => number;
  /** Aborted when there is a result: nothing more is asked. */
  private readonly over = new AbortController();

  constructor(
    private readonly deps: MetricsDeps,
    private readonly input: AnalyseInput,
    private readonly context: Context,
  ) {
    this.settings = input.settings;
    this.provider = providerOf(deps, input.settings);
    this.now = temporalClock(context.info);
    this.until = input.until === null ? Infinity : Date.parse(input.until);
    // Every query of a check follows the cancellation, which Node takes for a leak above ten.
    setMaxListeners(0, context.cancellationSignal);
    this.tally = resumed(context.info.heartbeatDetails);
    // An unknown variable ends it here, not at the first check.
    for (const metric of this.settings.metrics) questionsOf(metric, input.target, 'gray', 60_000);
  }

  async run(): Promise<AnalyseResult> {
    // Also while a check is slow: a cancelled or moved activity learns of it by its heartbeats.
    const pulse = setInterval(() => this.context.heartbeat(this.tally), heartbeatMs);
    const cancelled = (): void => this.over.abort();
    this.context.cancellationSignal.addEventListener('abort', cancelled);
    try {
      return await Promise.race([this.loop(), this.gone()]);
    } finally {
      this.over.abort();
      this.context.cancellationSignal.removeEventListener('abort', cancelled);
      clearInterval(pulse);
    }
  }

  /** Gray that somebody removed answers nothing that could be measured, and is not waited for. */
  private async gone(): Promise<AnalyseResult> {
    const lost = await this.deps.grayGone?.(this.input.target, this.over.signal);
    return lost == null ? new Promise<never>(() => undefined) : this.failing({ verdict: 'fail', why: lost });
  }

  private async loop(): Promise<AnalyseResult> {
    // The worker may have gone between the failing check and the guard's write.
    if (decisionOf(this.tally, this.settings) === 'fail') return this.failing();
    const intervalMs = Math.max(1, milliseconds(this.settings.interval));
    const last = this.tally.last === null ? this.now() : Date.parse(this.tally.last.at);
    for (let next = last + intervalMs; ; next += intervalMs) {
      next = Math.min(Math.max(next, this.now()), this.until);
      await this.waitUntil(next);
      // A timer may end a moment early.
      const at = new Date(Math.max(next, this.now()));
      const isLast = next >= this.until;
      // At the end both tracks are asked at the same time, so that nobody waits for what is only shown.
      const stable = isLast ? this.comparison(at) : null;
      stable?.catch(() => undefined);
      const seen = await this.look('gray', at);
      this.first ??= this.tally.checks === 0 ? small(seen) : null;
      const { tally, decision } = advance(this.tally, small(seen), this.settings);
      this.tally = tally;
      if (decision === 'fail') return this.failing();
      // What counts against it must outlive this worker; the rest goes with the pulse.
      if (tally.last?.verdict !== 'pass') this.context.heartbeat(tally);
      if (isLast) return this.finished(conclude(tally, this.settings), false, stable);
    }
  }

  private async waitUntil(time: number): Promise<void> {
    this.context.cancellationSignal.throwIfAborted();
    const left = time - this.now();
    if (left > 0) await this.context.sleep(left);
    this.over.signal.throwIfAborted();
  }

  /** One check of a track. */
  private async look(track: Track, at: Date, signal?: AbortSignal): Promise<Check> {
    const { target, settings } = this.input;
    const windowMs = windowOf(this.input, at.getTime());
    const measurements = await Promise.all(
      settings.metrics.map((metric) =>
        ask(
          questionsOf(metric, target, track, windowMs),
          this.provider,
          at,
          signal ?? this.context.cancellationSignal,
        ),
      ),
    );
    return check(at.toISOString(), measurements);
  }

  /** Traffic first, then the report. */
  private async failing(conclusion = conclude(this.tally, this.settings)): Promise<AnalyseResult> {
    const { verdict, why } = conclusion;
    const { guard, release } = this.input;
    if (guard === null) return this.finished({ verdict, why }, false);
    try {
      await withDeadline(guardTimeoutMs, this.context.cancellationSignal, (signal) =>
        this.deps.returnToStable(guard, release, signal),
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

  private async finished(
    conclusion: Conclusion,
    trafficRestored: boolean,
    asked: Promise<readonly Measurement[]> | null = null,
  ): Promise<AnalyseResult> {
    const { first, tally } = this;
    const at = tally.last === null ? null : new Date(tally.last.at);
    const stable = await (asked ?? (at === null ? [] : this.comparison(at)));
    const story = { first, tally, conclusion, stable };
    const findings = findingsOf(story, new Date(this.now()).toISOString());
    return { ...conclusion, tally: this.tally, trafficRestored, findings };
  }

  /** What stable answers at the time of the last check: shown beside it, never judged, not waited for long. */
  private async comparison(at: Date): Promise<readonly Measurement[]> {
    try {
      return await withDeadline(comparisonTimeoutMs, this.context.cancellationSignal, async (signal) => {
        const seen = await this.look('stable', at, signal);
        return seen.measurements;
      });
    } catch {
      this.context.cancellationSignal.throwIfAborted();
      return [];
    }
  }
}

/** Never further back than the gray track: an earlier one of the same name may have left counts. */
function windowOf(input: AnalyseInput, at: number): number {
  const windowMs = milliseconds(input.settings.window);
  if (input.since === undefined) return windowMs;
  return Math.max(1_000, Math.min(windowMs, at - Date.parse(input.since)));
}

/** Heartbeat details of an earlier attempt; anything else counts from the start. */
function resumed(details: unknown): Tally {
  const known = details !== null && typeof details === 'object' && 'checks' in details && 'last' in details;
  return known ? (details as Tally) : emptyTally;
}

export function providerOf(
  deps: Pick<MetricsDeps, 'prometheusUrl' | 'prometheusTokenFile' | 'timeoutMs'>,
  settings: Pick<AnalysisSettings, 'prometheus'>,
): MetricsProvider {
  const address = settings.prometheus ?? deps.prometheusUrl;
  if (address === null) return nowhere();
  const tokenFile = address === deps.prometheusUrl ? deps.prometheusTokenFile : null;
  const { timeoutMs } = deps;
  return prometheus({ address, tokenFile, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}
