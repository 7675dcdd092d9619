/** One analysis: checks until its end, watches and guards meanwhile, and on a failing verdict returns traffic before it says so. */
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
import { withDeadline } from '../deadline.js';
import { ask, questionsOf } from './ask.js';
import type { Track } from './builtin.js';
import { findingsOf, small } from './evidence.js';
import { prometheus } from './prometheus.js';
import { nowhere, type MetricsProvider } from './provider.js';
import { Watch, type WatchDeps } from './watch.js';

export interface MetricsDeps extends WatchDeps {
  /** Where settings name no other: the worker's SLUICE_PROMETHEUS_URL. */
  readonly prometheusUrl: string | null;
  /** SLUICE_PROMETHEUS_TOKEN_FILE; the token goes to `prometheusUrl` only, never to an address out of an application. */
  readonly prometheusTokenFile: string | null;
  /** Per request to Prometheus, milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

const comparisonTimeoutMs = 2_000;

export function metricsActivities(deps: MetricsDeps): Pick<Activities, 'analyse'> {
  return {
    analyse: (input) => {
      const context = Context.current();
      const { settings } = input;
      return (
        settings === null ? new Watch(deps, input, context) : new Analysis(deps, input, settings, context)
      ).run();
    },
  };
}

class Analysis extends Watch {
  private first: Check | null = null;
  private readonly provider: MetricsProvider;

  constructor(
    deps: MetricsDeps,
    input: AnalyseInput,
    private readonly settings: AnalysisSettings,
    context: Context,
  ) {
    super(deps, input, context, resumed(context.info.heartbeatDetails));
    this.provider = providerOf(deps, settings);
    // Every query of a check follows the cancellation, which Node takes for a leak above ten.
    setMaxListeners(0, context.cancellationSignal);
    // An unknown variable ends it here, not at the first check.
    for (const metric of this.settings.metrics) questionsOf(metric, input.target, 'gray', 60_000);
  }

  protected override async loop(): Promise<AnalyseResult> {
    // The worker may have gone between the failing check and the guard's write.
    if (decisionOf(this.tally, this.settings) === 'fail')
      return this.failing(conclude(this.tally, this.settings));
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
      if (decision === 'fail') return this.failing(conclude(this.tally, this.settings));
      // What counts against it must outlive this worker; the rest goes with the pulse.
      if (tally.last?.verdict !== 'pass') this.context.heartbeat(tally);
      if (isLast) return this.finished(conclude(tally, this.settings), false, stable);
    }
  }

  /** One check of a track. */
  private async look(track: Track, at: Date, signal?: AbortSignal): Promise<Check> {
    const { target } = this.input;
    const { settings } = this;
    const windowMs = windowOf(milliseconds(settings.window), this.input.since, at.getTime());
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

  protected override async finished(
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
function windowOf(windowMs: number, since: string | undefined, at: number): number {
  if (since === undefined) return windowMs;
  return Math.max(1_000, Math.min(windowMs, at - Date.parse(since)));
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
