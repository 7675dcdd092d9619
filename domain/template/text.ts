/** Functions over strings, as Sprig has them. Those that can make a long one of a short one ask before they do. */
import { Refusal } from './error.js';
import type { Spend } from './limits.js';

export function indented(spaces: number, text: string, spend: Spend): string {
  if (spaces < 0) throw new Refusal(`cannot indent by ${spaces}`);
  const lines = text.split('\n');
  spend(spaces * lines.length);
  return lines.map((line) => ' '.repeat(spaces) + line).join('\n');
}

export function replaced(old: string, by: string, text: string, spend: Spend): string {
  if (old === '') throw new Refusal('wants to know what to replace, and was given an empty string');
  const pieces = text.split(old);
  spend(pieces.length * by.length);
  return pieces.join(by);
}

export const withoutPrefix = (prefix: string, text: string): string =>
  text.startsWith(prefix) ? text.slice(prefix.length) : text;

export const withoutSuffix = (suffix: string, text: string): string =>
  text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The first bytes, or with a negative size the last; a character that would be cut in two is left out. */
export function truncated(size: number, text: string): string {
  const bytes = bytesOf(text);
  const isInside = (at: number): boolean => at < bytes.length && (bytes[at]! & 0xc0) === 0x80;
  let from = size < 0 ? Math.max(0, bytes.length + size) : 0;
  let to = size < 0 ? bytes.length : Math.min(size, bytes.length);
  while (isInside(from)) from++;
  while (isInside(to)) to--;
  return new TextDecoder().decode(bytes.subarray(from, to));
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function base64(text: string): string {
  const bytes = bytesOf(text);
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let k = 0; k < 4; k++)
      encoded += i + k > bytes.length ? '=' : alphabet[(three >> (18 - 6 * k)) & 63]!;
  }
  return encoded;
}
