/** /v1/environments: what runs where, across all applications. */
import { z } from '@hono/zod-openapi';
import type { App, AppDeps } from '../app.js';
import { checkedQuery, pageParameters, pageQuery } from '../query.js';
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
}
