/** sluice doctor: what releases need, what of it is missing, and how to mend it. */
import type { Command } from 'commander';
import { clockCheck, diagnosisOf, fine, type Diagnosis, type HealthCheck } from '../../domain/diagnosis.js';
import type { Context } from '../context.js';
import { ApiError, Unreachable } from '../errors.js';
import { exitCodes, type ExitCode } from '../exit.js';
import { diagnosisLines } from '../format/diagnosis.js';
import { explainSilence, refusedCheck } from '../reach.js';
import { addCommand, type Host } from './common.js';

/** The API answers sooner: each of its looks has a deadline of its own. */
const timeoutMs = 40_000;

export function doctorCommand(program: Command, host: Host): void {
  addCommand<object>(
    program,
    host,
    'doctor [app]',
    'look at everything that releases need, and say how to mend what is wrong; changes nothing',
    [],
    async (context, [application]) => {
      const diagnosis = await examined(context, application);
      context.answer(diagnosis);
      context.say(...diagnosisLines(diagnosis, context.paint));
      return exitOf(diagnosis);
    },
  );
}

const exitOf = ({ state }: Diagnosis): ExitCode =>
  state === 'problem' ? exitCodes.unwell : exitCodes.succeeded;

async function examined(context: Context, application: string | undefined): Promise<Diagnosis> {
  const { server, token } = context.client.settings;
  const before = Date.now();
  try {
    await context.client.get('/healthz', { timeoutMs: 5_000 });
    const ms = Date.now() - before;
    const asked = Date.now();
    const { body } = await context.client.send<Diagnosis>('POST', '/v1/doctor', {
      query: { application },
      timeoutMs,
    });
    const clock = { before: asked, read: Date.parse(body.at), after: Date.now() };
    const own = [
      reached(server, ms),
      tokenCheck(token),
      clockCheck('API, by the clock of this machine', clock),
    ];
    return diagnosisOf(body.at, [...own, ...body.checks]);
  } catch (error) {
    const checks = await withoutApi(error, server, token !== null);
    return diagnosisOf(new Date(before).toISOString(), checks);
  }
}

const reached = (server: string, ms: number): HealthCheck =>
  fine({ topic: 'api', subject: server }, `answered in ${ms} ms`);

/** It was believed: the API answers a doctor only to those who may. */
function tokenCheck(token: string | null): HealthCheck {
  const about = { topic: 'token', subject: 'SLUICE_TOKEN' } as const;
  if (token !== null) return fine(about, 'the API takes it');
  return fine(about, 'none is set, and the API asks for none');
}

/** Also an API that refuses is an answer; what is no matter of the surroundings is thrown on. */
async function withoutApi(
  error: unknown,
  server: string,
  hasToken: boolean,
): Promise<readonly HealthCheck[]> {
  if (error instanceof Unreachable) return explainSilence(server, error.why);
  if (error instanceof ApiError) {
    const check = refusedCheck(server, error, hasToken);
    if (check !== null) return check;
  }
  throw error;
}
