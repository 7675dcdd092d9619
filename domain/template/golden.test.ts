/** The same answers as Go's text/template with Sprig, as golden/record.go has recorded them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TemplateData } from './data.js';
import { TemplateError } from './error.js';
import { renderTemplate } from './render.js';

interface Outcome {
  readonly output?: string;
  readonly error?: string;
}

interface Case {
  readonly template: string;
  /** Go's text or error. */
  readonly go: Outcome;
  /** Ours, or a part of our error, where we differ on purpose. */
  readonly ours?: Outcome;
  readonly why?: string;
}

const { data, groups } = JSON.parse(readFileSync(new URL('golden/cases.json', import.meta.url), 'utf8')) as {
  readonly data: TemplateData;
  readonly groups: readonly { name: string; cases: readonly Case[] }[];
};

function answer(template: string): Outcome {
  try {
    return { output: renderTemplate('case', template, data) };
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.message };
    throw error;
  }
}

describe.each(groups)('$name', ({ cases }) => {
  const alike = cases.filter((one) => one.ours === undefined);
  const different = cases.flatMap(({ ours, ...one }) => (ours === undefined ? [] : [{ ...one, ours }]));

  it.each(alike)('$template', ({ template, go }) => {
    const found = answer(template);
    // Errors have words of our own.
    expect(found).toEqual(go.output === undefined ? { error: found.error } : go);
  });

  it.each(different)('$template: $why', ({ template, go, ours, why }) => {
    const found = answer(template);
    expect(found.output).toBe(ours.output);
    expect(found.error ?? '').toContain(ours.error ?? '');
    expect(ours.output, 'Go does the same').not.toBe(go.output);
    expect(why).toBeTruthy();
  });
});
