import { describe, expect, it } from 'vitest';
import type { ContainerStatus, Deployment, Pod } from './objects.js';
import { diagnose, progressText } from './pods.js';

const deployment = (change: { spec?: object; status?: object; generation?: number } = {}): Deployment => ({
  metadata: { name: 'web-gray', generation: change.generation ?? 1 },
  spec: { replicas: 2, template: {}, ...change.spec },
  status: { observedGeneration: change.generation ?? 1, replicas: 2, updatedReplicas: 2, ...change.status },
});
const pod = (status: object, metadata: object = {}): Pod => ({
  metadata: { name: 'p1', ...metadata },
  status,
});
const container = (status: Partial<ContainerStatus>, init = false): Pod =>
  pod({ [init ? 'initContainerStatuses' : 'containerStatuses']: [{ name: 'app', ready: false, ...status }] });
const waiting = (reason: string, message?: string): Pod =>
  container({ state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } });
const replicaFailure = (message: string) => [
  { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message },
];

const fields = ({ reason, graceMs }: { reason: string; graceMs: number }) => ({ reason, graceMs });

describe('what keeps a pod from becoming ready', () => {
  it.each<[string, Pod, { reason: string; graceMs: number; says?: string; log?: boolean } | null]>([
    ['nothing, while it is created', waiting('ContainerCreating'), null],
    ['nothing, while it is pending', pod({ phase: 'Pending' }), null],
    [
      'nothing that is going away counts',
      { ...waiting('CrashLoopBackOff'), metadata: { name: 'p', deletionTimestamp: 't' } },
      null,
    ],
    ['nothing of a pod that was evicted counts', pod({ phase: 'Failed', reason: 'Evicted' }), null],
    [
      'a crash loop, with the last words that the container left',
      container({
        restartCount: 1,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 3, reason: 'Error', message: 'no database\n' } },
      }),
      {
        reason: 'CrashLoopBackOff',
        graceMs: 0,
        says: 'exit code 3; its last words: no database',
        log: false,
      },
    ],
    [
      'a crash loop without a message, whose log is to be read',
      container({
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1 } },
      }),
      { reason: 'CrashLoopBackOff', graceMs: 0, says: 'exit code 1', log: true },
    ],
    [
      'out of memory, by its name',
      container({
        restartCount: 2,
        state: { running: {} },
        lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      }),
      { reason: 'CrashLoopBackOff', graceMs: 0, says: 'OOMKilled, exit code 137' },
    ],
    [
      'a second end, before the kubelet calls it a loop',
      container({ restartCount: 1, state: { terminated: { exitCode: 2 } } }),
      { reason: 'CrashLoopBackOff', graceMs: 0, says: 'exit code 2' },
    ],
    ['not yet the first end', container({ restartCount: 0, state: { terminated: { exitCode: 2 } } }), null],
    [
      'not the restarts of long ago, when it is ready',
      container({ ready: true, restartCount: 7, lastState: { terminated: { exitCode: 1 } } }),
      null,
    ],
    [
      'not an init container that has done its work after one retry',
      container({ ready: false, restartCount: 1, state: { terminated: { exitCode: 0 } } }, true),
      null,
    ],
    [
      'an init container that fails again',
      container({ restartCount: 1, state: { terminated: { exitCode: 1 } } }, true),
      { reason: 'CrashLoopBackOff', graceMs: 0 },
    ],
    [
      'an image that cannot be pulled',
      waiting('ImagePullBackOff', 'Back-off pulling image "x"'),
      { reason: 'ImagePullBackOff', graceMs: 0, says: 'Back-off' },
    ],
    [
      'the first failing pull may pass',
      waiting('ErrImagePull', 'not found'),
      { reason: 'ErrImagePull', graceMs: 15_000 },
    ],
    [
      'an image name that is none',
      waiting('InvalidImageName', 'bad'),
      { reason: 'InvalidImageName', graceMs: 0 },
    ],
    [
      'a missing Secret',
      waiting('CreateContainerConfigError', 'secret "db" not found'),
      { reason: 'CreateContainerConfigError', graceMs: 0, says: 'secret "db" not found' },
    ],
    [
      'a key that a Secret does not have, by its name',
      waiting('CreateContainerConfigError', "couldn't find key password in Secret shop/db"),
      { reason: 'CreateContainerConfigError', graceMs: 0, says: 'find key password in Secret shop/db' },
    ],
    [
      'a kubelet that is still fetching configuration may pass',
      waiting(
        'CreateContainerConfigError',
        'failed to sync configmap cache: timed out waiting for the condition',
      ),
      { reason: 'CreateContainerConfigError', graceMs: 15_000 },
    ],
    [
      'no node has room; one may come',
      pod({
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/3 nodes are available',
          },
        ],
      }),
      { reason: 'Unschedulable', graceMs: Infinity, says: '0/3 nodes' },
    ],
    [
      'a scheduling gate is waited for',
      pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      null,
    ],
  ])('%s', (_, seen, expected) => {
    const problem = diagnose([seen], deployment());
    expect(problem && fields(problem)).toEqual(expected && fields(expected));
    expect(problem?.why ?? '').toContain(expected?.says ?? '');
    expect(problem?.log !== undefined).toBe(expected?.log ?? problem?.log !== undefined);
  });

  it('does not repeat secrets that a container printed', () => {
    const seen = container({
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: {
        terminated: { message: 'cannot log in: DB_PASSWORD=hunter2 at postgres://app:hunter2@db/x' },
      },
    });
    const why = diagnose([seen], deployment())?.why ?? '';
    expect(why).toContain('postgres://***@db/x');
    expect(why).not.toContain('hunter2');
  });
});

describe('what keeps a Deployment from becoming available', () => {
  const timedOut = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  const quota = 'pods "x" is forbidden: exceeded quota: q';
  it.each<[string, Deployment, { reason: string; graceMs: number } | null]>([
    ['nothing', deployment(), null],
    ['a pause', deployment({ spec: { paused: true } }), { reason: 'Paused', graceMs: 0 }],
    [
      'a quota',
      deployment({ status: { conditions: replicaFailure(quota) } }),
      { reason: 'FailedCreate', graceMs: 0 },
    ],
    [
      'a quota that the pods of the version before still fill may pass',
      deployment({ status: { replicas: 4, conditions: replicaFailure(quota) } }),
      { reason: 'FailedCreate', graceMs: 15_000 },
    ],
    [
      'a quota that another writer was just counting may pass',
      deployment({
        status: {
          conditions: replicaFailure(
            'Operation cannot be fulfilled on resourcequotas "q": the object has been modified',
          ),
        },
      }),
      { reason: 'FailedCreate', graceMs: Infinity },
    ],
    [
      'an etcd that was away for a moment is back in the next',
      deployment({
        status: {
          conditions: replicaFailure('rpc error: code = Unavailable desc = error reading from server: EOF'),
        },
      }),
      { reason: 'FailedCreate', graceMs: Infinity },
    ],
    [
      'a webhook that does not answer may come back',
      deployment({
        status: {
          replicas: 2,
          conditions: replicaFailure('Internal error occurred: failed calling webhook "p.example.com"'),
        },
      }),
      { reason: 'FailedCreate', graceMs: Infinity },
    ],
    [
      'its own progress deadline',
      deployment({ status: { conditions: timedOut } }),
      { reason: 'ProgressDeadlineExceeded', graceMs: 0 },
    ],
    [
      'a quota that the version before may have met, for a moment',
      deployment({ generation: 2, status: { conditions: replicaFailure(quota) } }),
      { reason: 'FailedCreate', graceMs: 2_000 },
    ],
    [
      'a progress deadline that the version before may have missed, until this one has had its chance',
      deployment({ generation: 2, status: { conditions: timedOut } }),
      { reason: 'ProgressDeadlineExceeded', graceMs: 15_000 },
    ],
    [
      'not what an older spec left behind',
      deployment({ generation: 2, status: { observedGeneration: 1, conditions: replicaFailure(quota) } }),
      null,
    ],
  ])('%s', (_, seen, expected) => {
    const problem = diagnose([], seen);
    expect(problem && fields(problem)).toEqual(expected && fields(expected));
  });

  it('names what kept it when its own progress deadline is over', () => {
    const unschedulable = pod({
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/3 nodes are available',
        },
      ],
    });
    const problem = diagnose([unschedulable], deployment({ status: { conditions: timedOut } }));
    expect(problem).toMatchObject({ reason: 'ProgressDeadlineExceeded', graceMs: 0 });
    expect(problem?.why).toMatch(/ProgressDeadlineExceeded: .*0\/3 nodes are available/);
  });

  it('names what does not go away before what may', () => {
    const unschedulable = pod({
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
    });
    const problem = diagnose([unschedulable, waiting('ImagePullBackOff')], deployment());
    expect(problem?.reason).toBe('ImagePullBackOff');
  });
});

describe('how far it is', () => {
  it('says who is ready, who is not and why', () => {
    const ready = pod({ conditions: [{ type: 'Ready', status: 'True' }] }, { name: 'a' });
    const creating = { ...waiting('ContainerCreating'), metadata: { name: 'b' } };
    expect(progressText([ready, creating], deployment({ status: { replicas: 3 } }), 2)).toBe(
      '1 of 2 ready; b: ContainerCreating; 1 of the version before still there',
    );
  });
});
