import { describe, expect, it } from 'vitest';
import { parseReference } from './image.js';

describe('parseReference', () => {
  it.each([
    ['127.0.0.1:5000/web:v1', { host: '127.0.0.1:5000', repository: 'web', version: 'v1' }],
    ['127.0.0.1:5000/team/web', { host: '127.0.0.1:5000', repository: 'team/web', version: 'latest' }],
    ['localhost/web@sha256:ab', { host: 'localhost', repository: 'web', version: 'sha256:ab' }],
    ['r.example/web:v1@sha256:ab', { host: 'r.example', repository: 'web', version: 'sha256:ab' }],
    ['team/web:v1', { host: 'docker.io', repository: 'team/web', version: 'v1' }],
    ['web', { host: 'docker.io', repository: 'web', version: 'latest' }],
  ])('of %s', (reference, expected) => {
    expect(parseReference(reference)).toEqual(expected);
  });
});
