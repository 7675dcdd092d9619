/** A release for people: what it is, its steps, what it waits for, how it ended. Pure. */
import type { Phase, ReleaseEvent, ReleaseView, Revision, StepView } from '../../domain/release.js';
import type { ReleaseAnswer } from '../answers.js';
import type { Paint } from './paint.js';
import { between, elapsed, expectedText, oneLine, shortDigest } from './text.js';

export interface RenderOptions {
  readonly paint: Paint;
  /** Milliseconds since 1970: to say how long ago. */
  readonly now: number;
}

export function renderRelease(view: ReleaseAnswer, options: RenderOptions): string[] {
  const { yellow } = options.paint;
  return [
    ...headLines(view, options),
    ...(view.partial === true
      ? [yellow('no worker answers: this is only what Temporal knows; nothing is lost')]
      : []),
    ...section(goneLines(view, options)),
    ...section(batchLines(view)),
    ...section(view.steps.flatMap((step, i) => stepLines(step, view.steps[i - 1], options))),
    ...section(view.outcome === null ? waitingLines(view, options) : outcomeLines(view, options)),
  ];
}

const section = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', ...lines]);

export function headLines(view: ReleaseView, { paint, now }: RenderOptions): string[] {
  const where = view.environment === null ? '' : ` to ${view.environment}`;
  const what = view.applications.map((a) => `${a.name} ${a.version}`).join(', ');
  const ago = elapsed(now - Date.parse(view.startedAt));
  const reason = view.reason === '' ? '' : `: ${oneLine(view.reason)}`;
  return [
    `${paint.bold(`${what}${where}`)}  ${phaseText(view.phase, paint)}${view.paused ? paint.yellow(' (paused)') : ''}${weightText(view)}`,
    ...(view.rollbackOf === undefined ? [] : [`rolls back release ${view.rollbackOf}`]),
    paint.dim(
      `release ${view.id}, plan ${view.planHash ?? 'not made yet'}, by ${view.initiator} ${ago} ago${reason}`,
    ),
  ];
}

function weightText(view: ReleaseView): string {
  const weights = view.applications.filter((a) => a.grayWeight > 0).map((a) => `${a.grayWeight} % gray`);
  return weights.length === 0 ? '' : `, ${weights.join(', ')}`;
}

/** Those of a lane that went back by themselves. */
function goneLines({ applications }: ReleaseView, { paint }: RenderOptions): string[] {
  return applications.flatMap(({ name, version, failure }) =>
    failure === undefined
      ? []
      : [
          `  ${paint.red(`${name} ${version} went back alone`)}: ${oneLine(failure.message)} ${paint.dim(`[${failure.code}]`)}`,
        ],
  );
}

/** How many pods run which version, where they are changed in batches. */
function batchLines({ applications }: ReleaseView): string[] {
  return applications.flatMap(({ name, batching }) => {
    if (batching === undefined) return [];
    const line = (which: string, { image, pods, workload, revision }: Revision): string =>
      `  ${name} ${which}: ${pods} pod(s) of ${oneLine(image)} (${workload}${revision === null ? '' : `, revision ${revision}`})`;
    return [line('old', batching.old), line('new', batching.new)];
  });
}

export function phaseText(phase: Phase, paint: Paint): string {
  const text = phase.replaceAll('_', ' ');
  switch (phase) {
    case 'succeeded':
      return paint.green(text);
    case 'rolled_back':
    case 'failed':
    case 'needs_attention':
    case 'rolling_back':
      return paint.red(text);
    case 'cancelled':
    case 'waiting_for_approval':
    case 'queued':
      return paint.yellow(text);
    case 'building':
    case 'deploying':
    case 'verifying':
    case 'shifting':
    case 'holding':
    case 'promoting':
    case 'cleaning_up':
      return paint.cyan(text);
  }
}

const marks: Readonly<Record<StepView['state'], string>> = {
  pending: '·',
  running: '▶',
  done: '✓',
  failed: '✗',
  skipped: '-',
};

const environmentOf = (id: string): string => id.split('/')[0] ?? '';

function stepLines(step: StepView, before: StepView | undefined, { paint, now }: RenderOptions): string[] {
  const environment = environmentOf(step.id);
  const isNew = step.id.includes('/') && (before === undefined || environmentOf(before.id) !== environment);
  const heading = isNew ? [`  ${paint.bold(environment)}`] : [];
  const time = step.startedAt === null ? '' : `  ${paint.dim(between(step.startedAt, step.endedAt, now))}`;
  const result = step.result === null ? '' : `  ${paint.dim(oneLine(step.result))}`;
  return [...heading, `  ${paintState(step.state, paint)} ${oneLine(step.summary)}${time}${result}`];
}

function paintState(state: StepView['state'], paint: Paint): string {
  switch (state) {
    case 'pending':
    case 'skipped':
      return paint.dim(marks[state]);
    case 'running':
      return paint.cyan(marks[state]);
    case 'done':
      return paint.green(marks[state]);
    case 'failed':
      return paint.red(marks[state]);
  }
}

export function waitingLines(view: ReleaseView, { paint, now }: RenderOptions): string[] {
  const { waitingOn } = view;
  if (waitingOn === null) return [];
  const { expectedAt = null } = waitingOn.queue ?? {};
  const expected = expectedAt === null ? '' : `, ${expectedText(expectedAt, now)}`;
  const until = waitingOn.until === null ? '' : `, ${elapsed(Date.parse(waitingOn.until) - now)} left`;
  const commands = waitingOn.can.map(
    (verb) => `  sluice ${verb} ${view.id}${needsReason(verb) ? ' --reason ...' : ''}`,
  );
  return [paint.yellow(`waiting: ${oneLine(waitingOn.what)}${expected}${until}`), ...commands];
}

const needsReason = (verb: string): boolean => ['reject', 'abort', 'skip', 'abandon'].includes(verb);

export function outcomeLines(view: ReleaseView, { paint, now }: RenderOptions): string[] {
  const { outcome } = view;
  if (outcome === null) return [];
  const versions = view.applications
    .filter((a) => a.failure === undefined)
    .map((a) => `${a.name} ${a.version} (${shortDigest(a.digest)})`)
    .join(', ');
  const took = between(view.startedAt, view.endedAt, now);
  const lines = [`${phaseText(outcome.phase, paint)}: ${versions} after ${took}`];
  if (outcome.failure !== null) {
    lines.push(`  ${oneLine(outcome.failure.message)} ${paint.dim(`[${outcome.failure.code}]`)}`);
    lines.push(`  ${oneLine(outcome.failure.remedy)}`);
  }
  if (outcome.left.length > 0) lines.push(paint.red(`  left behind: ${outcome.left.join(', ')}`));
  return lines;
}

/** One line for a log: time, kind, message. */
export function eventLine(event: ReleaseEvent, paint: Paint): string {
  const step = event.step === null ? '' : paint.dim(`${event.step} `);
  return `${paint.dim(event.at.slice(11, 19))} ${event.type.padEnd(8)} ${step}${oneLine(event.message)}`;
}

/** The rest of a status: what is known of who decided. */
export function decisionLines(view: ReleaseView, { paint }: RenderOptions): string[] {
  return view.decisions.map((d) => {
    const verdict = d.counted ? d.decision : `${d.decision}, not counted: ${d.why ?? ''}`;
    const reason = d.reason === '' ? '' : `: ${oneLine(d.reason)}`;
    return `${paint.dim(d.at)} ${d.by.name} ${verdict}${reason}`;
  });
}
