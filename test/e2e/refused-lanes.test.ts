/** Releases of several applications that make no sense: each is refused with the place and the remedy, and changes nothing. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Application } from '../../domain/application.js';
import { quick, World } from '../rig/world.js';

describe('a release of several applications', () => {
  let one: World;
  let other: World;
  beforeAll(async () => {
    one = await World.create(inject('stack'), { name: 'one' });
    other = await World.create(inject('stack'), { name: 'other', beside: one });
  });
  afterAll(async () => {
    await other.close();
    await one.close();
  });

  const declare = (world: World, change: Partial<Application>) =>
    world.declare({ ...world.application(quick), ...change });
  const both = () => [one, other].map(({ applicationName: name }) => ({ name, image: 'v2' }));
  const ask = async (applications: readonly object[] = both(), body: object = {}) => {
    const { status, body: problem } = await one.request('v2', { applications, ...body });
    return { status, code: problem['code'], detail: String(problem['detail']) };
  };

  it('in a circle is refused with the circle', async () => {
    await declare(one, { dependsOn: [other.applicationName] });
    await declare(other, { dependsOn: [one.applicationName] });
    const names = [one, other, one].map((w) => w.applicationName).join(' -> ');
    expect(await ask()).toEqual({
      status: 422,
      code: 'call_cycle',
      detail: `The applications depend on each other in a circle: ${names}.`,
    });
  });

  it('that calls one that nobody declared is refused with its name', async () => {
    await declare(one, { dependsOn: ['nobody'] });
    await declare(other, {});
    const { status, code, detail } = await ask();
    expect([status, code]).toEqual([422, 'call_unknown']);
    expect(detail).toContain(`"${one.applicationName}" depends on "nobody"`);
  });

  it('with different lanes is refused with both, and goes with one lane for all', async () => {
    await declare(one, {});
    await declare(other, { release: { ...quick, lane: 'blue' } });
    const { status, code, detail } = await ask();
    expect([status, code]).toEqual([422, 'release_refused']);
    expect(detail).toContain('gray (x-lane: gray)');
    expect(detail).toContain('blue (x-lane: blue)');
    const plan = await one.call('POST', '/v1/plans', { applications: both(), lane: 'green' });
    expect(plan.status).toBe(200);
  });

  it('that names one twice, or one that nobody declared, is refused with the place', async () => {
    const [first] = both();
    expect(await ask([first!, first!])).toMatchObject({ status: 422, code: 'invalid_body' });
    expect(await ask([first!, { name: 'nobody', image: 'v2' }])).toMatchObject({
      status: 404,
      code: 'application_unknown',
    });
  });
});
