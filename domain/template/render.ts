import { fieldsOf, type TemplateData } from './data.js';
import { placed, TemplateError } from './error.js';
import { evaluate } from './evaluate.js';
import { limits } from './limits.js';
import { parse } from './parse.js';

/**
 * Writes a manifest from its template: a subset of Go's text/template, with what manifests use of Sprig.
 * Pure, and bounded by `limits`; throws TemplateError, and nothing else.
 * @param file how errors name it
 * @param data see `templateData`
 */
export function renderTemplate(file: string, source: string, data: TemplateData): string {
  const at = { file, line: 1 };
  if (source.length > limits.source)
    throw new TemplateError(at, `A template has at most ${limits.source} characters.`);
  const nodes = parse(file, source);
  return evaluate(
    nodes,
    placed(at, '', () => fieldsOf(data)),
  );
}
