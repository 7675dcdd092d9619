/** /v1/lanes: which lanes there are now, derived from what stands. */
import { z } from '@hono/zod-openapi';
import type { App, AppDeps } from '../app.js';
import { checkedQuery } from '../query.js';
import { dnsLabel } from '../schemas/common.js';
import { describe } from './describe.js';

const query = z.strictObject({ environment: dnsLabel.exactOptional() });

export function laneRoutes(app: App, { temporal }: AppDeps): void {
  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/lanes',
      summary:
        'Lanes that there are now: members, stable versions that answer beside them, entries; changes nothing',
      tag: 'environments',
      role: 'viewer',
      query: { environment: { description: 'Only there; default all', schema: { type: 'string' } } },
      answers: { 200: { description: 'All of them, sorted by environment and tag', schema: 'LaneList' } },
      problems: [404, 422, 503],
    }),
    async (c) => {
      const { environment } = checkedQuery(c.req.url, query);
      return c.json(await (await temporal()).listLanes(environment));
    },
  );
}
