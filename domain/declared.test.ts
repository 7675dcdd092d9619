import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../test/fakes/target.js';
import type { Application } from './application.js';
import { declaredDeployments, shownPlan } from './declared.js';
import type { Plan } from './plan.js';

const manifest = { kind: 'Deployment', env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] };
const masked = { kind: 'Deployment', env: [{ name: 'DB_PASSWORD', value: '***' }] };

function planOf(...targets: readonly object[]): Plan {
  const stage = {
    environment: 'prod',
    strategy: 'gray',
    steps: [],
    queue: 'wait',
    queueDeadlineMs: 1,
    rollbackDeadlineMs: 1,
  } as const;
  const whole = targets.map((target) => ({ ...exampleTarget(), ...target }));
  return { stages: [{ ...stage, targets: whole }], warnings: [], hash: 'h' };
}

describe('declared Deployments', () => {
  const application = (name: string, given: Partial<Application>): Application => ({
    name,
    image: 'r',
    environments: [{ name: 'prod', type: 'prod', namespace: 'shop' }],
    ...given,
  });

  it('are those of the plan, secrets masked', () => {
    const plan = planOf({ application: 'web' }, { application: 'cart' }, { application: 'gone' });
    const applications = [
      application('web', { workload: { manifest } }),
      application('cart', {}),
      application('other', { workload: { manifest } }),
    ];
    expect(declaredDeployments(plan, applications)).toEqual([
      { application: 'web', environment: 'prod', manifest: masked },
    ]);
  });

  it('are of the environment where it has one of its own', () => {
    const own = { ...manifest, env: [] };
    const environments = [
      { name: 'prod', type: 'prod', namespace: 'shop', workload: { manifest: own } },
    ] as const;
    const applications = [application('web', { workload: { manifest }, environments })];
    expect(declaredDeployments(planOf({}), applications)[0]?.manifest).toEqual(own);
  });
});

it('a plan is shown with the secrets of its manifests masked, and with its hash', () => {
  const plan = planOf({ manifest }, {});
  const shown = shownPlan(plan);
  expect(shown.stages[0]!.targets.map((t) => t.manifest)).toEqual([masked, null]);
  expect(shown).toMatchObject({ hash: 'h', stages: [{ environment: 'prod' }] });
  expect(plan.stages[0]!.targets[0]!.manifest).toBe(manifest);
});
