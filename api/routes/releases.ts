/** /v1/plans and /v1/releases: what would be done, doing it, and reading it. */
import { randomBytes } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { declaredDeployments, shownPlan } from '../../domain/declared.js';
import { failure } from '../../domain/failures.js';
import { releaseIdOfBytes, releaseIdOfKey } from '../../domain/ids.js';
import { phases } from '../../domain/release.js';
import type { App, AppDeps } from '../app.js';
import { requireRole } from '../auth.js';
import { checked, parseBody, readBody } from '../body.js';
import { changesOf } from '../changes.js';
import { checkedQuery, pageParameters, pageQuery } from '../query.js';
import { releaseInputs } from '../inputs.js';
import { throwFailure } from '../problems.js';
import { dnsLabel } from '../schemas/common.js';
import { releaseRequestSchema, rollbackPlanSchema, rollbackSchema } from '../schemas/release.js';
import { rollBack, rollbackOf, withId } from '../rollback.js';
import { describe } from './describe.js';

const tag = 'releases';

const listQuery = z.strictObject({
  application: dnsLabel.exactOptional(),
  environment: dnsLabel.exactOptional(),
  phase: z.enum(phases).exactOptional(),
  ...pageQuery,
});

export function releaseRoutes(app: App, { temporal, config, metrics }: AppDeps): void {
  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/plans',
      summary: 'What a release or a rollback would do; changes nothing',
      tag,
      role: 'releaser',
      body: 'PlanRequest',
      answers: { 200: { description: 'The plan', schema: 'PlanAnswer' } },
      problems: [400, 404, 409, 413, 415, 422, 503],
    }),
    async (c) => {
      const actor = c.get('actor');
      requireRole(actor, 'releaser');
      const body = planBody(await c.req.raw.text(), c.req.header('content-type'));
      const api = await temporal();
      const id = releaseIdOfBytes(randomBytes(8));
      const inputs =
        'rollbackOf' in body
          ? withId(await rollbackOf(api, body.rollbackOf, body, actor), id, true)
          : await releaseInputs(api, id, body, actor, true);
      const { plan } = await api.planRelease(inputs);
      if (plan === null) return throwFailure(failure('internal', { what: 'a plan without a plan' }));
      return c.json({
        plan: shownPlan(plan),
        planHash: plan.hash,
        warnings: plan.warnings,
        changes: changesOf(plan),
        manifests: declaredDeployments(plan, inputs.applications),
      });
    },
  );

  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/releases',
      summary: 'Start a release',
      tag,
      role: 'releaser',
      body: 'ReleaseRequest',
      headers: { 'Idempotency-Key': 'The same key answers the same release, however often it is sent.' },
      answers: { 202: { description: 'Accepted', schema: 'AcceptedRelease' } },
      problems: [400, 404, 409, 413, 415, 422, 503],
    }),
    async (c) => {
      const actor = c.get('actor');
      requireRole(actor, 'releaser');
      const key = idempotencyKey(c.req.header('idempotency-key'));
      const body = await readBody(c.req.raw, releaseRequestSchema);
      const api = await temporal();
      const id = key === null ? releaseIdOfBytes(randomBytes(8)) : releaseIdOfKey(key);
      const inputs = await releaseInputs(api, id, body, actor, false);
      const { phase, planHash, created } = await api.submitRelease(inputs, key);
      if (created) for (const { name } of body.applications) metrics.releases.inc({ application: name });
      c.get('log').info({ release: id, by: actor.name, phase, created }, 'release accepted');
      const path = `/v1/releases/${id}`;
      c.header('location', path);
      return c.json(
        { id, phase, planHash, url: `${config.publicUrl ?? new URL(c.req.url).origin}${path}` },
        202,
      );
    },
  );

  app.post(
    describe(app, {
      method: 'post',
      path: '/v1/releases/{id}/rollback',
      summary:
        'Undo an ended release: a new one back to what was stable before, or to another earlier version',
      tag,
      role: 'releaser',
      body: 'Rollback',
      bodyOptional: true,
      headers: {
        'Idempotency-Key':
          'The same key answers the same rollback. Without one, the same rollback asked for twice at once is one release.',
      },
      answers: { 202: { description: 'Accepted', schema: 'AcceptedRelease' } },
      problems: [400, 404, 409, 413, 415, 422, 503],
    }),
    async (c) => {
      const actor = c.get('actor');
      requireRole(actor, 'releaser');
      const key = idempotencyKey(c.req.header('idempotency-key'));
      const body = await readBody(c.req.raw, rollbackSchema);
      const undone = c.req.param('id');
      const accepted = await rollBack(await temporal(), undone, body, actor, key);
      const { id, phase, planHash, created, application } = accepted;
      if (created && application !== null) metrics.releases.inc({ application });
      c.get('log').info(
        { release: id, rollbackOf: undone, by: actor.name, phase, created },
        'rollback accepted',
      );
      const path = `/v1/releases/${id}`;
      c.header('location', path);
      return c.json(
        { id, phase, planHash, url: `${config.publicUrl ?? new URL(c.req.url).origin}${path}` },
        202,
      );
    },
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/releases',
      summary: 'Releases: those that run first, then the ended ones, each newest first',
      tag,
      role: 'viewer',
      query: {
        application: { description: 'Only of this application', schema: { type: 'string' } },
        environment: { description: 'Only in this environment', schema: { type: 'string' } },
        phase: { description: 'Only in this phase', schema: { type: 'string', enum: [...phases] } },
        ...pageParameters,
      },
      answers: { 200: { description: 'A page', schema: 'ReleaseList' } },
      problems: [422, 503],
    }),
    async (c) => {
      const filter = checkedQuery(c.req.url, listQuery);
      return c.json(await (await temporal()).listReleases(filter));
    },
  );

  app.get(
    describe(app, {
      method: 'get',
      path: '/v1/releases/{id}',
      summary: 'One release; with partial: true where no worker answers',
      tag,
      role: 'viewer',
      answers: { 200: { description: 'The release', schema: 'ReleaseView' } },
      problems: [404, 503],
    }),
    async (c) => {
      const view = await (await temporal()).readRelease(c.req.param('id'));
      return c.json({ ...view, plan: view.plan === null ? null : shownPlan(view.plan) });
    },
  );
}

function planBody(text: string, contentType: string | undefined) {
  const body = parseBody(text, contentType ?? null);
  const isRollback = typeof body === 'object' && body !== null && 'rollbackOf' in body;
  return isRollback ? checked(body, rollbackPlanSchema) : checked(body, releaseRequestSchema);
}

function idempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (/^[\x21-\x7e]{1,200}$/.test(header)) return header;
  return throwFailure(
    failure('invalid_field', {
      what: 'The Idempotency-Key is empty, too long, or has characters beside printable ASCII.',
      remedy: 'Send 1 to 200 printable characters, e.g. a UUID.',
    }),
  );
}
