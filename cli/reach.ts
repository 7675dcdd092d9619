/** Why nobody answers at an address, as far as it can be seen from here. */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { fine, problem, skipped, type HealthCheck } from '../domain/diagnosis.js';
import type { ApiError } from './errors.js';

const connectMs = 3_000;

/** `why`: what the request ended with. */
export async function explainSilence(server: string, why: string): Promise<readonly HealthCheck[]> {
  const about = { topic: 'api', subject: server } as const;
  const { hostname, port, protocol } = new URL(server);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const rest = skipped(
    { topic: 'temporal', subject: 'all' },
    'only the API can look at it, and it does not answer',
  );
  const found = await addressOf(host);
  if (found === null)
    return [
      problem(about, `There is no address for the name "${host}".`, 'Correct --server or SLUICE_SERVER.'),
      rest,
    ];
  const open = await opens(found, Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port));
  if (open !== null)
    return [
      problem(
        about,
        `Nothing takes connections there (${open}).`,
        'Start it with npm start, or node dist/api/main.js; or name another server with --server or SLUICE_SERVER.',
      ),
      rest,
    ];
  return [
    problem(
      about,
      `Something listens at ${found}, but does not answer as an API does: ${why}.`,
      protocol === 'https:'
        ? 'See that its certificate is valid, and that it speaks https.'
        : 'See what runs there, and whether it speaks https.',
    ),
    rest,
  ];
}

async function addressOf(host: string): Promise<string | null> {
  try {
    return (await lookup(host)).address;
  } catch {
    return null;
  }
}

/** Null: it opens; else why not. */
function opens(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectMs });
    const end = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`no answer within ${connectMs / 1_000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** An API that refuses, as a check; null where that says nothing of the surroundings. */
export function refusedCheck(
  server: string,
  { status, problem: said }: ApiError,
  hasToken: boolean,
): readonly HealthCheck[] | null {
  const api = fine({ topic: 'api', subject: server }, 'answers');
  const about = { topic: 'token', subject: 'SLUICE_TOKEN' } as const;
  const rest = skipped({ topic: 'temporal', subject: 'all' }, 'the API does not let you look');
  if (status === 401) {
    const seen = hasToken
      ? 'The API does not know this token.'
      : 'The API asks for a token, and none is set.';
    return [
      api,
      problem(about, seen, 'Set SLUICE_TOKEN or SLUICE_TOKEN_FILE to one of its tokens file.'),
      rest,
    ];
  }
  if (status === 403)
    return [
      api,
      problem(about, said.detail ?? 'You may not.', said.remedy ?? 'Ask for the role "releaser".'),
      rest,
    ];
  if (status === 404 && said.code !== 'application_unknown') {
    const seen = `What answers there has no doctor: ${said.detail ?? 'it answered 404'}`;
    return [
      problem(
        { topic: 'api', subject: server },
        seen,
        'Correct --server or SLUICE_SERVER, or bring the API up to the version of this command.',
      ),
      rest,
    ];
  }
  return null;
}
