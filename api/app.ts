/** The HTTP API as a fetch handler: no port and no state of its own; Temporal holds everything. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { failure } from '../domain/failures.js';
import { authenticate, loopbackOnly } from './auth.js';
import type { ApiConfig } from './config.js';
import type { AppEnv } from './context.js';
import { createEventHub } from './events.js';
import type { Logger } from './log.js';
import type { ApiMetrics } from './metrics.js';
import { observe, problemHandler } from './observe.js';
import { problemOf, problemResponse, ProblemError } from './problems.js';
import { applicationRoutes } from './routes/applications.js';
import { documentRoutes } from './routes/documents.js';
import { doctorRoutes } from './routes/doctor.js';
import { environmentRoutes } from './routes/environments.js';
import { eventRoutes } from './routes/events.js';
import { laneRoutes } from './routes/lanes.js';
import { machineRoutes } from './routes/machines.js';
import { releaseRoutes } from './routes/releases.js';
import { steeringRoutes } from './routes/steering.js';
import type { Temporal } from './temporal/temporal.js';

export interface AppDeps {
  readonly config: Pick<ApiConfig, 'tokens' | 'publicUrl' | 'eventReaders'>;
  /** Opened with the first call, so that the API answers before the client is loaded. */
  readonly temporal: () => Promise<Temporal>;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
}

export type App = OpenAPIHono<AppEnv>;

const bodyBytes = 1024 * 1024;

export function createApp(deps: AppDeps): App {
  const { config, metrics, log } = deps;
  const app: App = new OpenAPIHono<AppEnv>();
  app.onError(problemHandler(metrics));
  app.notFound((c) => {
    const what = `${c.req.method} ${new URL(c.req.url).pathname}`;
    return problemResponse(problemOf(failure('not_found', { what })));
  });
  app.use(observe(metrics, log));
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        frameAncestors: ["'none'"],
      },
      // Says "https from now on", which a loopback address or a plain listener is not.
      strictTransportSecurity: false,
    }),
  );
  if (config.tokens === null) app.use(loopbackOnly());
  app.use('/v1/*', authenticate(config.tokens));
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: bodyBytes,
      onError: () => {
        throw new ProblemError(problemOf(failure('body_too_large', { limit: '1 MiB' })));
      },
    }),
  );
  const hub = createEventHub(deps.temporal);
  applicationRoutes(app, deps);
  environmentRoutes(app, deps);
  laneRoutes(app, deps);
  releaseRoutes(app, deps);
  steeringRoutes(app, deps);
  eventRoutes(app, deps, hub);
  machineRoutes(app, deps);
  doctorRoutes(app, deps);
  documentRoutes(app);
  return app;
}
