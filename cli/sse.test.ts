import fc from 'fast-check';
import { expect, it } from 'vitest';
import { messageOf, messagesOf, type Message } from './sse.js';

async function read(chunks: readonly Uint8Array[]): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of messagesOf(arriving(chunks))) messages.push(message);
  return messages;
}

async function* arriving(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

it.each([
  ['a comment alone is nothing', [': ping'], null],
  [
    'fields lose one space after the colon',
    ['id: 7', 'event:step', 'data:  x'],
    { id: '7', event: 'step', data: ' x' },
  ],
  ['data on several lines is joined', ['data: a', 'data: b'], { id: null, event: 'message', data: 'a\nb' }],
  ['a field without a colon is empty', ['data'], { id: null, event: 'message', data: '' }],
])('%s', (_, lines, message) => {
  expect(messageOf(lines)).toEqual(message);
});

it('reads the same however the bytes are cut, with LF, CRLF and letters of several bytes', async () => {
  const bytes = new TextEncoder().encode(
    'id: 1\r\ndata: grün\r\n\r\n: ping\n\nid: 2\ndata: 灰\n\ndata: cut off',
  );
  const whole = [
    { id: '1', event: 'message', data: 'grün' },
    { id: '2', event: 'message', data: '灰' },
  ];
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, i) => bytes.slice(at[i], end));
      expect(await read(chunks)).toEqual(whole);
    }),
  );
});
