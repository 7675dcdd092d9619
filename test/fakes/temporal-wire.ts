/** A Temporal server on a loopback port that answers each call of the API as a test says: gRPC over HTTP/2, nothing behind it. */
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';

const service = proto.temporal.api.workflowservice.v1;

/** A status that is no success, by its number in the protocol; `message` is what the server says about it. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

type Given = Uint8Array | Refusal;
/**
 * The answer to a call of that name: bytes of its response, or a refusal. Of several, one for each call, and the last one from then on. A
 * call that is not named is refused as unimplemented.
 */
export type Answers = Readonly<Record<string, Given | readonly Given[]>>;

export interface TemporalWire {
  readonly address: string;
  /** Names of the calls so far. */
  readonly calls: readonly string[];
  /** What they said: bytes of their requests. */
  readonly requests: readonly Uint8Array[];
  readonly close: () => Promise<void>;
}

const unimplemented: Refusal = { code: 12, message: 'not in this test' };

/** A worker that asked for work a moment ago. */
export function onePoller(): Uint8Array {
  const lastAccessTime = { seconds: Math.floor(Date.now() / 1_000) };
  const { DescribeTaskQueueResponse: response } = service;
  return response.encode(response.fromObject({ pollers: [{ identity: 'worker', lastAccessTime }] })).finish();
}

/** A workflow that runs; `attempt` is that of the task that a worker is at, absent where none is. */
export function running(historyLength: number, attempt?: number): Uint8Array {
  const { DescribeWorkflowExecutionResponse: response } = service;
  const workflowExecutionInfo = {
    execution: { workflowId: 'release/r', runId: 'run' },
    type: { name: 'release' },
    status: 1,
    historyLength,
    startTime: { seconds: 1 },
    executionTime: { seconds: 1 },
  };
  const task = attempt === undefined ? {} : { pendingWorkflowTask: { attempt } };
  return response.encode(response.fromObject({ workflowExecutionInfo, ...task })).finish();
}

/** The update that starts a release failed, as a worker or the server says so. */
export const failedUpdate = (message: string, type: string): Uint8Array =>
  service.ExecuteMultiOperationResponse.encode({
    responses: [
      { startWorkflow: { runId: 'run', started: true } },
      { updateWorkflow: ended({ failure: { message, applicationFailureInfo: { type } } }) },
    ],
  }).finish();

/** How an update of a running release ended: with the failure of that type, or with what it answers. */
export const updated = (outcome: { readonly failed: string } | { readonly answer: unknown }): Uint8Array =>
  service.UpdateWorkflowExecutionResponse.encode(
    ended(
      'failed' in outcome
        ? { failure: { message: 'it failed', applicationFailureInfo: { type: outcome.failed } } }
        : { success: { payloads: [defaultPayloadConverter.toPayload(outcome.answer)] } },
    ),
  ).finish();

const ended = (
  outcome: proto.temporal.api.update.v1.IOutcome,
): proto.temporal.api.workflowservice.v1.IUpdateWorkflowExecutionResponse => ({
  updateRef: { workflowExecution: { workflowId: 'release/r', runId: 'run' }, updateId: 'update' },
  outcome,
  stage:
    proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage
      .UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
});

export async function startTemporalWire(answers: Answers): Promise<TemporalWire> {
  const calls: string[] = [];
  const requests: Uint8Array[] = [];
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const call = String(headers[':path']).split('/').at(-1)!;
    const given = [answers[call] ?? unimplemented].flat() as readonly Given[];
    const which = calls.filter((one) => one === call).length;
    calls.push(call);
    const sent: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => sent.push(chunk));
    stream.on('end', () => {
      requests.push(Buffer.concat(sent).subarray(prefixBytes));
      if (!stream.destroyed) answer(stream, given[Math.min(which, given.length - 1)]!);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, calls, requests, close: () => closed(server) };
}

/** Of each message: whether it is compressed, and its length. */
const prefixBytes = 5;

function answer(stream: ServerHttp2Stream, given: Given): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  if ('code' in given) {
    const refusal = { 'grpc-status': String(given.code), 'grpc-message': encodeURI(given.message) };
    stream.respond({ ...headers, ...refusal }, { endStream: true });
    return;
  }
  const length = Buffer.alloc(prefixBytes);
  length.writeUInt32BE(given.length, 1);
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([length, given]));
}

const closed = (server: Http2Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
