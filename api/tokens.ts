/** Named bearer tokens: how they are declared, and how one is recognised without saying how near a wrong one was. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { parse } from 'yaml';
import { roles, type Actor } from '../domain/approval.js';

export interface TokenEntry extends Actor {
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

const entry = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    token: z.string().min(8, 'is shorter than 8 characters').optional(),
    tokenSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'is not 64 hex digits')
      .optional(),
    roles: z.array(z.enum(roles)).min(1),
  })
  .refine(
    (e) => (e.token === undefined) !== (e.tokenSha256 === undefined),
    'needs either token or tokenSha256',
  );

/** Reads a tokens file (YAML or JSON: a list of {name, token | tokenSha256, roles}). Throws without quoting a token. */
export function parseTokens(content: string): readonly TokenEntry[] {
  let data: unknown;
  try {
    data = parse(content, { prettyErrors: false });
  } catch {
    throw new Error('neither YAML nor JSON.');
  }
  const parsed = z.array(entry).min(1, 'no tokens in it').safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Error(`entry ${issue.path.map(String).join('.') || '(all)'}: ${issue.message}.`);
  }
  return parsed.data.map(({ name, roles: own, token, tokenSha256 }) => ({
    name,
    roles: own,
    digest: tokenSha256 === undefined ? sha256(token!) : Buffer.from(tokenSha256, 'hex'),
  }));
}

/** Whose token it is. Every entry is compared, in constant time, so that time tells nothing about the tokens. */
export function actorOf(tokens: readonly TokenEntry[], presented: string): Actor | null {
  const digest = sha256(presented);
  let found: Actor | null = null;
  for (const { name, roles: own, digest: known } of tokens) {
    if (timingSafeEqual(digest, known)) found = { name, roles: own };
  }
  return found;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
