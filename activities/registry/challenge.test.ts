import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.js';

describe('what a registry asks for', () => {
  const table: [string, string, ReturnType<typeof parseChallenges>][] = [
    ['nothing', '', []],
    ['a scheme alone', 'Basic', [{ scheme: 'basic', parameters: {} }]],
    [
      'Basic with its realm',
      'Basic realm="Registry Realm"',
      [{ scheme: 'basic', parameters: { realm: 'Registry Realm' } }],
    ],
    [
      'Bearer with commas in quotes',
      'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'https://auth.example/token',
            service: 'r.example',
            scope: 'repository:a/b:pull,push',
          },
        },
      ],
    ],
    [
      'blanks and unquoted values',
      'BEARER  Realm = x , service=y',
      [{ scheme: 'bearer', parameters: { realm: 'x', service: 'y' } }],
    ],
    ['escaped quotes', 'Bearer realm="a\\"b, c"', [{ scheme: 'bearer', parameters: { realm: 'a"b, c' } }]],
    [
      'two schemes in one header',
      'Basic realm="x", Bearer realm="y",service="z"',
      [
        { scheme: 'basic', parameters: { realm: 'x' } },
        { scheme: 'bearer', parameters: { realm: 'y', service: 'z' } },
      ],
    ],
    ['a scheme, then rubbish', 'Bearer realm="open', [{ scheme: 'bearer', parameters: {} }]],
  ];
  it.each(table)('can be %s', (_, header, found) => {
    expect(parseChallenges(header)).toEqual(found);
  });
});
