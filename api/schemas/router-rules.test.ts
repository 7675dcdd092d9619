import { describe, expect, it } from 'vitest';
import { fieldErrors } from '../fields.js';
import { applicationSchema } from './application.js';

/** Where what is wrong, and the remedy. */
function errorsOf(traffic: object, release: object, ...environments: object[]): string[] {
  const body = {
    name: 'web',
    image: 'r/web',
    traffic,
    release,
    environments: (environments.length === 0 ? [{}] : environments).map((one, i) => ({
      name: `e${i}`,
      type: 'prod',
      namespace: `shop-${i}`,
      ...one,
    })),
  };
  const result = applicationSchema.safeParse(body);
  const errors = result.success ? [] : fieldErrors(result.error.issues, applicationSchema, body);
  return errors.map(({ pointer, remedy }) => `${pointer}: ${remedy}`);
}
const include = { router: 'contour-include' };
const blueGreen = { strategy: 'blue-green' };
const remedy = 'Choose the strategy blue-green, or router contour for weights.';

describe('a router that switches all requests at once', () => {
  it.each([
    ['blue-green', blueGreen, []],
    ['blue-green, whatever steps there are', { ...blueGreen, steps: [{ weight: 50 }] }, []],
    ['rolling', { strategy: 'rolling' }, []],
    ['one step', { steps: [{ weight: 100 }] }, []],
    ['the default steps', {}, [`/environments/0/release/strategy: ${remedy}`]],
    ['a canary', { strategy: 'canary' }, [`/release/strategy: ${remedy}`]],
    ['a step between', { steps: [{ weight: 5 }, { weight: 100 }] }, [`/release/steps: ${remedy}`]],
  ])('with %s', (_, release, expected) => {
    expect(errorsOf(include, release)).toEqual(expected);
  });

  it('is told so where the environment says otherwise, and what stands at the top once', () => {
    const steps = { release: { strategy: 'gray', steps: [{ weight: 5 }] } };
    expect(errorsOf(include, blueGreen, {}, steps)).toEqual([`/environments/1/release/steps: ${remedy}`]);
    expect(errorsOf(include, { strategy: 'gray' }, {}, {})).toEqual([`/release/strategy: ${remedy}`]);
    expect(errorsOf({ router: 'contour' }, {}, {}, { traffic: include })).toEqual([
      `/environments/1/release/strategy: ${remedy}`,
    ]);
    expect(errorsOf(include, {}, { traffic: { router: 'contour' } })).toEqual([]);
  });

  it('lets nobody enter', () => {
    const tag = { enter: [{ cookie: 'beta', exact: '1' }] };
    expect(errorsOf(include, { ...blueGreen, tag })).toEqual([
      '/release/tag/enter: Remove it, or use router contour.',
    ]);
  });
});

it('only a router that shares requests lets in a portion of those that fulfil a condition', () => {
  const release = { analysis: null, tag: { enter: [{ cookie: 'beta', exact: 'always', percent: 30 }] } };
  const ingress = { router: 'ingress', controller: 'nginx' };
  const refused = 'Remove it, so that all of them enter, or use router gateway-api, contour or istio.';
  expect(errorsOf(ingress, release)).toEqual([`/release/tag/enter/0/percent: ${refused}`]);
  expect(errorsOf({ router: 'istio' }, release, {}, { traffic: ingress, release })).toEqual([
    `/environments/1/release/tag/enter/0/percent: ${refused}`,
  ]);
  const whole = { ...release, tag: { enter: [{ cookie: 'beta', exact: 'always', percent: 100 }] } };
  expect(errorsOf(ingress, whole)).toEqual([]);
  for (const router of ['gateway-api', 'contour', 'istio']) expect(errorsOf({ router }, release)).toEqual([]);
});

it('only that router has an include', () => {
  const fields = { include: 'web-proxy', routeNamespace: 'edge' };
  expect(errorsOf({ ...include, ...fields }, blueGreen)).toEqual([]);
  expect(errorsOf({ router: 'contour', ...fields }, {})).toEqual([
    '/traffic/include: Remove it, or choose the router contour-include.',
    '/traffic/routeNamespace: Remove it, or choose the router contour-include.',
  ]);
});
