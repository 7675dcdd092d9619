import { describe, expect, it } from 'vitest';
import { autoscalerWarnings, scalesDeployment } from './autoscalers.js';
import type { KubeObject } from './objects.js';

const autoscaler = (kind: string, name: string, minReplicas?: number): KubeObject => ({
  metadata: { name: 'load' },
  spec: { scaleTargetRef: { kind, name }, ...(minReplicas === undefined ? {} : { minReplicas }) },
});

describe('an autoscaler', () => {
  it.each<[string, KubeObject, boolean]>([
    ['scales the Deployment that it names', autoscaler('Deployment', 'web'), true],
    ['does not scale its gray track, whose name is another', autoscaler('Deployment', 'web-gray'), false],
    ['does not scale what is of another kind', autoscaler('StatefulSet', 'web'), false],
    ['without a target scales nothing', { metadata: { name: 'load' } }, false],
  ])('%s', (_, one, expected) => {
    expect(scalesDeployment(one, 'web')).toBe(expected);
  });

  it('of stable is warned of, with what it may leave of stable', () => {
    expect(autoscalerWarnings([autoscaler('Deployment', 'web')], 'web', 4)).toEqual([
      expect.stringMatching(/"load" scales web: .*may leave stable 1 of 4 pods/),
    ]);
  });

  it('that keeps stable as large as it is, is only told of', () => {
    const [warning] = autoscalerWarnings([autoscaler('Deployment', 'web', 4)], 'web', 4);
    expect(warning).toMatch(/scales web/);
    expect(warning).not.toMatch(/may leave/);
  });

  it('of something else is not', () => {
    expect(autoscalerWarnings([autoscaler('Deployment', 'db')], 'web', 4)).toEqual([]);
  });
});
