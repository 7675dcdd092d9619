/** Around every request: an id, a line in the log, counts; and the one place where an error becomes an answer. */
import { randomUUID } from 'node:crypto';
import type { ErrorHandler, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { failure } from '../domain/failures.js';
import type { AppEnv } from './context.js';
import type { Logger } from './log.js';
import type { ApiMetrics } from './metrics.js';
import { problemOf, ProblemError, problemResponse } from './problems.js';

export function observe(metrics: ApiMetrics, log: Logger): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header('x-request-id') ?? '';
    const requestId = /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    const began = performance.now();
    c.set('requestId', requestId);
    c.set('log', log.child({ requestId }));
    await next();
    c.header('x-request-id', requestId);
    const { method, path } = c.req;
    const { status } = c.res;
    const route = status === 404 && c.error === undefined ? 'unknown' : routePath(c, -1);
    const seconds = (performance.now() - began) / 1_000;
    metrics.requests.inc({ method, route, status: String(status) });
    metrics.seconds.observe({ method, route }, seconds);
    if (path.startsWith('/v1/')) {
      const actor = (c.get('actor') as { name: string } | undefined)?.name;
      c.get('log').info({ method, path, status, ms: Math.round(seconds * 1_000), actor }, 'request');
    }
  };
}

/** Problems are answered as they are. Anything else is ours to mend: the log has it, the caller gets the id to look for. */
export function problemHandler(metrics: ApiMetrics): ErrorHandler<AppEnv> {
  return (error, c) => {
    if (error instanceof ProblemError) {
      const { code, detail: message } = error.problem;
      metrics.refusals.inc({ code });
      if (code === 'internal')
        c.get('log').error({ message, why: error.why, stack: error.stack }, 'unexpected');
      return problemResponse(error.problem);
    }
    const requestId = c.get('requestId');
    c.get('log').error({ name: error.name, message: error.message, stack: error.stack }, 'unexpected');
    metrics.refusals.inc({ code: 'internal' });
    return problemResponse(problemOf(failure('internal', { what: `request ${requestId}` })));
  };
}
