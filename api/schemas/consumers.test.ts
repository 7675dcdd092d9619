import { describe, expect, it } from 'vitest';
import { fieldErrors } from '../fields.js';
import { applicationSchema } from './application.js';

const group = { env: 'GROUP' };
const filter = { env: 'FILTER' };

function problems(consumers: unknown): string[] {
  const environments = [{ name: 'prod', type: 'prod', namespace: 'shop' }];
  const body = { name: 'web', image: 'r.example/web', consumers, environments };
  const result = applicationSchema.safeParse(body);
  if (result.success) return [];
  return fieldErrors(result.error.issues, applicationSchema, body).map(
    ({ pointer, message, remedy }) => `${pointer} ${message} ${remedy}`,
  );
}

describe('consumers', () => {
  it.each<[string, unknown]>([
    ['none', 'none'],
    ['a group with a filter', [{ name: 'orders', group, filter }]],
    ['a topic', [{ name: 'orders', topic: { env: 'TOPIC', value: 'orders-{{lane}}' } }]],
    ['a name with dots, as Spring has them', [{ name: 'a', topic: { env: 'spring.kafka.topic' } }]],
    [
      'two that share a group',
      [
        { name: 'a', group, filter },
        { name: 'b', group, filter },
      ],
    ],
  ])('can be %s', (_, given) => {
    expect(problems(given)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['another word', 'nothing', '/consumers consumers is "nothing", expected none, or a list of consumers.'],
    ['an empty list', [], 'expected at least one consumer, or none.'],
    [
      'one that nothing keeps apart',
      [{ name: 'a', filter }],
      '/consumers/0 Nothing keeps this consumer apart.',
    ],
    [
      'a group that takes all',
      [{ name: 'a', group }],
      '/consumers/0 A group of its own without a filter gets every',
    ],
    [
      'a key that is not',
      [{ name: 'a', group, filtre: filter }],
      '/consumers/0/filtre There is no key "filtre" here. Did you mean filter?',
    ],
    [
      'two of a name',
      [
        { name: 'a', group, filter },
        { name: 'a', group, filter },
      ],
      '/consumers/1/name There are two of consumer "a".',
    ],
    [
      'a word that nobody knows',
      [{ name: 'a', topic: { env: 'T', value: '{{group}}-gray' } }],
      '/consumers/0/topic/value There is no variable {{group}}.',
    ],
    [
      'a variable with two values',
      [{ name: 'a', group, filter: group }],
      '/consumers/0/filter/env Variable GROUP is given two different values.',
    ],
    ['a name that no variable has', [{ name: 'a', topic: { env: 'A B' } }], '/consumers/0/topic/env'],
  ])('cannot be %s', (_, given, said) => {
    expect(problems(given).join('\n')).toContain(said);
  });
});
