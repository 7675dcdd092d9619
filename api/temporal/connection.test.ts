import { expect, it } from 'vitest';
import { startTemporalWire } from '../../test/fakes/temporal-wire.js';
import { eventually } from '../../test/rig/eventually.js';
import { createClient } from './client.js';
import { lazyConnection } from './connection.js';

it('may be closed while a call is to be tried again: that ends it, and throws nowhere else', async () => {
  const unavailable = { code: 14, message: 'busy' };
  const wire = await startTemporalWire({
    GetSystemInfo: new Uint8Array(),
    DescribeWorkflowExecution: unavailable,
  });
  const connection = lazyConnection({ address: wire.address });
  const described = createClient({ connection }).workflow.getHandle('release/r').describe();
  const failed = described.catch((error: unknown) => error);
  const asked = (): number => wire.calls.filter((call) => call === 'DescribeWorkflowExecution').length;
  await eventually('it to be tried again', () => asked() >= 2);
  await connection.close();
  expect(await failed).toBeInstanceOf(Error);
  const before = asked();
  await wire.close();
  expect(asked()).toBe(before);
});
