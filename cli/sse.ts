/** Server-sent events out of bytes, as the HTML standard reads them; pure but for the iteration. */

export interface Message {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** Yields each dispatched event; a block that was cut off by the end of the stream is dropped. */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let tail = '';
  let block: string[] = [];
  for await (const chunk of chunks) {
    tail += decoder.decode(chunk, { stream: true });
    // A lone CR at the end may be the first half of CRLF: it waits for the next chunk.
    const lines = tail.split(/\r\n|\n|\r(?!$)/);
    tail = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') {
        block.push(line);
        continue;
      }
      const message = messageOf(block);
      block = [];
      if (message !== null) yield message;
    }
  }
}

/** Null for a block without data: a comment that keeps the connection alive. */
export function messageOf(lines: readonly string[]): Message | null {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') };
}
