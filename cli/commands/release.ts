/** sluice plan and sluice release: what would happen, and doing it. */
import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import { strategies } from '../../domain/application.js';
import type { Accepted, PlanAnswer } from '../answers.js';
import type { Client } from '../client.js';
import type { Context } from '../context.js';
import { Unreachable } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { follow } from '../follow.js';
import { renderManifests, renderPlan } from '../format/plan.js';
import { addCommand, reasonOption, timeoutOption, versionOf, type Host } from './common.js';

interface RequestOptions {
  readonly environment?: string;
  readonly strategy?: string;
  readonly lane?: string;
  readonly reason?: string;
  readonly approveEach?: boolean;
  readonly override?: boolean;
}

type ReleaseOptions = RequestOptions & StartOptions & { readonly hotfix?: boolean };

/** A plan looks at registry and cluster, which may take a while. */
export const planTimeoutMs = 90_000;

const requestOptions = (): Option[] => [
  new Option('-e, --environment <name>', 'only this environment; default all, in their order'),
  new Option('--strategy <name>', 'instead of the declared one').choices(strategies),
  new Option('--lane <name>', 'instead of the declared one'),
  new Option('--approve-each', 'each application asks for an approval of its own'),
  new Option('--override', 'also where it has not passed the environments before; needs --reason'),
  reasonOption(),
];

function bodyOf(
  versions: readonly string[],
  { environment, strategy, lane, reason, approveEach, override }: RequestOptions,
): Readonly<Record<string, unknown>> {
  const options = { environment, strategy, lane, reason, approveEach, override };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { applications: versions.map(versionOf), ...Object.fromEntries(given) };
}

export function planCommand(program: Command, host: Host): void {
  addCommand<RequestOptions & { readonly manifests?: boolean }>(
    program,
    host,
    'plan <app@version...>',
    'print what a release would do; changes nothing',
    [
      ...requestOptions(),
      new Option('--manifests', 'also the Deployments as they are declared, rendered from their templates'),
    ],
    async (context, versions, options) => {
      const body = bodyOf(versions, options);
      const answer = await context.client.post<PlanAnswer>('/v1/plans', body, { timeoutMs: planTimeoutMs });
      context.answer(answer);
      context.say(...renderPlan(answer.plan, answer.changes, context.paint));
      if (options.manifests === true) context.say(...renderManifests(answer.manifests ?? []));
      return exitCodes.succeeded;
    },
  );
}

export function releaseCommand(program: Command, host: Host): void {
  addCommand<ReleaseOptions>(
    program,
    host,
    'release <app@version...>',
    'start a release, e.g. sluice release web@v2; several applications are one lane',
    [
      ...requestOptions(),
      new Option('--hotfix', 'goes before ordinary releases that wait'),
      ...startOptions('default a new one'),
    ],
    async (context, versions, options) => {
      const key = options.idempotencyKey ?? randomUUID();
      const { hotfix } = options;
      const body = { ...bodyOf(versions, options), ...(hotfix === true ? { hotfix } : {}) };
      const accepted = await start(context.client, '/v1/releases', body, key);
      return started(context, accepted, options, '');
    },
  );
}

export interface StartOptions {
  readonly idempotencyKey?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
}

export const startOptions = (defaultKey: string): Option[] => [
  new Option('--idempotency-key <key>', `the same key answers the same release; ${defaultKey}`),
  new Option('--wait', 'show the release until it has ended'),
  timeoutOption().implies({ wait: true }),
];

/** Says what was started, or shows it to its end. */
export async function started(
  context: Context,
  accepted: Accepted,
  { wait, timeout }: StartOptions,
  what: string,
): Promise<ExitCode> {
  const { id, phase, planHash } = accepted;
  if (wait !== true) {
    context.answer(accepted);
    const hash = planHash === null ? '' : `, plan ${planHash}`;
    context.say(`release ${id}${what === '' ? '' : `${what} and`} is ${phase.replaceAll('_', ' ')}${hash}`);
    context.say(`  sluice watch ${id}`);
    return exitCodes.succeeded;
  }
  context.say(`release ${id}${what}`);
  return follow(context, id, { timeoutMs: timeout ?? null, stopAtAttention: true, eventsAsJson: false });
}

/**
 * A connection that broke half-way is tried again: with the same key this cannot start a second release.
 * @param key null: the API makes one out of what is asked for
 */
export async function start(
  client: Client,
  path: string,
  body: unknown,
  key: string | null,
): Promise<Accepted> {
  const headers: Record<string, string> = key === null ? {} : { 'idempotency-key': key };
  const options = { headers, timeoutMs: planTimeoutMs };
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.post<Accepted>(path, body, options);
    } catch (error) {
      if (attempt === 3 || !(error instanceof Unreachable) || !error.mayHaveArrived) throw error;
    }
  }
}
