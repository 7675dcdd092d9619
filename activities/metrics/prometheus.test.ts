import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakePrometheus, vector, type Answering, type FakePrometheus } from '../../test/fakes/prometheus.js';
import { prometheus, shownAddress } from './prometheus.js';

let fake: FakePrometheus | null = null;
afterEach(async () => {
  await fake?.close();
  fake = null;
});
const at = new Date(1_700_000_000_500);

async function asking(answer: Answering, timeoutMs = 2_000) {
  fake = await fakePrometheus(answer);
  return prometheus({ address: fake.address, tokenFile: null, timeoutMs });
}
const success = (data: unknown, more: object = {}) => ({ body: { status: 'success', data, ...more } });

describe('an answer of Prometheus', () => {
  const table: [string, ReturnType<typeof vector>, number | null, RegExp | null, boolean][] = [
    ['one series is its number', vector('12.5'), 12.5, null, false],
    ['a scalar is its number', success({ resultType: 'scalar', result: [1, '3'] }), 3, null, false],
    ['an empty vector is no data', vector(), null, /no data/, false],
    ['NaN is no number', vector('NaN'), null, /NaN/, false],
    ['+Inf is no number', vector('+Inf'), null, /\+Inf/, false],
    ['-Inf is no number', vector('-Inf'), null, /-Inf/, false],
    ['several series are an error that says so', vector(1, 2, 3), null, /3 series, not one: aggregate/, true],
    [
      'a matrix is an error',
      success({ resultType: 'matrix', result: [] }),
      null,
      /matrix, not one number/,
      true,
    ],
    ['a value that is no number is an error', vector('many'), null, /holds no number/, true],
    ['an empty text is not zero', vector(''), null, /holds no number/, true],
    [
      'a refused query says what Prometheus said',
      { status: 422, body: { status: 'error', errorType: 'execution', error: 'boom' } },
      null,
      /refused the query: execution: boom/,
      true,
    ],
    [
      'a query that cannot be parsed says so',
      { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'parse error' } },
      null,
      /refused.*parse error/,
      true,
    ],
    ['a broken server is an error', { status: 500, body: 'oh no' }, null, /answered 500: oh no/, true],
    [
      'an error with status 200 is an error',
      { body: { status: 'error', error: 'x' } },
      null,
      /answered 200/,
      true,
    ],
    ['a page of a proxy is an error', { body: '<html>' }, null, /answered 200: <html>/, true],
    ['the word null is an error', { body: 'null' }, null, /answered 200/, true],
    [
      'a redirect is not followed',
      { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      null,
      /answered 302/,
      true,
    ],
    [
      'a warning that data is missing is a reason for doubt',
      success({ resultType: 'vector', result: [{ value: [1, '5'] }] }, { warnings: ['store away'] }),
      5,
      /warns: store away/,
      false,
    ],
    [
      'a remark is no warning',
      success(
        { resultType: 'vector', result: [{ value: [1, '5'] }] },
        { warnings: ['PromQL info: not a counter'], infos: ['x'] },
      ),
      5,
      null,
      false,
    ],
  ];
  it.each(table)('%s', async (_, reply, value, note, error) => {
    const provider = await asking(() => reply);
    const answer = await provider.query('up', at);
    expect(answer.value).toBe(value);
    expect(answer.error).toBe(error);
    expect(answer.note ?? '').toMatch(note ?? /^$/);
  });

  it('keeps the raw answer, shortened', async () => {
    const provider = await asking(() => vector(...Array.from({ length: 200 }, (_, i) => i)));
    const { raw } = await provider.query('up', at);
    expect(raw).toMatch(/^\[\{"metric"/);
    expect(raw.length).toBeLessThan(500);
  });
});

describe('asking Prometheus', () => {
  it('sends the query with its time and below the address, and no token', async () => {
    const provider = await asking(() => vector(1));
    await provider.query('sum(up)', at);
    expect(fake?.asked).toEqual([{ query: 'sum(up)', time: '1700000000.5', authorization: null }]);
  });

  it('asks what belongs together as one, so that no scrape comes between', async () => {
    // Each request finds one more scrape.
    const provider = await asking((query) =>
      vector(query === 'total' ? 50 * fake!.requests : 10 * fake!.requests),
    );
    for (const scrape of [1, 2]) {
      const answers = await provider.together(['total', 'errors'], at);
      expect(answers.map(({ value }) => value)).toEqual([50 * scrape, 10 * scrape]);
    }
  });

  it('tells the answers of one apart: a number, none, too many', async () => {
    const provider = await asking((query) =>
      vector(...(query === 'sum(a)' ? [7] : query === 'b' ? [] : [1, 2])),
    );
    expect(await provider.together(['sum(a)', 'b', 'c'], at)).toMatchObject([
      { value: 7, error: false },
      { value: null, error: false, note: expect.stringMatching(/no data/) },
      { value: null, error: true, note: expect.stringMatching(/2 series, not one/) },
    ]);
  });

  it('gives one refusal to all that was asked as one', async () => {
    const provider = await asking(() => ({
      status: 422,
      body: { status: 'error', errorType: 'execution', error: 'boom' },
    }));
    const answers = await provider.together(['a', 'b'], at);
    expect(answers.map(({ note, error }) => [note, error])).toEqual(
      Array.from({ length: 2 }, () => ['Prometheus refused the query: execution: boom', true]),
    );
  });

  it('is an error when nobody listens', async () => {
    await asking(() => vector(1));
    const { address } = fake!;
    await fake!.close();
    const answer = await prometheus({ address, tokenFile: null }).query('up', at);
    expect(answer).toMatchObject({ value: null, error: true });
    expect(answer.note).toMatch(/cannot be asked: connect ECONNREFUSED/);
  });

  it('is an error when it is too slow', async () => {
    const provider = await asking(() => 'never', 50);
    const answer = await provider.query('up', at);
    expect(answer).toMatchObject({ value: null, error: true });
    expect(answer.note).toMatch(/no answer within 50 ms/);
  });

  it('stops with the reason of the caller when that cancels', async () => {
    const cancel = new AbortController();
    const provider = await asking(() => {
      cancel.abort(new Error('cancelled by the test'));
      return 'never';
    });
    await expect(provider.query('up', at, cancel.signal)).rejects.toThrow('cancelled by the test');
  });

  it('sends the token of the file, and an answer never holds it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'very-secret\n');
    fake = await fakePrometheus(() => ({ status: 401, body: 'who are you' }));
    const answer = await prometheus({ address: fake.address, tokenFile }).query('up', at);
    await rm(folder, { recursive: true });
    expect(fake.asked[0]?.authorization).toBe('Bearer very-secret');
    expect(JSON.stringify(answer)).not.toContain('very-secret');
  });

  it('is an error when the token file is not there', async () => {
    fake = await fakePrometheus(() => vector(1));
    const answer = await prometheus({ address: fake.address, tokenFile: '/nowhere/token' }).query('up', at);
    expect(answer).toMatchObject({ value: null, error: true });
    expect(fake.asked).toEqual([]);
  });

  it('shows no password of the address', () => {
    expect(shownAddress('https://me:secret@prometheus/x')).toBe('https://prometheus/x');
  });
});

describe('ping', () => {
  it('answers null when Prometheus answers', async () => {
    const provider = await asking(() => vector(1));
    expect(await provider.ping()).toBeNull();
  });
  it('names the address and what is wrong', async () => {
    const provider = await asking(() => ({ status: 503, body: 'starting' }));
    const found = await provider.ping();
    expect(found?.code).toBe('metrics_unreachable');
    expect(found?.message).toContain(fake!.address);
    expect(found?.message).toContain('503: starting');
  });
});
