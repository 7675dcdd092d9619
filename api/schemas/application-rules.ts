/**
 * Rules between the fields of an application. They run beside wrong fields, so they read what came as unknown and say nothing where a
 * field has the wrong type: that is an error of its own already.
 */
import type { z } from '@hono/zod-openapi';
import { isWeight } from '../../domain/traffic.js';

export type Context = z.core.$RefinementCtx;
export type Path = readonly (string | number)[];

export interface RuleParams {
  readonly expected: string;
  readonly remedy: string;
}

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function report(
  context: Context,
  path: Path,
  message: string,
  expected: string,
  remedy: string,
): void {
  const params: RuleParams = { expected, remedy };
  context.addIssue({ code: 'custom', path: [...path], message, params: { ...params } });
}

const metricSources = ['builtin', 'counts', 'value'] as const;
const metricBounds = ['min', 'max', 'hardMax'] as const;

export function checkReleased(value: unknown, context: Context): void {
  const names = itemsOf(value).map((item) => fieldsOf(item)['name']);
  reportTwice(context, [], names, 'application', 'name');
}

export function checkOverride(value: unknown, context: Context): void {
  const { override, reason } = fieldsOf(value);
  // One that is no text is an error already.
  if (override !== true || (reason !== undefined && typeof reason !== 'string')) return;
  if ((reason ?? '').trim() !== '') return;
  const remedy = 'Say why it cannot wait for the environments before.';
  report(context, ['reason'], 'An override without a reason.', 'a reason', remedy);
}

export function checkMetric(value: unknown, context: Context): void {
  const metric = fieldsOf(value);
  const sources = metricSources.filter((key) => metric[key] !== undefined);
  if (sources.length !== 1) {
    const seen = sources.length === 0 ? 'none' : sources.join(' and ');
    report(
      context,
      [],
      `A metric has exactly one source, this one has ${seen}.`,
      'one of builtin, counts, value',
      'Keep one of them.',
    );
  }
  if (metricBounds.every((key) => metric[key] === undefined)) {
    report(
      context,
      [],
      'A metric without a bound would pass whatever happens.',
      'min, max or hardMax',
      'Say what passes, e.g. max: 1.',
    );
  }
  const { min, max, hardMax, minRequests } = metric;
  if (typeof min === 'number' && typeof max === 'number' && min > max) {
    report(
      context,
      ['min'],
      `Nothing lies between min ${min} and max ${max}.`,
      'min <= max',
      'Swap or correct the bounds.',
    );
  }
  if (typeof max === 'number' && typeof hardMax === 'number' && hardMax < max) {
    report(
      context,
      ['hardMax'],
      `hardMax ${hardMax} is below max ${max}.`,
      'hardMax >= max',
      'Raise hardMax, or leave it out.',
    );
  }
  if (minRequests === 0 && metric['counts'] !== undefined) {
    report(
      context,
      ['minRequests'],
      'A ratio of no requests says nothing.',
      'at least 1 with counts',
      'Give a sample size, e.g. 10.',
    );
  }
}

export function checkAnalysis(value: unknown, context: Context): void {
  const { metrics } = fieldsOf(value);
  reportTwice(
    context,
    ['metrics'],
    itemsOf(metrics).map((m) => fieldsOf(m)['name']),
    'metric',
    'name',
  );
}

export function checkApproval(value: unknown, context: Context): void {
  const { quorum, approvers } = fieldsOf(value);
  const names = itemsOf(approvers);
  reportTwice(context, ['approvers'], names, 'approver');
  if (typeof quorum === 'number' && names.length > 0 && quorum > names.length) {
    report(
      context,
      ['quorum'],
      `${quorum} approvals can never come from ${names.length} approver(s).`,
      `at most ${names.length}`,
      'Lower the quorum, or name more approvers.',
    );
  }
}

export function checkSteps(value: unknown, context: Context): void {
  let highest = -1;
  for (const [i, step] of itemsOf(value).entries()) {
    const { weight } = fieldsOf(step);
    // One that cannot be is an error already, and no measure for the next.
    if (typeof weight !== 'number' || !isWeight(weight)) continue;
    if (weight <= highest) {
      report(
        context,
        [i, 'weight'],
        `Weight ${weight} comes after ${highest}: steps go up.`,
        `more than ${highest}`,
        'Order the steps by weight, each weight once.',
      );
    }
    highest = Math.max(highest, weight);
  }
}

export function checkEnvironments(value: unknown, context: Context): void {
  reportTwice(
    context,
    [],
    itemsOf(value).map((e) => fieldsOf(e)['name']),
    'environment',
    'name',
  );
  checkAfter(itemsOf(value).map(fieldsOf), context);
}

/** An environment comes after some that stand before it in the list, so none can wait for itself. */
function checkAfter(environments: readonly Readonly<Record<string, unknown>>[], context: Context): void {
  const names = environments.map((e) => e['name']);
  for (const [i, { name, after }] of environments.entries()) {
    for (const [j, before] of itemsOf(after).entries()) {
      const at = names.indexOf(before);
      if (typeof before !== 'string' || (at >= 0 && at < i)) continue;
      const seen = at < 0 ? 'is not declared' : at === i ? 'is itself' : 'stands behind it in the list';
      const earlier = names.slice(0, i).filter((n) => typeof n === 'string');
      report(
        context,
        [i, 'after', j],
        `${JSON.stringify(name)} comes after "${before}", which ${seen}.`,
        earlier.length === 0 ? 'nothing: it is the first' : `one of ${earlier.join(', ')}`,
        'Name environments that stand before it; the order of the list is the order of the stages.',
      );
    }
    reportTwice(context, [i, 'after'], itemsOf(after), 'environment');
  }
}

/** Both would be the Deployment of the first release. */
function checkWorkload(path: Path, value: unknown, context: Context): void {
  const { manifest, template } = fieldsOf(value);
  if (manifest === undefined || template === undefined) return;
  const remedy = 'Keep one of them.';
  report(context, [...path, 'template'], 'A manifest and a template.', 'manifest or template', remedy);
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((at, key) => (typeof key === 'number' ? itemsOf(at)[key] : fieldsOf(at)[key]), value);

/** What only the whole application shows: a strategy that moves traffic needs a router. */
export function checkApplication(value: unknown, context: Context): void {
  const application = fieldsOf(value);
  const workloads: readonly Path[] = [
    ['workload'],
    ...itemsOf(application['environments']).map((_, i) => ['environments', i, 'workload']),
  ];
  for (const path of workloads) checkWorkload(path, valueAt(application, path), context);
  for (const [i, item] of itemsOf(application['environments']).entries()) {
    const environment = fieldsOf(item);
    const local = fieldsOf(environment['traffic']);
    const hasRouter = local['router'] !== undefined || application['traffic'] !== undefined;
    if (hasRouter) continue;
    if (environment['traffic'] !== undefined) {
      report(
        context,
        ['environments', i, 'traffic', 'router'],
        'Traffic without a router.',
        'a router',
        'Name the router here or in traffic.router.',
      );
    }
    const own = fieldsOf(environment['release'])['strategy'];
    const strategy = own ?? fieldsOf(application['release'])['strategy'];
    if (strategy === 'gray' || strategy === 'canary' || strategy === 'blue-green') {
      const path = own === undefined ? ['release', 'strategy'] : ['environments', i, 'release', 'strategy'];
      report(
        context,
        path,
        `Strategy "${strategy}" moves traffic, and there is no traffic in environment ${JSON.stringify(environment['name'])}.`,
        'rolling, or traffic',
        'Declare traffic, or choose the strategy rolling.',
      );
    }
  }
}

export function reportTwice(
  context: Context,
  path: Path,
  names: readonly unknown[],
  what: string,
  key?: string,
): void {
  const seen = new Set<unknown>();
  for (const [i, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    if (seen.has(name)) {
      const at = [...path, i, ...(key === undefined ? [] : [key])];
      report(
        context,
        at,
        `There are two of ${what} "${name}".`,
        'each name once',
        'Rename one, or remove it.',
      );
    }
    seen.add(name);
  }
}
