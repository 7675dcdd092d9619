import { describe, expect, it } from 'vitest';
import { failure } from '../domain/failures.js';
import { refused } from './problems.js';

const away = failure('cluster_unreachable', { cluster: 'c1', why: 'it did not answer in time' });
const wrong = failure('environment_unknown', { application: 'web', environment: 'x', known: ['prod'] });

describe('a refused release', () => {
  it.each([
    ['may be asked for again as it is where only something was away', [away], true],
    ['is to be mended where something is wrong', [wrong], false],
    ['is to be mended where something is wrong and something was away as well', [away, wrong], false],
  ])('%s', (_, problems, retryable) => {
    expect(refused(problems)).toMatchObject({ status: 422, code: 'release_refused', retryable });
  });
});
