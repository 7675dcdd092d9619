/** Whether everything that releases need is there, and how to mend what is not. */
import { z } from '@hono/zod-openapi';
import type { App, AppDeps } from '../app.js';
import { diagnosisOf } from '../../domain/diagnosis.js';
import { requireRole } from '../auth.js';
import { ProblemError } from '../problems.js';
import { checkedQuery } from '../query.js';
import { dnsLabel } from '../schemas/common.js';
import { describe } from './describe.js';

const query = z.strictObject({ application: dnsLabel.optional() });

export function doctorRoutes(app: App, { temporal }: AppDeps): void {
  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/doctor',
      summary: 'Looks at Temporal, workers, clusters, routes, metrics and registries; changes nothing',
      tag: 'machines',
      role: 'releaser',
      query: {
        application: { description: 'Only this one. Default: all declared.', schema: { type: 'string' } },
      },
      answers: { 200: { description: 'What was seen, also where all is broken', schema: 'Diagnosis' } },
      problems: [404, 422],
    }),
    async (c) => {
      requireRole(c.get('actor'), 'releaser');
      const { application } = checkedQuery(c.req.url, query);
      try {
        return c.json(await (await temporal()).examine(application ?? null));
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem.code !== 'temporal_unreachable') throw error;
        const { withoutTemporal } = await import('../doctor/temporal.js');
        const { detail, ...rest } = error.problem;
        const checks = withoutTemporal({ ...rest, message: detail });
        return c.json(diagnosisOf(new Date().toISOString(), checks));
      }
    },
  );
}
