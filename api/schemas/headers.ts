/** Headers by which requests are told apart, as a team names them: not every one is there, or is anybody's to set. */
import { report, type Context } from './application-rules.js';
import { headerName } from './common.js';

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Why a header is no good for that, and what is. */
const unfit: ReadonlyMap<string, { readonly why: string; readonly remedy: string | null }> = new Map([
  ...hopByHop.map((name) => [name, { why: 'each proxy takes it off', remedy: null }] as const),
  ['host', { why: 'it says where a request goes to', remedy: null }],
  ['content-length', { why: 'it says how long a body is', remedy: null }],
  ['authorization', { why: 'it carries credentials', remedy: null }],
  ['cookie', { why: 'it carries all cookies', remedy: 'Name one of them in enter, as cookie.' }],
]);

/** A whole header is put on requests and taken off. */
export const tagHeader = headerName.superRefine((name, context) => {
  const expected = 'a header that nothing else reads, such as x-lane';
  if (name.toLowerCase() !== 'baggage') return reportUnfit('The tag', name, expected, context);
  const message = 'The tag cannot be the header "baggage": it carries what others say, too.';
  report(context, [], message, expected, 'Name a key of it in tag.baggage, beside a header.');
});

export const enteringHeader = headerName.superRefine((name, context) =>
  reportUnfit('What lets a request in', name, 'a header that says who asks, such as x-user', context),
);

function reportUnfit(what: string, name: string, expected: string, context: Context): void {
  const found = unfit.get(name.toLowerCase());
  if (found === undefined) return;
  const message = `${what} cannot be the header "${name}": ${found.why}.`;
  report(context, [], message, expected, found.remedy ?? `Choose ${expected}.`);
}
