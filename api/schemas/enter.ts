/** Who else enters a lane, as a team declares it. */
import { z } from '@hono/zod-openapi';
import type { Condition, Entry } from '../../domain/enter.js';
import { text } from './common.js';
import { checkCondition, checkEntries, checkEntry } from './enter-rules.js';
import { enteringHeader } from './headers.js';

const always = { when: () => true };
const asked = text(100).regex(
  /^[!-~]([ -~]*[!-~])?$/,
  'visible ASCII characters, with spaces only between them',
);
const parameterName = text(128).regex(
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/,
  'a name of letters, digits, "-", "_" and ".", such as group',
);

const fields = {
  header: enteringHeader.exactOptional().describe('Name of a header.'),
  query: parameterName.exactOptional().describe('Name of a query parameter.'),
  cookie: parameterName.exactOptional().describe('Name of a cookie.'),
  exact: asked.exactOptional().describe('The whole value.'),
  prefix: asked.exactOptional().describe('What the value begins with.'),
  regex: text(200).exactOptional().describe('RE2, of the whole value.'),
  in: z
    .array(asked)
    .min(1, 'at least one value')
    .max(20, 'at most 20 values')
    .exactOptional()
    .describe('Any of these, exactly.'),
};

const condition = z.strictObject(fields).superRefine(checkCondition, always) satisfies z.ZodType<Condition>;

const entry = z
  .strictObject({
    ...fields,
    all: z
      .array(condition)
      .min(1, 'at least one condition')
      .max(4, 'at most 4 conditions')
      .exactOptional()
      .describe('Several conditions that belong together.'),
    percent: z
      .int()
      .min(1)
      .max(100)
      .exactOptional()
      .describe(
        'Of the requests that fulfil it so many percent enter, drawn anew for each; the others go to stable. Default 100.',
      ),
  })
  .superRefine(checkEntry, always) satisfies z.ZodType<Entry>;

export const enterSchema = z
  .array(entry)
  .min(1, 'at least one way to enter')
  .max(8, 'at most 8 ways to enter')
  .superRefine(checkEntries, always);
