/** A Temporal server on a loopback port that answers each call of the API as a test says: gRPC over HTTP/2, nothing behind it. */
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import proto from '@temporalio/proto';

const service = proto.temporal.api.workflowservice.v1;

/** A status that is no success, by its number in the protocol; `message` is what the server says about it. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** The answer to a call of that name: bytes of its response, or a refusal. A call that is not named is refused as unimplemented. */
export type Answers = Readonly<Record<string, Uint8Array | Refusal>>;

export interface TemporalWire {
  readonly address: string;
  /** Names of the calls so far. */
  readonly calls: readonly string[];
  readonly close: () => Promise<void>;
}

const unimplemented: Refusal = { code: 12, message: 'not in this test' };

/** A worker that asked for work a moment ago. */
export function onePoller(): Uint8Array {
  const lastAccessTime = { seconds: Math.floor(Date.now() / 1_000) };
  const { DescribeTaskQueueResponse: response } = service;
  return response.encode(response.fromObject({ pollers: [{ identity: 'worker', lastAccessTime }] })).finish();
}

/** The update failed, as a worker or the server says so. */
export const failedUpdate = (message: string, type: string): Uint8Array =>
  service.ExecuteMultiOperationResponse.encode({
    responses: [
      { startWorkflow: { runId: 'run', started: true } },
      {
        updateWorkflow: {
          updateRef: { workflowExecution: { workflowId: 'release/r', runId: 'run' }, updateId: 'submit' },
          outcome: { failure: { message, applicationFailureInfo: { type } } },
          stage:
            proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage
              .UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
        },
      },
    ],
  }).finish();

export async function startTemporalWire(answers: Answers): Promise<TemporalWire> {
  const calls: string[] = [];
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const call = String(headers[':path']).split('/').at(-1)!;
    calls.push(call);
    stream.resume();
    stream.on('end', () => answer(stream, answers[call] ?? unimplemented));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, calls, close: () => closed(server) };
}

function answer(stream: ServerHttp2Stream, given: Uint8Array | Refusal): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  if ('code' in given) {
    const refusal = { 'grpc-status': String(given.code), 'grpc-message': encodeURIComponent(given.message) };
    stream.respond({ ...headers, ...refusal }, { endStream: true });
    return;
  }
  const length = Buffer.alloc(5);
  length.writeUInt32BE(given.length, 1);
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([length, given]));
}

const closed = (server: Http2Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
