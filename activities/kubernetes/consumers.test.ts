import { describe, expect, it } from 'vitest';
import type { GrayVariable } from '../../domain/consumers.js';
import { exampleTarget } from '../../test/fakes/target.js';
import { consumerProblems, variablesOf, withVariables, type Variable } from './consumers.js';

const group = (value = '{{stable}}-gray', more: Partial<GrayVariable> = {}): GrayVariable => ({
  consumer: 'orders',
  env: 'GROUP',
  value,
  isApart: true,
  ...more,
});
const orders: Variable = { name: 'GROUP', value: 'orders' };

describe('variables of gray', () => {
  it.each<[string, Variable[], GrayVariable[], Variable[]]>([
    [
      'take the place of those of stable',
      [orders, { name: 'B', value: '$(GROUP)' }],
      [group()],
      [
        { name: 'GROUP', value: 'orders-gray' },
        { name: 'B', value: '$(GROUP)' },
      ],
    ],
    [
      'that stable has not come last',
      [{ name: 'A' }],
      [group('own')],
      [{ name: 'A' }, { name: 'GROUP', value: 'own' }],
    ],
    [
      'replace a reference',
      [{ name: 'GROUP', valueFrom: {} }],
      [group('own')],
      [{ name: 'GROUP', value: 'own' }],
    ],
    ['are none where none are given', [orders], [], [orders]],
  ])('%s', (_, stable, given, env) => {
    expect(withVariables(stable, given)).toEqual(env);
  });

  it('are those of the container, which may have none', () => {
    expect(variablesOf({ name: 'app' })).toEqual([]);
    expect(variablesOf({ name: 'app', env: [orders] })).toEqual([orders]);
  });
});

describe('gray is not kept apart', () => {
  const problems = (env: readonly Variable[], given: GrayVariable) =>
    consumerProblems({ name: 'app', env }, { ...exampleTarget(), grayVariables: [given] }).map(
      (p) => p.message,
    );

  it.each<[string, readonly Variable[], GrayVariable]>([
    ['where stable has no such variable', [], group()],
    ['where stable has it from somewhere else', [{ name: 'GROUP', valueFrom: {} }], group()],
    ['where stable makes it of others', [{ name: 'GROUP', value: '$(A)' }], group()],
  ])('by what stable has, %s', (_, env, given) => {
    expect(problems(env, given)).toEqual([
      'Gray of "web" would not be kept apart from stable: variable GROUP of consumer "orders": its value needs {{stable}}, but stable has no literal value there.',
    ]);
  });

  it('by the value of stable', () => {
    expect(problems([orders], group('orders'))).toEqual([
      expect.stringContaining('it is "orders" as that of stable.'),
    ]);
    expect(problems([{ name: 'GROUP', value: 'old' }, orders], group('orders'))).toHaveLength(1);
  });

  it('is not said of a filter, nor of a value of its own', () => {
    expect(problems([orders], group('orders', { isApart: false }))).toEqual([]);
    expect(problems([], group('own'))).toEqual([]);
    expect(problems([orders], group())).toEqual([]);
  });
});
