/** The API as a process of its own, and a client that asks again while it is away, as a careful caller does. */
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { Handler } from '../../api/main.js';
import { freePorts } from '../../infra/local/ports.js';
import type { StackInfo } from '../../infra/local/stack.js';
import { NodeProcess } from './node-process.js';

const main = fileURLToPath(new URL('../../dist/api/main.js', import.meta.url));

export class ApiProcess extends NodeProcess {
  private constructor(
    env: Readonly<Record<string, string>>,
    readonly url: string,
  ) {
    super(main, env, `${url}/healthz`, 'the API');
  }

  static async create(
    stack: Pick<StackInfo, 'temporal'>,
    taskQueue: string,
    env: Record<string, string> = {},
  ): Promise<ApiProcess> {
    const [port] = await freePorts(1);
    const listen = `127.0.0.1:${port}`;
    const own = {
      TEMPORAL_ADDRESS: stack.temporal.address,
      // A profile of the machine's owner must not reach the tests.
      TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
      SLUICE_TASK_QUEUE: taskQueue,
      SLUICE_LISTEN: listen,
      SLUICE_LOG_LEVEL: 'error',
      ...env,
    };
    return new ApiProcess(own, `http://${listen}`);
  }
}

const patienceMs = 240_000;
const againMs = 150;
/** What the API answers while Temporal or its workers are away; everything else above 499 is a defect. */
const away = 503;

/** Asks over HTTP; without an answer, or with a problem that says it is retryable, it asks again for four minutes. */
export class PatientClient implements Handler {
  /** Answers above 499 that are not a 503, also where asking again helped, as "status path body". */
  readonly defects: string[] = [];
  /** How often it had to ask again. */
  repeated = 0;

  constructor(private readonly url: string) {}

  readonly fetch = async (request: Request): Promise<Response> => {
    const { method, headers } = request;
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    for (const until = Date.now() + patienceMs; ; this.repeated++) {
      try {
        const signal = AbortSignal.timeout(45_000);
        const given = body === '' ? {} : { body };
        const answer = await fetch(`${this.url}${pathname}${search}`, { method, headers, signal, ...given });
        await this.check(answer, pathname);
        if (!(await isRetryable(answer)) || Date.now() > until) return answer;
      } catch (error) {
        if (Date.now() > until) throw error;
      }
      await delay(againMs);
    }
  };

  readonly warm = (): Promise<void> => Promise.resolve();
  readonly close = (): Promise<void> => Promise.resolve();

  private async check(answer: Response, path: string): Promise<void> {
    if (answer.status >= 500 && answer.status !== away)
      this.defects.push(`${answer.status} ${path} ${(await answer.clone().text()).slice(0, 300)}`);
  }
}

async function isRetryable(answer: Response): Promise<boolean> {
  if (answer.ok) return false;
  const problem = (await answer
    .clone()
    .json()
    .catch(() => ({}))) as { readonly retryable?: boolean };
  return problem.retryable === true;
}
