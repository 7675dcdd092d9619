/** The release as Markdown for the Temporal UI's "current details": enough to understand it without any other page. */
import type { ReleaseEvent, ReleaseView } from '../domain/release.js';

const marks = { pending: '·', running: '▶', done: '✓', failed: '✗', skipped: '–' } as const;

export function describeForUi(view: ReleaseView, lately: readonly ReleaseEvent[]): string {
  const released = view.applications.map(
    ({ name, version, digest, grayWeight, failure }) =>
      `**${name}** ${version} \`${digest ?? 'unresolved'}\`, ` +
      (failure === undefined ? `gray ${grayWeight} %` : `went back alone: ${failure.message}`),
  );
  const waiting = view.waitingOn;
  return [
    `### ${view.phase.replaceAll('_', ' ')}${view.paused ? ' (paused)' : ''}`,
    ...released,
    ...(view.rollbackOf === undefined ? [] : [`Rolls back release ${view.rollbackOf}`]),
    `Asked for by ${view.initiator}${view.reason === '' ? '' : `: ${view.reason}`}`,
    ...(waiting === null
      ? []
      : [
          `**Waiting for ${waiting.what}** since ${waiting.since}, until ${waiting.until ?? 'somebody acts'}. ` +
            `What can be done: ${waiting.can.join(', ')}.`,
        ]),
    ...(view.outcome?.failure == null
      ? []
      : [`**${view.outcome.failure.message}** ${view.outcome.failure.remedy}`]),
    `Plan \`${view.planHash ?? 'not made yet'}\``,
    view.steps
      .map((s) => `- ${marks[s.state]} ${s.summary}${s.result === null ? '' : `: ${s.result}`}`)
      .join('\n'),
    lately.map((e) => `- ${e.at} ${e.message}`).join('\n'),
  ].join('\n\n');
}
