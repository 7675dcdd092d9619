import { describe, expect, it } from 'vitest';
import type { Deployment, Pod } from './objects.js';
import { isSettled, mayRunDry, podFindings, rolloutState, type Expected, type Seen } from './rollout.js';

const digest = `sha256:${'a'.repeat(64)}`;
const image = `registry.example/web@${digest}`;
const expected: Expected = { container: 'app', image, generation: 2, replicas: null };
const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const deployment = (status: object = done, spec: object = {}, of = image): Deployment => ({
  metadata: { name: 'web', generation: 2 },
  spec: { replicas: 2, template: { spec: { containers: [{ name: 'app', image: of }] } }, ...spec },
  status,
});
const pod = (name: string, change: { image?: string; ready?: boolean; status?: object } = {}): Pod => ({
  metadata: { name },
  spec: { nodeName: 'node-0', containers: [{ name: 'app', image: change.image ?? image }] },
  status: {
    conditions: [{ type: 'Ready', status: change.ready === false ? 'False' : 'True' }],
    ...change.status,
  },
});
const seen = (change: Partial<Seen> = {}): Seen => ({
  deployment: deployment(),
  pods: [pod('a'), pod('b')],
  deleted: false,
  problem: null,
  completeSince: null,
  ...change,
});
const unschedulable = pod('c', {
  ready: false,
  status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] },
});
const unpulled = pod('c', {
  ready: false,
  status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }] },
});
const partly = deployment({ ...done, availableReplicas: 1 });

describe('a rollout', () => {
  it.each<[string, Seen, Partial<Expected>, 'available' | 'waiting' | 'failed']>([
    ['is done when all is of the latest version and available', seen(), {}, 'available'],
    ['waits until the pods are seen as well', seen({ pods: [pod('a')] }), {}, 'waiting'],
    ['but not for long', seen({ pods: [pod('a')], completeSince: 9_400 }), {}, 'available'],
    ['waits until the Deployment is seen', seen({ deployment: null }), {}, 'waiting'],
    ['waits for the generation that was written', seen(), { generation: 3 }, 'waiting'],
    [
      'waits until the controller has seen it',
      seen({ deployment: deployment({ ...done, observedGeneration: 1 }) }),
      {},
      'waiting',
    ],
    ['waits for what is available', seen({ deployment: partly }), {}, 'waiting'],
    ['waits for as many as are asked for', seen(), { replicas: 3 }, 'waiting'],
    [
      'waits until the version before is gone',
      seen({ deployment: deployment({ ...done, replicas: 3 }) }),
      {},
      'waiting',
    ],
    [
      'is done at once where nothing is wanted',
      seen({ deployment: deployment({ observedGeneration: 2 }, { replicas: 0 }), pods: [] }),
      {},
      'available',
    ],
    ['fails when it was deleted', seen({ deleted: true }), {}, 'failed'],
    [
      'fails when it has another image',
      seen({ deployment: deployment(done, {}, 'registry.example/web:other') }),
      {},
      'failed',
    ],
    [
      'knows its image at a mirror by the digest',
      seen({ deployment: deployment(done, {}, `mirror.example/web@${digest}`) }),
      {},
      'available',
    ],
    [
      'waits with a problem that may pass',
      seen({ deployment: partly, pods: [unschedulable] }),
      {},
      'waiting',
    ],
    [
      'fails when it did not',
      seen({
        deployment: partly,
        pods: [unpulled],
        problem: { reason: 'ErrImagePull', since: -5_000 },
      }),
      {},
      'failed',
    ],
    [
      'waits for a node as long as the release does',
      seen({
        deployment: partly,
        pods: [unschedulable],
        problem: { reason: 'Unschedulable', since: -500_000 },
      }),
      {},
      'waiting',
    ],
    [
      'starts the grace anew for another problem',
      seen({
        deployment: partly,
        pods: [unpulled],
        problem: { reason: 'RegistryUnavailable', since: -5_000 },
      }),
      {},
      'waiting',
    ],
    [
      'does not look at pods of the version before',
      seen({
        deployment: partly,
        pods: [
          pod('old', {
            image: 'registry.example/web:v1',
            ready: false,
            status: {
              containerStatuses: [{ name: 'app', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
            },
          }),
        ],
      }),
      {},
      'waiting',
    ],
  ])('%s', (_, state, change, kind) => {
    expect(rolloutState(state, { ...expected, ...change }, 10_000).kind).toBe(kind);
  });
});

describe('whether a rollout is under way', () => {
  const progress = (reason: string) => [{ type: 'Progressing', status: 'True', reason }];
  it.each<[string, Deployment, boolean]>([
    ['no: all are available', deployment(), true],
    [
      'no: it was done, and pods fail since',
      deployment({ ...done, availableReplicas: 0, conditions: progress('NewReplicaSetAvailable') }),
      true,
    ],
    ['yes: the controller has not seen it', deployment({ ...done, observedGeneration: 1 }), false],
    [
      'yes: old pods are left',
      deployment({ ...done, replicas: 3, conditions: progress('NewReplicaSetAvailable') }),
      false,
    ],
    [
      'yes: the new ones have never been available',
      deployment({ ...done, availableReplicas: 0, conditions: progress('ReplicaSetUpdated') }),
      false,
    ],
  ])('%s', (_, of, expected) => {
    expect(isSettled(of)).toBe(expected);
  });
});

describe('the evidence of pods', () => {
  it('has the digest that the pod reports, else the one that it was given', () => {
    const reported = `sha256:${'b'.repeat(64)}`;
    const status = { containerStatuses: [{ name: 'app', imageID: `r@${reported}`, restartCount: 1 }] };
    expect(podFindings([pod('a'), pod('b', { status })], 'app')).toEqual([
      { pod: 'a', node: 'node-0', ready: true, restarts: 0, image, digest },
      { pod: 'b', node: 'node-0', ready: true, restarts: 1, image, digest: reported },
    ]);
  });
});

describe('whether a rollout may leave no pod', () => {
  const rolling = (maxUnavailable?: number | string, replicas = 2): object => ({
    replicas,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable } },
  });
  it.each<[string, object, boolean]>([
    ['where all go first', { strategy: { type: 'Recreate' } }, true],
    ['not by default', {}, false],
    ['not where one of two goes', rolling(1), false],
    ['where both of two go', rolling(2), true],
    ['where the only one goes', rolling(1, 1), true],
    ['not where a part of the only one would, which is rounded down', rolling('99%', 1), false],
    ['where all go by percent', rolling('100%'), true],
    [
      'where the only one goes, as no other may come beside it',
      {
        replicas: 1,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 0 } },
      },
      true,
    ],
  ])('%s', (_, spec, expected) => {
    expect(mayRunDry(deployment(done, spec))).toBe(expected);
  });
});
