/** /v1/applications: declared, read, removed. */
import { z } from '@hono/zod-openapi';
import { requireRole } from '../auth.js';
import type { App, AppDeps } from '../app.js';
import { parseBody } from '../body.js';
import { fieldErrors, type FieldError } from '../fields.js';
import { withManifests } from '../manifests.js';
import { invalidBody, ProblemError } from '../problems.js';
import { checkedQuery, pageParameters, pageQuery } from '../query.js';
import { applicationSchema } from '../schemas/application.js';
import type { Application } from '../../domain/application.js';
import { describe } from './describe.js';

const tag = 'applications';

const listQuery = z.strictObject(pageQuery);
const removalQuery = z.strictObject({ force: z.enum(['true', 'false']).default('false') });

export function applicationRoutes(app: App, { temporal }: AppDeps): void {
  app.put(
    describe(app, {
      method: 'put',
      path: '/v1/applications/{name}',
      summary: 'Declare or change an application; running releases keep the version they began with',
      tag,
      role: 'admin',
      body: 'Application',
      answers: {
        200: { description: 'Changed, or unchanged', schema: 'DeclaredApplication' },
        201: { description: 'New', schema: 'DeclaredApplication' },
      },
      problems: [400, 413, 415, 422, 503],
    }),
    async (c) => {
      const actor = c.get('actor');
      requireRole(actor, 'admin');
      const declared = await applicationOf(c.req.raw, c.req.param('name'));
      const answer = await (await temporal()).declareApplication(declared, actor.name);
      c.get('log').info(
        { application: declared.name, version: answer.version, by: actor.name },
        'application declared',
      );
      return c.json(answer, answer.created ? 201 : 200);
    },
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/applications',
      summary: 'Applications, sorted by name',
      tag,
      role: 'viewer',
      query: pageParameters,
      answers: { 200: { description: 'A page', schema: 'ApplicationList' } },
      problems: [422, 503],
    }),
    async (c) => {
      const filter = checkedQuery(c.req.url, listQuery);
      const { items: views, cursor } = await (await temporal()).listApplications(filter);
      const items = views.map(({ current: { version, application }, environments }) => ({
        name: application.name,
        image: application.image,
        version,
        environments: application.environments.map((e) => e.name),
        template: application.template?.name ?? null,
        busy: environments.flatMap(({ name, running, queue }) =>
          running === null ? [] : [{ environment: name, running, waiting: queue.length }],
        ),
      }));
      return c.json({ items, cursor });
    },
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/applications/{name}',
      summary: 'One application: its declaration, environments, queues and history',
      tag,
      role: 'viewer',
      answers: { 200: { description: 'The application', schema: 'ApplicationView' } },
      problems: [404, 503],
    }),
    async (c) => c.json(await (await temporal()).readApplication(c.req.param('name'))),
  );

  app.delete(
    describe(app, {
      method: 'delete',
      path: '/v1/applications/{name}',
      summary: 'Forget an application; leaves everything in the clusters as it is',
      tag,
      role: 'admin',
      query: {
        force: {
          description: 'Also where releases that are over have left something of it in a cluster',
          schema: { type: 'boolean', default: false },
        },
      },
      answers: { 204: { description: 'Removed' } },
      problems: [404, 409, 422, 503],
    }),
    async (c) => {
      const actor = c.get('actor');
      requireRole(actor, 'admin');
      const { force } = checkedQuery(c.req.url, removalQuery);
      const order = { by: actor.name, force: force === 'true' };
      await (await temporal()).removeApplication(c.req.param('name'), order);
      c.get('log').info({ application: c.req.param('name'), by: actor.name }, 'application removed');
      return c.body(null, 204);
    },
  );
}

/** The declaration, whose name has to be the address's. */
async function applicationOf(request: Request, name: string): Promise<Application> {
  const body = parseBody(await request.text(), request.headers.get('content-type'));
  const result = applicationSchema.safeParse(body);
  const errors = result.success ? [] : fieldErrors(result.error.issues, applicationSchema, body);
  const declared = (body as { readonly name?: unknown } | null)?.name;
  if (typeof declared === 'string' && declared !== name) errors.push(otherName(declared, name));
  if (!result.success || errors.length > 0) throw new ProblemError(invalidBody(errors));
  // What cannot become a manifest is told now, not at the first release.
  withManifests(result.data, 'declared');
  return result.data;
}

const otherName = (declared: string, name: string): FieldError => ({
  pointer: '/name',
  message: `The address names ${name}, the body names ${declared}.`,
  found: JSON.stringify(declared),
  expected: name,
  remedy: 'Use the same name in both.',
});
