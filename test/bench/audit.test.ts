import { describe, expect, it } from 'vitest';
import { countRequests } from './audit.js';

const event = (change: object): string =>
  JSON.stringify({
    verb: 'get',
    userAgent: 'sluice',
    requestURI: '/apis/apps/v1/namespaces/a/deployments/web?x=1',
    requestReceivedTimestamp: '2026-01-01T00:00:10.000Z',
    objectRef: { resource: 'deployments' },
    ...change,
  });
const begin = Date.parse('2026-01-01T00:00:00Z');

describe('countRequests', () => {
  it.each([
    ['a request of the agent counts', [event({})], { 'get deployments': 1 }],
    ['one of another agent does not', [event({ userAgent: 'kwok' })], {}],
    ['one without an agent does not, even if it names one', [event({ userAgent: '', verb: 'sluice' })], {}],
    ['the agent may have more to its name', [event({ userAgent: 'sluice/0.1.0' })], { 'get deployments': 1 }],
    ['one from before does not', [event({ requestReceivedTimestamp: '2025-12-31T23:59:59Z' })], {}],
    ['one from after does not', [event({ requestReceivedTimestamp: '2026-01-01T00:01:01Z' })], {}],
    [
      'a subresource is one of its own',
      [event({ objectRef: { resource: 'pods', subresource: 'log' } })],
      { 'get pods/log': 1 },
    ],
    [
      'without an object its path is told',
      [event({ objectRef: undefined })],
      {
        'get /apis/apps/v1/namespaces/a/deployments/web': 1,
      },
    ],
    [
      'both lines of a watch count',
      [
        event({ verb: 'watch', stage: 'ResponseStarted' }),
        event({ verb: 'watch', stage: 'ResponseComplete' }),
      ],
      { 'watch deployments': 2 },
    ],
    ['a half-written line is left out', [event({}), event({}).slice(0, 40)], { 'get deployments': 1 }],
  ])('%s', (_, lines, by) => {
    const counted = countRequests(lines, 'sluice', begin, begin + 60_000);
    expect(counted.by).toEqual(by);
    expect(counted.total).toBe(Object.values(by).reduce((sum: number, n) => sum + (n ?? 0), 0));
  });

  it('tells the most frequent first', () => {
    const lines = [event({}), event({ verb: 'list' }), event({ verb: 'list' })];
    expect(Object.keys(countRequests(lines, 'sluice', begin).by)).toEqual([
      'list deployments',
      'get deployments',
    ]);
  });
});
