/** What people say to a release on its way: decisions and steering. Each is answered at once: accepted, or why not. */
import type { App, AppDeps } from '../app.js';
import { requireRole } from '../auth.js';
import { readBody } from '../body.js';
import { decisionSchema, extensionSchema, newWeightSchema, steeringSchema } from '../schemas/release.js';
import { steeringSummaries, steeringVerbs, type SteeringVerb } from '../steering.js';
import { describe } from './describe.js';

const tag = 'steering';
const answers = { 200: { description: 'Accepted', schema: 'Answer' } };
const problems = [400, 404, 409, 413, 415, 422, 503];

/** What each verb is told; most need nothing but a reason, and not even that. */
function bodyOf(verb: SteeringVerb) {
  if (verb === 'extend') return { name: 'Extension', schema: extensionSchema, optional: false };
  if (verb === 'weight') return { name: 'NewWeight', schema: newWeightSchema, optional: false };
  return { name: 'Steering', schema: steeringSchema, optional: true };
}

export function steeringRoutes(app: App, { temporal, metrics }: AppDeps): void {
  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/releases/{id}/decisions',
      summary: 'Approve or reject the plan that was seen',
      tag,
      role: 'approver',
      body: 'Decision',
      answers,
      problems,
    }),
    async (c) => {
      const by = c.get('actor');
      requireRole(by, 'approver');
      const decision = await readBody(c.req.raw, decisionSchema);
      const answer = await (await temporal()).decide(c.req.param('id'), { ...decision, by });
      metrics.decisions.inc({ decision: decision.decision });
      c.get('log').info({ release: c.req.param('id'), by: by.name, decision: decision.decision }, 'decision');
      return c.json(answer);
    },
  );

  for (const verb of steeringVerbs) {
    const body = bodyOf(verb);
    app.post(
      describe(app, {
        method: 'post',
        path: `/v1/releases/{id}/${verb}`,
        summary: steeringSummaries[verb],
        tag,
        role: 'releaser',
        body: body.name,
        bodyOptional: body.optional,
        answers,
        problems,
      }),
      async (c) => {
        const by = c.get('actor');
        requireRole(by, 'releaser');
        const asked = await readBody(c.req.raw, body.schema);
        const id = c.req.param('id');
        const answer = await (await temporal()).steer(id, verb, { by, ...asked });
        c.get('log').info({ release: id, by: by.name, verb }, 'steering');
        return c.json(answer);
      },
    );
  }
}
