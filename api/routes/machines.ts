/** For machines: is it alive, could a release run, what do the numbers say. */
import type { App, AppDeps } from '../app.js';
import { problemOf, problemResponse } from '../problems.js';
import { standingGauges } from '../standing.js';
import { describe } from './describe.js';

const tag = 'machines';

export function machineRoutes(app: App, { temporal, metrics }: AppDeps): void {
  const standing = standingGauges(metrics.registry, async () => (await temporal()).standing());
  app.get(
    describe(app, {
      method: 'get',
      path: '/healthz',
      summary: 'The process is alive',
      tag,
      answers: { 200: { description: 'Alive' } },
    }),
    (c) => c.json({ status: 'ok' }),
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/readyz',
      summary: 'Temporal answers, has the search attributes, and a worker polls',
      tag,
      answers: { 200: { description: 'A release could run now' } },
      problems: [503],
    }),
    async (c) => {
      const obstacle = await (await temporal()).unreadiness();
      return obstacle === null
        ? c.json({ status: 'ready' })
        : problemResponse({ ...problemOf(obstacle), status: 503 });
    },
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/metrics',
      summary: 'For Prometheus',
      tag,
      answers: { 200: { description: 'Metrics in the text format', type: 'text/plain' } },
    }),
    async (c) => {
      await standing.refresh();
      return c.text(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType });
    },
  );
}
