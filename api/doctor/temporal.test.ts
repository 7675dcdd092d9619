import { describe, expect, it } from 'vitest';
import { failure } from '../../domain/failures.js';
import { searchAttributeTypes } from '../../workflows/messages.js';
import { attributeChecks, namespaceCheck, pollerChecks, withoutTemporal } from './temporal.js';

describe('search attributes', () => {
  const without = (name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(searchAttributeTypes).filter(([n]) => n !== name));

  it('are one line where all is well', () => {
    expect(attributeChecks('default', searchAttributeTypes)).toMatchObject([{ state: 'ok' }]);
  });

  it('that lack come with the exact command', () => {
    expect(attributeChecks('eu', without('SluiceWeight'))).toMatchObject([
      {
        subject: 'SluiceWeight',
        remedy:
          'Run: temporal operator search-attribute create --namespace eu --name SluiceWeight --type Int',
      },
    ]);
  });

  it('of the wrong type are named with both types', () => {
    const [check] = attributeChecks('default', { ...searchAttributeTypes, SluicePhase: 'Text' });
    expect(check?.seen).toBe('It is of type Text, and has to be Keyword.');
  });
});

describe('a namespace', () => {
  it.each([
    ['registered', 1, 30, 'ok'],
    ['deprecated', 2, 30, 'problem'],
    ['that forgets within a day', 1, 0.5, 'warning'],
  ])('%s', (_, state, days, expected) => {
    expect(namespaceCheck('default', state, days).state).toBe(expected);
  });
});

describe('workers', () => {
  it.each([
    ['ask for both', { cluster: 'default', workflows: 1, activities: 2 }, 'ok'],
    [
      'ask for activities only, on the default queue',
      { cluster: 'default', workflows: 0, activities: 2 },
      'problem',
    ],
    [
      'ask for activities only, on the queue of another cluster',
      { cluster: 'eu', workflows: null, activities: 1 },
      'ok',
    ],
    ['ask for nothing', { cluster: 'eu', workflows: null, activities: 0 }, 'problem'],
  ])('%s', (_, polled, state) => expect(pollerChecks('q', [polled])).toMatchObject([{ state }]));
});

it('without Temporal one problem is told, and all else is skipped', () => {
  const checks = withoutTemporal(failure('temporal_unreachable', { why: 'x' }));
  expect(checks.map((c) => c.state)).toEqual(['problem', ...checks.slice(1).map(() => 'skipped')]);
});
