import { QueryNotRegisteredError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { askedTooEarly } from '../../workflows/messages.js';
import { ask } from './ask.js';

/** INVALID_ARGUMENT, whose enum the client does not export. */
const invalid: unknown = 3;
/** As the client throws whatever a query fails with. */
const refused = (message: string): Error =>
  new QueryNotRegisteredError(message, invalid as ConstructorParameters<typeof QueryNotRegisteredError>[1]);

describe('P8: asking a workflow', () => {
  it('asks again while the worker had read a part only', async () => {
    const answers = [refused(askedTooEarly), refused(`Error: ${askedTooEarly}`), 'answer'];
    const query = (): Promise<unknown> => {
      const answer = answers.shift();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    expect(await ask(query)).toBe('answer');
  });

  it.each([
    ['a query that fails otherwise', refused('no such query')],
    ['an error that only says so', new Error(askedTooEarly)],
  ])('throws %s', async (_, error) => {
    await expect(ask(() => Promise.reject(error))).rejects.toBe(error);
  });
});
