/** /v1/environments: what runs where, across all applications. */
import { z } from '@hono/zod-openapi';
import type { App, AppDeps } from '../app.js';
import { requireRole } from '../auth.js';
import { readBody } from '../body.js';
import { checkedQuery, pageParameters, pageQuery } from '../query.js';
import { cleanSchema } from '../schemas/environment.js';
import { describe } from './describe.js';

const tag = 'environments';

const query = z.strictObject(pageQuery);

export function environmentRoutes(app: App, { temporal }: AppDeps): void {
  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/environments',
      summary: 'Environments that applications declare, sorted by name; asks no cluster',
      tag,
      role: 'viewer',
      query: pageParameters,
      answers: { 200: { description: 'A page', schema: 'EnvironmentList' } },
      problems: [422, 503],
    }),
    async (c) => c.json(await (await temporal()).listEnvironments(checkedQuery(c.req.url, query))),
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/environments/{name}',
      summary: 'What was released there, what is at work, and what really runs; changes nothing',
      tag,
      role: 'viewer',
      query: pageParameters,
      answers: {
        200: { description: 'A page of its applications, sorted by name', schema: 'EnvironmentView' },
      },
      problems: [404, 422, 503],
    }),
    async (c) => {
      const page = checkedQuery(c.req.url, query);
      return c.json(await (await temporal()).readEnvironment(c.req.param('name'), page));
    },
  );

  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/environments/{name}/clean',
      summary:
        'Removes what releases left behind there that are over, never what one at work has made; answers when it is gone',
      tag,
      role: 'releaser',
      body: 'Clean',
      answers: { 200: { description: 'What was left, and what became of it', schema: 'CleanView' } },
      problems: [400, 404, 413, 415, 422, 503],
    }),
    async (c) => {
      const by = c.get('actor');
      requireRole(by, 'releaser');
      const { dryRun, reason, namespace, cluster = 'default' } = await readBody(c.req.raw, cleanSchema);
      const name = c.req.param('name');
      const spot = namespace === undefined ? null : { cluster, namespace };
      const view = await (await temporal()).cleanEnvironment(name, { dryRun, reason, by: by.name, spot });
      const left = view.items.filter((item) => item.left !== null).length;
      if (!dryRun)
        c.get('log').info({ environment: name, by: by.name, items: view.items.length, left }, 'cleaned');
      return c.json(view);
    },
  );
}
