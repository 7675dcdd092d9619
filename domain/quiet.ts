/** Whether metrics can tell that no request comes to gray any more, and whom to ask. */
import type { Metric } from './analysis.js';
import { milliseconds } from './duration.js';
import { defaultMinRequests } from './judge.js';
import type { Stage } from './stage.js';
import type { Target } from './target.js';

export interface QuietQuestion {
  /** As in AnalysisSettings. */
  readonly prometheus?: string;
  /** How long an answer is waited for at most, ms. */
  readonly withinMs: number;
}

const longestMs = 60_000;

/** Null: gray is not judged by what the router counts, so whether that is scraped is not known. */
export function quietQuestion(stage: Pick<Stage, 'steps'>, target: Target): QuietQuestion | null {
  const held = stage.steps.flatMap((step) => (step.kind === 'hold' ? [step.analysis] : []));
  const settings = target.analysis === undefined ? held.find((a) => a !== null) : target.analysis;
  if (settings == null || target.route === null || !settings.metrics.some(asksRouter)) return null;
  const { prometheus, window } = settings;
  return {
    ...(prometheus === undefined ? {} : { prometheus }),
    withinMs: Math.min(longestMs, milliseconds(window)),
  };
}

const asksRouter = ({ builtin, value, minRequests = defaultMinRequests }: Metric): boolean =>
  builtin !== undefined || (value !== undefined && minRequests > 0);
