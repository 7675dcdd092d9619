import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../../test/fakes/target.js';
import { batchDeployment, batchObstacles, replicasBehind } from './batch.js';
import { podLabels, type Deployment } from './objects.js';
import { rolloutState } from './rollout.js';
import { matchesSelector } from './selectors.js';

const target = { ...exampleTarget(), route: null, gray: 'web-batch', lane: 'batch', batches: [1, 4] };
const stable: Deployment = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web', 'app.kubernetes.io/instance': 'argo' },
    annotations: { 'deployment.kubernetes.io/revision': '7', team: 'shop' },
  },
  spec: {
    replicas: 4,
    paused: true,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web', tier: 'front' } },
      spec: {
        containers: [
          { name: 'web', image: 'r/web:v1' },
          { name: 'log', image: 'r/log:v1' },
        ],
      },
    },
  },
};
const made = batchDeployment(stable, { target, release: 'r1', replicas: 1 });

describe('the Deployment of batches', () => {
  it('has pods that every Service of stable selects, and of the containers only the released one is another', () => {
    expect(podLabels(made)).toMatchObject({ app: 'web', tier: 'front' });
    expect(made.spec.template.spec?.containers).toEqual([
      { name: 'web', image: target.image.reference },
      { name: 'log', image: 'r/log:v1' },
    ]);
  });

  it('selects its own pods, and none of stable or of another release', () => {
    const other = batchDeployment(stable, { target, release: 'r2', replicas: 1 });
    const matched = [made, stable, other].map((d) => matchesSelector(made.spec.selector, podLabels(d)));
    expect(matched).toEqual([true, false, false]);
  });

  it("is not paused, is nobody else's by a label, and remembers what stable had", () => {
    expect(made.spec).not.toHaveProperty('paused');
    expect(made.metadata).toMatchObject({
      name: 'web-batch',
      labels: { app: 'web', 'app.kubernetes.io/instance': 'argo-batch', 'sluice.dev/release': 'r1' },
      annotations: { team: 'shop', 'sluice.dev/replicas': '4' },
    });
    expect(made.metadata.annotations).not.toHaveProperty(['deployment.kubernetes.io/revision']);
  });

  it('tells how many replicas stable had where a release was ended from outside', () => {
    expect(replicasBehind(3, made, 'web')).toBe(4);
    expect(replicasBehind(6, made, 'web')).toBe(6);
    expect(replicasBehind(3, made, 'other')).toBe(3);
    expect(replicasBehind(3, null, 'web')).toBe(3);
  });
});

describe('what stands in the way', () => {
  const place = { application: 'web', deployment: 'web', namespace: 'shop' };
  const autoscaler = (kind: string, name: string) => ({
    metadata: { name: `hpa-${name}` },
    spec: { scaleTargetRef: { kind, name } },
  });

  it.each([
    ['nothing', null, [], []],
    ['an autoscaler of the Deployment', null, [autoscaler('Deployment', 'web')], ['batches_autoscaled']],
    ['not one of another kind', null, [autoscaler('StatefulSet', 'web')], []],
    ['not one of another name', null, [autoscaler('Deployment', 'web-batch')], []],
    ['somebody else has the name', { metadata: { name: 'web-batch' } }, [], ['gray_name_taken']],
    ['what an earlier release left does not', made, [], []],
  ])('%s', (_, found, autoscalers, codes) => {
    expect(batchObstacles(place, found, autoscalers).map((p) => p.code)).toEqual(codes);
  });
});

describe('a Deployment that is made smaller', () => {
  const seen = (replicas: number, left: number, observedGeneration = 2) => ({
    deployment: {
      ...stable,
      metadata: { ...stable.metadata, generation: 2 },
      spec: { ...stable.spec, replicas },
      status: { replicas: left, updatedReplicas: left, availableReplicas: left, observedGeneration },
    },
    pods: [],
    deleted: false,
    problem: null,
    completeSince: null,
  });
  const expected = { container: 'web', image: 'r/web:v1', generation: 2, replicas: 3, shrinks: true };

  it.each([
    ['has as few pods as it should', seen(3, 3), 'available'],
    ['has more', seen(3, 4), 'waiting'],
    ['was not looked at by its controller yet', seen(3, 3, 1), 'waiting'],
    ['was scaled by somebody else meanwhile', seen(4, 4), 'failed'],
  ])('%s', (_, state, kind) => {
    expect(rolloutState(state, expected, 0)).toMatchObject({ kind });
  });
});
