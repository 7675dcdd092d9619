import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { templateData, type Given } from './data.js';
import { TemplateError } from './error.js';
import { quoted } from './format.js';
import { functions, unsupported } from './functions.js';
import { limits } from './limits.js';
import { renderTemplate } from './render.js';

const given: Given = {
  app: { name: 'shop' },
  env: { name: 'prod', type: 'prod', namespace: 'shop-prod', cluster: 'eu' },
  image: { backend: 'registry.example/shop/web:v2', frontend: 'registry.example/shop/front:v3' },
  artifact: { version: '1.4.0' },
  values: {
    tier: 'gold',
    'side-car': true,
    ports: [80, 443],
    db: { host: 'db' },
    gone: null,
    large: 2 ** 60,
  },
};
const render = (source: string, values = given.values): string =>
  renderTemplate('deploy.yaml', source, templateData({ ...given, values }));

describe('the data', () => {
  it('has our names and those of AppStack and Helm', () => {
    expect(render('{{ .image.backend }} {{ .env.name }} {{ .values.tier }} {{ .app.name }}')).toBe(
      'registry.example/shop/web:v2 prod gold shop',
    );
    expect(
      render('{{ .AppStack.image.backend }} {{ .AppStack.envName }} {{ .AppStack.artifact.version }}'),
    ).toBe('registry.example/shop/web:v2 prod 1.4.0');
    expect(render('{{ .Values.tier }} {{ .artifact.version }} {{ .env.cluster }}')).toBe('gold 1.4.0 eu');
  });

  it('may lack what values may lack, and no other part', () => {
    expect(render('{{ default "a" .values.x }} {{ if .Values.db.x }}b{{ end }}')).toBe('a ');
    expect(render('{{ with .values.db }}{{ default "p" .port }}{{ end }}')).toBe('p');
    expect(() => render('{{ default "a" .env.x }}')).toThrow('There is no .env.x.');
    expect(() => render('{{ default "a" .AppStack.artifact.x }}')).toThrow(
      'There is no .AppStack.artifact.x.',
    );
  });

  it('leaves out fields without a value, and refuses what is no JSON', () => {
    expect(render('{{ .values }}', { a: undefined, b: 1 })).toBe('map[b:1]');
    expect(() => render('', { a: () => 1 })).toThrow('deploy.yaml:1: The data hold a function');
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 200; i++) deep = { deep };
    expect(() => render('', deep)).toThrow('deploy.yaml:1: The data are nested deeper than 100 levels.');
  });
});

describe('an error', () => {
  const images = '.image.backend, .image.frontend';
  it.each([
    ['an image', '{{ .image.bakend }}', `There is no .image.bakend. Known: ${images}.`],
    [
      'a part',
      '{{ .img }}',
      'There is no .img. Known: .AppStack, .Values, .app, .artifact, .env, .image, .values.',
    ],
    ['it, by $', '{{ $.app.nam }}', 'There is no $.app.nam. Known: $.app.name.'],
    ['it, in a condition', '{{ if .image.x }}{{ end }}', `There is no .image.x. Known: ${images}.`],
    ['it, by index', '{{ index .image "x" }}', 'index finds no "x". Known: "backend", "frontend".'],
    ['it, behind parentheses', '{{ (.values.db).x.y }}', 'There is no (...).x. Known: (...).host.'],
    [
      'a value that is printed',
      '{{ .values.x }}',
      'There is no .values.x. Known: .values.db, .values.gone, .values.large, .values.ports, (index .values "side-car"), .values.tier.',
    ],
    [
      'a value that is written',
      '{{ quote .values.db.x }}',
      'There is no .values.db.x. Known: .values.db.host.',
    ],
    [
      'a value with a field',
      '{{ if .values.db.x.y }}{{ end }}',
      'There is no .values.db.x. Known: .values.db.host.',
    ],
    ['a function', '{{ upperr "a" }}', 'There is no function upperr. Known: and, or, not, eq,'],
    ['a variable', '{{ $a := 1 }}{{ $b }}', 'The variable $b is not declared. Known: $, $a.'],
    ['a verb', '{{ printf "%x" 1 }}', 'printf does not know %x. Known: %v, %s, %q, %d, %f, %t, %%.'],
  ])('names what is known instead of %s', (_, source, message) => {
    expect(() => render(source)).toThrow(`deploy.yaml:1: ${message}`);
  });

  it.each([
    [
      'all that is missing, each at its place',
      '{{ required "A" .values.a }}\n{{ if true }}{{ .image.x }}{{ end }}\n{{ required "B" .values.b | quote }}',
      ['1: required says "A".', `2: There is no .image.x. Known: ${images}.`, '3: required says "B".'],
    ],
    [
      'once what is missing at several places',
      '{{ required "A" .values.a }}\n{{ range .values.ports }}{{ required "A" $.values.a }}{{ end }}',
      ['1: required says "A".'],
    ],
    [
      'nothing of a block that is chosen by what is missing',
      '{{ if gt .env.x 1 }}{{ required "A" .values.a }}{{ end }}',
      ['1: There is no .env.x. Known: .env.cluster, .env.name, .env.namespace, .env.type.'],
    ],
    [
      'what is missing rather than what may come of it',
      '{{ $a := required "A" .values.a }}\n{{ upper $a }}\n{{ required "B" .values.b }}',
      ['1: required says "A".'],
    ],
  ])('names %s', (_, source, lines) => {
    const expected = lines.map((line) => `deploy.yaml:${line}`).join('\n');
    expect(() => render(source)).toThrow(expect.objectContaining({ message: expected }));
  });

  it('names so many, and counts the rest', () => {
    const missing = Array.from({ length: 60 }, (_, i) => `{{ required "A${i}" .values.a }}`);
    expect(() => render(missing.join(''))).toThrow(/says "A49"\.\n\.\.\. and 10 more\.$/);
  });

  it.each([
    ['null', '{{ .values.gone }}', 'The value is null.'],
    ['null that is written', '{{ upper .values.gone }}', 'What upper is given is null.'],
    ['a field of null', '{{ .values.gone.x }}', '.values.gone is null.'],
    [
      'a field of the dot',
      '{{ range .values.ports }}{{ .x }}{{ end }}',
      'The dot is a number here and has no .x; $ is',
    ],
    ['a field of a string', '{{ .values.tier.x }}', '.values.tier is a string and has no .x.'],
    ['an element too far', '{{ index .values.ports 2 }}', 'index finds no element 2: there are 2, from 0.'],
    [
      'a wrong kind',
      '{{ upper .values.ports }}',
      'upper wants a string and was given a list; toString makes one.',
    ],
    ['kinds that do not compare', '{{ lt 1 "a" }}', 'lt cannot compare a number with a string.'],
    [
      'what a template requires',
      '{{ required "Set .values.x" .values.x }}',
      'required says "Set .values.x".',
    ],
    ['too few arguments', '{{ replace "a" }}', 'replace takes 3 arguments and was given 1.'],
    [
      'a number that is not exact',
      '{{ .values.large }}',
      'The action cannot write the number 1152921504606847000 exactly: give it',
    ],
    [
      'a key with a hyphen',
      '{{ .values.side-car }}',
      '- cannot follow .side; a key with other characters is read so:',
    ],
    [
      'a range over a string',
      '{{ range .values.tier }}{{ end }}',
      'range wants a list or a map and was given a string.',
    ],
    ['an open action', '{{ .values', 'The action is not closed with }}.'],
    ['an open string', '{{ "a }}', 'The string is not closed with ".'],
    ['an open comment', '{{/* a }}', 'The comment is not closed with */.'],
    ['a comment with a space', '{{ /* a */ }}', 'A comment is written {{/* so */}}'],
    ['an open block', '{{ if true }}', '{{ if }} is not closed with {{ end }}.'],
    ['an end too many', '{{ end }}', '{{ end }} has no {{ if }}, {{ with }} or {{ range }}'],
    ['a second else', '{{ if 1 }}{{ else }}{{ else }}{{ end }}', 'A second {{ else }} has no {{ if }}.'],
    ['what is too much', '{{ if 1 }}{{ end 1 }}', '1 is unexpected here.'],
    ['an empty action', '{{ }}', 'A value is missing.'],
    ['an open parenthesis', '{{ (1 }}', 'A ) is missing.'],
    ['a pipe to a value', '{{ 1 | 2 }}', 'After | stands a function.'],
    ['arguments of a value', '{{ .env.name 1 }}', 'Only a function takes arguments.'],
    ['two variables', '{{ $a, $b := 1 }}', 'Only a range has two variables.'],
    ['another template', '{{ include "a" . }}', 'include is not supported: a template does not use another.'],
    ['toYaml', '{{ print (toYaml .values) }}', 'toYaml is not supported: toJson writes the same on one line'],
  ])('says what is wrong with %s', (_, source, message) => {
    expect(() => render(source)).toThrow(`deploy.yaml:1: ${message}`);
  });

  it.each([
    ['of the action', 'a\nb\n{{ .x }}\n', 3],
    ['within an action', '{{ print 1\n  2\n  .x }}', 3],
    ['behind a comment of two lines', '{{/* a\nb */}}{{ .x }}', 2],
    ['behind a string of two lines', '{{ `a\nb` }}{{ .x }}', 2],
    ['behind trimmed lines', 'a\n\n\n{{- .x }}', 4],
    ['with Windows ends', 'a\r\nb\r\n{{ .x }}', 3],
    ['of the block that is open', 'a\n{{ if true }}\n\n', 2],
    ['of the block within', '{{ if true }}\n{{ range .values.ports }}\n{{ end }}\n', 1],
    ['of the function', '{{ range .values.ports }}\n{{ upper .\n}}{{ end }}', 2],
  ])('has the line %s', (_, source, line) => {
    expect(() => render(source)).toThrow(expect.objectContaining({ at: { file: 'deploy.yaml', line } }));
  });

  it('is short, however long what it names is', () => {
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`k${i}`, i]));
    expect(() => render('{{ .values.x }}', many)).toThrow(/, \.values\.k\d+ and 30 more\.$/);
    const long = 'x'.repeat(5_000);
    expect(() => render(`{{ ${long} }}`)).toThrow(/^.{1000,1700}$/);
    expect(() => render('{{ .values.x }}', { [long]: 1 })).toThrow(/^.{1000,1100}$/);
  });
});

describe('what is bounded', () => {
  const ten = Array.from({ length: 10 }, (_, i) => i);
  const repeated = (text: string, times = 40): string => text.repeat(times);
  it.each([
    [
      'ranges in each other',
      `${repeated('{{ range $.values.ten }}', 9)}${repeated('{{ end }}', 9)}`,
      'does too much',
    ],
    ['a text that doubles', `{{ $x := "ab" }}${repeated('{{ $x = print $x $x }}')}`, 'does too much'],
    ['a list that doubles', `{{ $x := list 1 }}${repeated('{{ $x = list $x $x }}')}`, 'more than 1000000'],
    ['a list in lists', `{{ $x := list }}${repeated('{{ $x = list $x }}', 110)}`, 'nested deeper than 100'],
    ['a wide indent', '{{ indent 9007199254740991 "a" }}', 'does too much'],
    ['a replacement', '{{ replace "x" .values.big .values.big }}', 'does too much'],
    ['a separator', '{{ join .values.big .values.ten }}', 'does too much'],
    ['many arguments', `{{ print ${repeated('.values.big ')} }}`, 'does too much'],
    ['output', repeated('{{ .values.big }}'), 'writes more than 1000000'],
    ['parentheses', `{{ ${repeated('(', 101)}1${repeated(')', 101)} }}`, 'nested deeper than 100'],
    ['blocks', `${repeated('{{ if true }}', 101)}${repeated('{{ end }}', 101)}`, 'nested deeper than 100'],
    ['a template', repeated(' ', limits.source + 1), 'at most 1000000 characters'],
  ])('%s', (_, source, message) => {
    const big = 'x'.repeat(100_000);
    expect(() => render(source, { ten, big })).toThrow(
      expect.objectContaining({ name: 'TemplateError', message: expect.stringContaining(message) as string }),
    );
  });

  it('leaves room for what is usual', () => {
    expect(render(`${repeated('{{ if true }}', 100)}a${repeated('{{ end }}', 100)}`)).toBe('a');
    expect(render(`{{ if false }}${repeated('{{ else if false }}', 500)}{{ else }}a{{ end }}`)).toBe('a');
    expect(render(`{{ 1${repeated(' | print', 500)} }}`)).toBe('1');
  });
});

describe('names that users write', () => {
  const names = [...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'length', 'name', 'entries'];

  it.each(names.filter((name) => name !== 'toString'))('%s is no function', (name) => {
    expect(() => render(`{{ ${name} }}`)).toThrow('There is no function');
  });

  it.each(names)('%s reaches no prototype', (name) => {
    expect(() => render(`{{ .image.${name} }}`)).toThrow('There is no');
    expect(() => render(`{{ index .image "${name}" }}`)).toThrow('index finds no');
    expect(() => render(`{{ .values.tier.${name} }}`)).toThrow('is a string');
    expect(() => render(`{{ .values.ports.${name} }}`)).toThrow('is a list');
    expect(() => render(`{{ $${name} }}`)).toThrow('is not declared');
    expect(render(`{{ default "none" .values.${name} }}`)).toBe('none');
    expect(render(`{{ .values.${name} }}`, JSON.parse(`{"${name}":"own"}`) as Given['values'])).toBe('own');
  });
});

describe('any template', () => {
  const words =
    '{{ }} {{- -}} ( ) | " ` . $ $x := = , /* */ if else end range with .values .ports .x print list index 1 - é';
  const word = fc.constantFrom(...words.split(' '), ' ', '\n');
  const outcome = (source: string): unknown => {
    try {
      return typeof render(source);
    } catch (error) {
      return error instanceof TemplateError ? 'refused' : error;
    }
  };

  it('is written, or refused with its place, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (found) => {
        expect(['string', 'refused']).toContain(outcome(found.join('')));
      }),
      { numRuns: 2_000 },
    );
  });

  it('without an action is its own text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('{{'));
        expect(render(text)).toBe(text);
      }),
    );
  });

  it('reads the strings that quote writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(render(`{{ ${quoted(text)} }}`)).toBe(text);
        expect(render('{{ quote .values.text }}', { text })).toBe(quoted(text));
      }),
    );
  });

  it('writes JSON that means the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(value !== null && !/e\+|\d{16}/.test(JSON.stringify(value)));
        expect(JSON.parse(render('{{ toJson .values.value }}', { value }))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });
});

describe('the page', () => {
  const page = readFileSync(new URL('../../docs/reference/templates.md', import.meta.url), 'utf8');

  it('names every function, what is not supported, and the limits', () => {
    const names = [...functions.keys(), ...unsupported.keys()].map((name) => `\`${name}\``);
    const numbers = Object.values(limits).map((limit) => limit.toLocaleString('en'));
    expect([...names, ...numbers].filter((text) => !page.includes(text))).toEqual([]);
  });
});
