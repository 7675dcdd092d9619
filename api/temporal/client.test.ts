import { Connection, QueryNotRegisteredError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  running,
  startTemporalWire,
  type Answers,
  type TemporalWire,
} from '../../test/fakes/temporal-wire.js';
import { askedTooEarly, settledHeader } from '../../workflows/messages.js';
import { createClient } from './client.js';
import { isTimeout } from './errors.js';

const { QueryWorkflowRequest: request, QueryWorkflowResponse: response } =
  proto.temporal.api.workflowservice.v1;
const answer = response
  .encode({ queryResult: { payloads: [defaultPayloadConverter.toPayload('fine')] } })
  .finish();
const tooEarly = { code: 3, message: `Error: ${askedTooEarly}` };

describe('P8: a query says what of the history is settled', () => {
  let wire: TemporalWire;
  let connection: Connection;
  afterEach(async () => {
    await connection.close();
    await wire.close();
  });

  async function query(answers: Answers, timeoutMs = 5_000): Promise<unknown> {
    wire = await startTemporalWire({ GetSystemInfo: new Uint8Array(), ...answers });
    connection = await Connection.connect({ address: wire.address });
    const client = createClient({ connection });
    return client.withDeadline(Date.now() + timeoutMs, () =>
      client.workflow.getHandle('release/r').query('state'),
    );
  }
  const asked = (): readonly string[] => wire.calls.filter((call) => call !== 'GetSystemInfo');
  /** Of each query. */
  const settled = (): readonly unknown[] =>
    wire.requests
      .filter((_, i) => wire.calls[i] === 'QueryWorkflow')
      .map((bytes) => request.decode(bytes).query?.header?.fields?.[settledHeader])
      .map((payload) => defaultPayloadConverter.fromPayload(payload!));

  it('all of it, where no task is open', async () => {
    expect(await query({ DescribeWorkflowExecution: running(8), QueryWorkflow: answer })).toBe('fine');
    expect(settled()).toEqual([{ runId: 'run', events: 8 }]);
  });

  it('is not sent before the task that is open has ended', async () => {
    const DescribeWorkflowExecution = [running(9, 1), running(9, 1), running(11)];
    expect(await query({ DescribeWorkflowExecution, QueryWorkflow: answer })).toBe('fine');
    expect(asked()).toEqual([
      ...Array.from({ length: 3 }, () => 'DescribeWorkflowExecution'),
      'QueryWorkflow',
    ]);
    expect(settled()).toEqual([{ runId: 'run', events: 11 }]);
  });

  it('nothing, where the task fails again and again: the server says why', async () => {
    expect(await query({ DescribeWorkflowExecution: running(9, 3), QueryWorkflow: answer })).toBe('fine');
    expect(settled()).toEqual([{ runId: 'run', events: 0 }]);
  });

  it('is asked again with what is settled by then, where the worker refused it', async () => {
    const DescribeWorkflowExecution = [running(8), running(11)];
    const QueryWorkflow = [tooEarly, answer];
    expect(await query({ DescribeWorkflowExecution, QueryWorkflow })).toBe('fine');
    expect(settled()).toEqual([
      { runId: 'run', events: 8 },
      { runId: 'run', events: 11 },
    ]);
  });

  it('ends with the deadline of the call', async () => {
    const error: unknown = await query(
      { DescribeWorkflowExecution: running(8), QueryWorkflow: tooEarly },
      300,
    ).catch((failed: unknown) => failed);
    expect(isTimeout(error)).toBe(true);
  });

  it('that fails otherwise is not asked again', async () => {
    const QueryWorkflow = { code: 3, message: 'no such query' };
    await expect(query({ DescribeWorkflowExecution: running(8), QueryWorkflow })).rejects.toThrow(
      QueryNotRegisteredError,
    );
    expect(asked()).toHaveLength(2);
  });
});
