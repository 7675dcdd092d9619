/** Who calls, and whether that caller may. */
import type { MiddlewareHandler } from 'hono';
import { hasRole, roles, type Actor, type Role } from '../domain/approval.js';
import { failure } from '../domain/failures.js';
import { isLoopback } from './config.js';
import type { AppEnv } from './context.js';
import { problemOf, ProblemError, throwFailure } from './problems.js';
import { actorOf, type TokenEntry } from './tokens.js';

/** With tokens: the token's name and roles. Without: whoever the header sluice-actor names, with every role. */
export function authenticate(tokens: readonly TokenEntry[] | null): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    c.set('actor', tokens === null ? localActor(c.req.header('sluice-actor')) : bearer(tokens, c.req.raw));
    await next();
  };
}

function bearer(tokens: readonly TokenEntry[], request: Request): Actor {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '');
  const actor = match === null ? null : actorOf(tokens, match[1]!);
  return actor ?? throwFailure(failure('unauthenticated', undefined));
}

function localActor(named: string | undefined): Actor {
  const name = (named ?? '').replaceAll(/[^\p{L}\p{N} ._@+-]/gu, '').trim();
  return { name: name === '' ? 'local' : name.slice(0, 100), roles };
}

export function requireRole(actor: Actor, role: Role): void {
  if (!hasRole(actor, role)) throwFailure(failure('forbidden', { who: actor.name, needs: role }));
}

/**
 * Without tokens the address is the only guard, so a web page elsewhere must not reach it through the person's browser: the request has to
 * be for a loopback name (DNS rebinding), and not from another origin (CSRF).
 */
export function loopbackOnly(): MiddlewareHandler {
  return async (c, next) => {
    const { hostname, host } = new URL(c.req.url);
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    if (!isLoopback(hostname)) refuse(hostname);
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) refuse(origin);
    // A link from elsewhere may open a page here; anything else from there may not.
    const navigates = c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate';
    if ((site === 'cross-site' || site === 'same-site') && !navigates) refuse(site);
    await next();
  };
}

function refuse(seen: string): never {
  throw new ProblemError(problemOf(failure('foreign_origin', { seen: seen.slice(0, 200) })));
}
