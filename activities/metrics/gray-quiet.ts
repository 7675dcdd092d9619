/** What the removal of gray asks of the metrics. */
import { Context } from '@temporalio/activity';
import { temporalClock } from '../clock.js';
import { finding } from '../kubernetes/place.js';
import type { WorkloadDeps } from '../kubernetes/workload.js';
import { providerOf, type MetricsDeps } from './analyse.js';
import { subjectOf } from './ask.js';
import { awaitQuiet } from './quiet.js';

/** Evidence of kind `requests`: whether any still came to the Service of gray, and the answers. */
export function quietOf(
  deps: Pick<MetricsDeps, 'prometheusUrl' | 'prometheusTokenFile'>,
): NonNullable<WorkloadDeps['quiet']> {
  return async (target, question, { signal, say }) => {
    const subject = subjectOf(target, 'gray');
    if (subject === null) return null;
    const now = temporalClock(Context.current().info);
    const { withinMs } = question;
    const { summary, ...told } = await awaitQuiet(providerOf(deps, question), subject, {
      now,
      withinMs,
      signal,
      say,
    });
    return finding('requests', summary, told);
  };
}
