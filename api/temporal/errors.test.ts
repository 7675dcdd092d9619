import { ApplicationFailure, ServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { afterEach, describe, expect, it } from 'vitest';
import type { FailureCode } from '../../domain/failures.js';
import type { ReleaseInputs } from '../../domain/release.js';
import {
  failedUpdate,
  onePoller,
  running,
  startTemporalWire,
  updated,
  type Answers,
  type TemporalWire,
} from '../../test/fakes/temporal-wire.js';
import { ProblemError } from '../problems.js';
import { connectTemporal, type TemporalAccess } from './access.js';
import { causeOf, failureFrom, isMissing } from './errors.js';
import { steer } from './releases.js';
import { submitRelease } from './submit.js';

const secret = 'Bearer 12345';
/** As the client throws what came over the wire. */
const answered = (code: number, details: string): ServiceError =>
  new ServiceError('Update-With-Start failed', {
    cause: Object.assign(new Error(`${code} NAME: ${details}`), {
      code,
      details,
      metadata: { authorization: secret },
    }),
  });
const ended = new WorkflowUpdateFailedError(
  'Workflow Update failed',
  ApplicationFailure.create({ message: 'it completed before', type: 'AcceptedUpdateCompletedWorkflow' }),
);

describe('what Temporal answers, by its name', () => {
  it.each<readonly [string, unknown, FailureCode]>([
    ['unknown: an error inside the server', answered(2, 'database is locked'), 'temporal_unreachable'],
    ['invalid: ours to mend', answered(3, 'bad id'), 'internal'],
    ['invalid: nobody registered it', answered(3, 'no search attribute X'), 'search_attributes_missing'],
    ['denied', answered(7, ''), 'temporal_unreachable'],
    ['exhausted', answered(8, 'too many updates'), 'temporal_unreachable'],
    ['precondition: no worker has looked at it', answered(9, ''), 'worker_missing'],
    ['precondition: too many updates', answered(9, 'The limit on the total number'), 'temporal_unreachable'],
    ['aborted: another write came first', answered(10, ''), 'temporal_unreachable'],
    ['out of range', answered(11, ''), 'temporal_unreachable'],
    ['unimplemented: an old server', answered(12, ''), 'temporal_unreachable'],
    ['internal: it restarts', answered(13, 'RST_STREAM with code 8'), 'temporal_unreachable'],
    ['unavailable', answered(14, ''), 'temporal_unreachable'],
    ['data loss', answered(15, ''), 'temporal_unreachable'],
    ['an error of the client itself', new TypeError('x is undefined'), 'internal'],
  ])('%s', (_, error, code) => {
    expect(failureFrom(error, 'worker').code).toBe(code);
  });

  it('a workflow that ended before it answered an update is one that runs no more', () => {
    expect(isMissing(ended)).toBe(true);
  });

  it('the log is told each error and its cause, and no credentials', () => {
    const told = causeOf(answered(13, 'RST_STREAM with code 8'));
    expect(told).toContain('Update-With-Start failed <- Error: 13 NAME: RST_STREAM with code 8');
    expect(told).not.toContain(secret);
  });
});

describe('a call over the wire', () => {
  let wire: TemporalWire | undefined;
  let access: TemporalAccess | undefined;
  afterEach(async () => {
    await access?.client.connection.close();
    await wire?.close();
  });

  async function connect(answers: Answers): Promise<TemporalAccess> {
    wire = await startTemporalWire(answers);
    access = connectTemporal({ TEMPORAL_ADDRESS: wire.address, TEMPORAL_CONFIG_FILE: '/none.toml' }, 'queue');
    return access;
  }

  /** Code and cause of the problem that it ends with. */
  async function submitted(
    answers: Answers,
  ): Promise<{ readonly code: string; readonly why: string | null }> {
    const to = await connect({ DescribeTaskQueue: onePoller(), ...answers });
    const problem = await submitRelease(to, inputs, null).then(
      () => null,
      (error: unknown) => error,
    );
    if (!(problem instanceof ProblemError)) throw new Error('no problem', { cause: problem });
    return { code: problem.problem.code, why: problem.why };
  }

  it('a server that restarts is away, and the log is told what it said', async () => {
    const { code, why } = await submitted({
      ExecuteMultiOperation: { code: 13, message: 'stream was reset' },
    });
    expect(code).toBe('temporal_unreachable');
    expect(why).toContain('13 INTERNAL: stream was reset');
  });

  it('a release that was terminated before it had a plan is read as it stands', async () => {
    const { why } = await submitted({
      ExecuteMultiOperation: failedUpdate('it completed before', 'AcceptedUpdateCompletedWorkflow'),
      DescribeWorkflowExecution: { code: 7, message: 'enough seen' },
    });
    expect(why).toContain('enough seen');
    expect(wire!.calls.at(-1)).toBe('DescribeWorkflowExecution');
  });

  it('a worker that cannot read the workflow is told from one that is not there', async () => {
    const { client } = await connect({
      DescribeWorkflowExecution: running(3),
      QueryWorkflow: { code: 3, message: 'it does not replay' },
    });
    const failed: unknown = await client.workflow
      .getHandle('release/r')
      .query('state')
      .catch((error: unknown) => error);
    expect(failureFrom(failed, 'worker')).toMatchObject({
      code: 'workflow_unreadable',
      message: expect.stringContaining('it does not replay'),
    });
  });

  it('an update that a worker forgot with its workflow is sent again, not for ever', async () => {
    const by = { name: 'ann', roles: [] };
    const forgotten = updated({ failed: 'UnprocessedUpdate' });
    const answer = { accepted: true };
    const known = { DescribeTaskQueue: onePoller(), DescribeWorkflowExecution: running(3) };
    const first = await connect({
      ...known,
      UpdateWorkflowExecution: [forgotten, forgotten, updated({ answer })],
    });
    expect(await steer(first, 'r', 'pause', { by, reason: 'test' })).toEqual(answer);
    await first.client.connection.close();
    await wire!.close();
    const second = await connect({ ...known, UpdateWorkflowExecution: forgotten });
    await expect(steer(second, 'r', 'pause', { by, reason: 'test' })).rejects.toThrow(ProblemError);
    expect(wire!.calls.filter((call) => call === 'UpdateWorkflowExecution')).toHaveLength(6);
  });

  it('what a worker failed with for a reason of its own is ours to mend, and says so', async () => {
    const { code } = await submitted({ ExecuteMultiOperation: failedUpdate('x is undefined', 'TypeError') });
    expect(code).toBe('internal');
  });
});

const inputs: ReleaseInputs = {
  id: 'r',
  planOnly: false,
  applications: [],
  request: {
    applications: [{ name: 'shop', image: 'shop:v2' }],
    environment: null,
    strategy: null,
    lane: null,
    reason: '',
    initiator: 'ann',
  },
};
