import { describe, expect, it } from 'vitest';
import { locate, locateKey, parseYaml, pointerPath, type Place } from './yaml.js';

const text = `# shop
name: web
release:
  steps:
    - { weight: 10, hold: 1x }
    - weight: 50
environments:
  - name: prod
    naemspace: shop
    "a/b": 1
---
name: cart
`;

function documents() {
  const parsed = parseYaml('app.yaml', text);
  if (!parsed.ok) throw new Error('the sample is well-formed');
  return parsed.documents;
}

const short = ({ line, column, length, text: whole }: Place): string =>
  `${line}:${column} ${whole.slice(column - 1, column - 1 + length)}`;

describe('a pointer becomes a place', () => {
  const [web, cart] = documents();
  it.each([
    ['a wrong value at the value', '/name', '2:7 web'],
    ['a value in a flow map', '/release/steps/0/hold', '5:27 1x'],
    ['an item of a list, as far as its first line goes', '/release/steps/1', '6:7 weight: 50'],
    ['a map at its key, since the value begins on another line', '/release', '3:1 release'],
    ['a missing key at what lacks it', '/environments/0/namespace', '8:5 name: prod'],
    ['a missing key at the top where the document begins', '/image', '2:1 n'],
    ['an escaped key', '/environments/0/a~1b', '10:12 1'],
    ['the whole document', '', '2:1 name: web'],
  ])('%s', (_, pointer, place) => {
    expect(short(locate(web!, pointer))).toBe(place);
  });

  it('an unknown key at the key', () => {
    expect(short(locateKey(web!, '/environments/0/naemspace'))).toBe('9:5 naemspace');
  });

  it('counts lines through the whole file in a later document', () => {
    expect(short(locate(cart!, '/name'))).toBe('12:7 cart');
  });
});

it('reads the escapes of RFC 6901 in their order', () => {
  expect(pointerPath('/a~1b/~01/')).toEqual(['a/b', '~1', '']);
});

describe('parsing', () => {
  it('leaves out documents that hold nothing', () => {
    const parsed = parseYaml('app.yaml', '---\n# nothing\n---\nname: web\n---\n');
    expect(parsed.ok && parsed.documents.map((d) => d.value)).toEqual([{ name: 'web' }]);
  });

  it('names line and column of a syntax error', () => {
    const parsed = parseYaml('app.yaml', 'name: web\nimage: "x\n');
    expect(
      parsed.ok ? [] : parsed.problems.map((p) => `${p.place.line}:${p.place.column} ${p.message}`),
    ).toEqual(['3:1 Missing closing "quote']);
  });

  it('refuses a key that stands twice', () => {
    const parsed = parseYaml('app.yaml', 'name: web\nname: cart\n');
    expect(parsed.ok ? [] : parsed.problems.map((p) => short(p.place))).toEqual(['2:1 n']);
  });
});
