import { describe, expect, it } from 'vitest';
import type { z } from '@hono/zod-openapi';
import { changed, type Path } from '../../test/fakes/application.js';
import { fieldErrors, pointerOf, type FieldError } from '../fields.js';
import { decisionSchema, releaseRequestSchema, steeringSchema } from './release.js';

function errorsOf(schema: z.ZodType, body: unknown): readonly FieldError[] {
  const result = schema.safeParse(body);
  return result.success ? [] : fieldErrors(result.error.issues, schema, body);
}

const digest = `sha256:${'0'.repeat(64)}`;
const request = {
  applications: [{ name: 'web', image: 'r.example:5000/shop/web:v1.2' }],
  environment: 'prod',
  strategy: 'gray',
  lane: 'gray',
  reason: 'because',
  hotfix: true,
  override: true,
};
const missing = undefined;
const image: Path = ['applications', 0, 'image'];

type Row = readonly [sentence: string, path: Path, value: unknown, says: Partial<FieldError>];

describe('releaseRequestSchema', () => {
  it('takes every field', () => {
    expect(releaseRequestSchema.parse(request)).toEqual(request);
  });

  it('fills in what was left out, so that a request has one form', () => {
    const { applications } = request;
    expect(releaseRequestSchema.parse({ applications })).toEqual({
      applications,
      environment: null,
      strategy: null,
      lane: null,
      reason: '',
    });
  });

  it.each(['web:v1', 'web:1', `web@${digest}`, `r/web:v1@${digest}`, 'r.example:5000/a/b_c-d.e:V_1.2-x'])(
    'takes the image %s',
    (value) => {
      expect(errorsOf(releaseRequestSchema, changed(request, image, value))).toEqual([]);
    },
  );

  const rows: readonly Row[] = [
    ['a hotfix that is neither', ['hotfix'], 'yes', { found: '"yes"', expected: 'true or false' }],
    ['an override without a reason', ['reason'], ' ', { expected: 'a reason' }],
    ['an override that says no reason at all', ['reason'], missing, { expected: 'a reason' }],
    ['an override in words', ['override'], 'yes', { expected: 'true or false' }],
    ['no applications', ['applications'], missing, { found: 'nothing', expected: 'a list' }],
    ['an empty list', ['applications'], [], { expected: 'at least one application' }],
    [
      'an application twice',
      ['applications', 1],
      { name: 'web', image: 'b:v1' },
      { pointer: '/applications/1/name' },
    ],
    ['an application that is a name', ['applications', 0], 'web@v1', { expected: 'an object' }],
    ['no name', ['applications', 0, 'name'], missing, { found: 'nothing' }],
    ['a name with capitals', ['applications', 0, 'name'], 'Web', { found: '"Web"' }],
    ['no image', image, missing, { found: 'nothing' }],
    ['an image without a version', image, 'r.example:5000/web', { found: '"r.example:5000/web"' }],
    ['a short digest', image, 'web@sha256:abc', { found: '"web@sha256:abc"' }],
    ['a tag that cannot be', image, 'web:-v', {}],
    ['an image as a number', image, 1, { expected: 'text' }],
    ['an unknown key in an application', ['applications', 0, 'imgae'], 'x', { nearest: 'image' }],
    ['an environment that is no label', ['environment'], 'Prod!', {}],
    ['an environment as a list', ['environment'], ['prod'], { expected: 'text' }],
    ['an unknown strategy', ['strategy'], 'cannary', { nearest: 'canary' }],
    ['a lane that is no label', ['lane'], 'a b', {}],
    ['a reason that is a number', ['reason'], 1, { found: '1' }],
    ['a reason that is a book', ['reason'], 'x'.repeat(1_001), { expected: 'at most 1000 characters' }],
    ['an initiator, who is known by the token', ['initiator'], 'mallory', { remedy: 'Remove "initiator".' }],
    ['an unknown key', ['enviroment'], 'prod', { nearest: 'environment' }],
  ];
  it.each(rows)('refuses %s', (_, path, value, says) => {
    const errors = errorsOf(releaseRequestSchema, changed(request, path, value));
    expect(errors).toMatchObject([{ pointer: pointerOf(path), ...says }]);
  });
});

describe('decisionSchema', () => {
  const decision = { decision: 'reject', reason: 'slow', planHash: 'abc' };

  it('takes an approval without a reason', () => {
    const parsed = decisionSchema.parse({ decision: 'approve', planHash: 'abc' });
    expect(parsed).toEqual({ decision: 'approve', reason: '', planHash: 'abc' });
  });

  const rows: readonly Row[] = [
    ['no decision', ['decision'], missing, { found: 'nothing' }],
    ['an unknown decision', ['decision'], 'aprove', { nearest: 'approve' }],
    ['a rejection without a reason', ['reason'], missing, { found: 'nothing' }],
    ['a rejection with an empty reason', ['reason'], ' ', { found: '" "' }],
    ['a reason that is a number', ['reason'], 5, { found: '5', expected: 'text' }],
    ['no plan hash', ['planHash'], missing, { found: 'nothing' }],
    ['an empty plan hash', ['planHash'], '', { found: '""' }],
    ['somebody else who decides', ['by'], { name: 'bob', roles: ['approver'] }, {}],
    ['an unknown key', ['planhash'], 'x', { nearest: 'planHash' }],
  ];
  it.each(rows)('refuses %s', (_, path, value, says) => {
    const errors = errorsOf(decisionSchema, changed(decision, path, value));
    expect(errors).toMatchObject([{ pointer: pointerOf(path), ...says }]);
  });
});

describe('steeringSchema', () => {
  it('needs nothing', () => {
    expect(steeringSchema.parse({})).toEqual({ reason: '' });
  });

  it.each<Row>([
    ['a reason that is a list', ['reason'], [], { found: '[]' }],
    ['an unknown key', ['reson'], 'x', { nearest: 'reason' }],
  ])('refuses %s', (_, path, value, says) => {
    const errors = errorsOf(steeringSchema, changed({}, path, value));
    expect(errors).toMatchObject([{ pointer: pointerOf(path), ...says }]);
  });
});
