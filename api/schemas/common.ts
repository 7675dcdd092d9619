/**
 * Words that several schemas share. The message of a format says what is expected, as it reads after "expected" and "write";
 * api/fields.ts makes the rest of an error from it.
 */
import { z } from '@hono/zod-openapi';
import { filled } from '../../domain/consumers.js';
import { durationPattern, milliseconds } from '../../domain/duration.js';

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

export const dnsLabel = z
  .string()
  .max(63, 'at most 63 characters')
  .regex(
    new RegExp(`^${label}$`),
    'a DNS label: lower-case letters, digits and "-", such as web or shop-web',
  );

/** Names of most Kubernetes objects may have dots. */
export const objectName = z
  .string()
  .max(253, 'at most 253 characters')
  .regex(
    new RegExp(`^${label}(\\.${label})*$`),
    'a Kubernetes name: DNS labels joined by dots, such as web or web.shop',
  );

export const duration = z
  .string()
  .regex(durationPattern, 'a duration: a number with ms, s, m, h or d, such as 30s or 5m')
  .max(20, 'at most 20 characters')
  .meta({ examples: ['30s', '5m'] });

export const positiveDuration = duration.refine(
  (text) => !durationPattern.test(text) || milliseconds(text) > 0,
  'a duration longer than nothing, such as 30s',
);

export const whole = (min: number, max?: number): z.ZodInt => {
  const range = max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  const expected = `a whole number ${range}`;
  const base = z.int(expected).min(min, expected);
  return max === undefined ? base : base.max(max, expected);
};

export const text = (max: number): z.ZodString => z.string().max(max, `at most ${max} characters`);
export const someText = (max: number): z.ZodString => text(max).trim().min(1, 'text that is not empty');

const httpAddress = (value: string): boolean => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    url.username === '' &&
    url.password === ''
  );
};
/** Credentials have no place in a declaration, so an address with them is refused. */
export const httpUrl = text(2048).refine(
  httpAddress,
  'an address http(s)://host[:port][/path] without user name and password',
);

export const hostName = text(253).regex(
  /^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:\d{1,5})?$/,
  'a host name, such as shop.example',
);

export const headerName = text(128).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'a header name, such as x-lane');
/** Also a label value in Kubernetes and a value in W3C baggage. */
export const tagValue = z
  .string()
  .max(63, 'at most 63 characters')
  .regex(
    /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
    'a label value: letters, digits, "-", "_" and ".", such as gray',
  );
/** Becomes the end of a Deployment's name, so it is shorter than other labels. */
const labelPart = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/;
const isLabelKey = (key: string): boolean => {
  const [name = '', prefix, ...rest] = key.split('/').toReversed();
  return (
    rest.length === 0 &&
    labelPart.test(name) &&
    (prefix === undefined || objectName.safeParse(prefix).success)
  );
};

/** Labels of Kubernetes, whose values may say {{lane}} and {{tag}}. */
export const laneLabels = z.record(
  z.string().refine(isLabelKey, 'a label of Kubernetes, such as alicloud.service.tag or example.com/track'),
  z.string().refine((value) => {
    const one = filled(value, { lane: 'x', tag: 'x' });
    return one === '' || labelPart.test(one);
  }, 'a label value: letters, digits, "-", "_" and ".", at most 63; {{lane}} and {{tag}} may be in it'),
);

export const laneName = dnsLabel.max(40, 'at most 40 characters');
