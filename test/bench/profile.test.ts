import { expect, it } from 'vitest';
import { hottest, type CpuProfile } from './profile.js';

const node = (id: number, functionName: string, url = '', lineNumber = 0): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

it('adds up the samples of each function, most first, without idling', () => {
  const profile = {
    nodes: [
      node(1, '(idle)'),
      node(2, 'act', 'file:///x/dist/worker/worker.js', 9),
      node(3, '', 'file:///x/node_modules/a/b.js'),
      node(4, '(garbage collector)'),
      node(5, 'act', 'file:///x/dist/worker/worker.js', 9),
    ],
    samples: [1, 2, 3, 5, 4],
    timeDeltas: [9_000_000, 1_000_000, 500_000, 1_500_000, 250_000],
  };
  expect(hottest(profile)).toEqual([
    { where: 'act worker/worker.js:10', seconds: 2.5 },
    { where: '(anonymous) a/b.js:1', seconds: 0.5 },
    { where: '(garbage collector)', seconds: 0.25 },
  ]);
  expect(hottest(profile, 1)).toHaveLength(1);
});
