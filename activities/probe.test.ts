import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeTarget, Target } from '../domain/target.js';
import { exampleTarget } from '../test/fakes/target.js';
import { complaint, probeActivities, type ProbeAnswer } from './probe.js';

const answer = (tagged: boolean, change: Partial<ProbeAnswer> = {}): ProbeAnswer => ({
  tagged,
  status: 200,
  version: tagged ? 'v2' : 'v1',
  chain: null,
  error: null,
  ...change,
});

describe('two answers', () => {
  it.each<[string, ProbeAnswer, ProbeAnswer, boolean, string | null]>([
    ['of two versions are fine', answer(true), answer(false), false, null],
    [
      'without a version are fine',
      answer(true, { version: null }),
      answer(false, { version: null }),
      false,
      null,
    ],
    [
      'that ask for a login are fine',
      answer(true, { status: 401 }),
      answer(false, { status: 401 }),
      false,
      null,
    ],
    [
      'of the same version say that the tag leads nowhere',
      answer(true),
      answer(false, { version: 'v2' }),
      false,
      'both requests were answered by version v2.',
    ],
    [
      'of the same version are fine where both tracks run the same digest',
      answer(true),
      answer(false, { version: 'v2' }),
      true,
      null,
    ],
    [
      'of which gray fails name it',
      answer(true, { status: 503 }),
      answer(false),
      false,
      'the tagged request was answered with status 503.',
    ],
    [
      'of which stable fails name it',
      answer(true),
      answer(false, { status: 500 }),
      false,
      'the request without tag was answered with status 500.',
    ],
    [
      'of which one is missing name the reason',
      answer(true, { status: null, error: 'ECONNREFUSED' }),
      answer(false),
      false,
      'the tagged request was not answered: ECONNREFUSED.',
    ],
  ])('%s', (_, tagged, untagged, same, why) => expect(complaint(tagged, untagged, same)).toBe(why));
});

describe('the probe', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  const at = async (
    answers: (tagged: boolean) => { status: number; version: string | null },
  ): Promise<Target> => {
    server = createServer((request, response) => {
      const { status, version } = answers(request.headers['x-lane'] === 'gray');
      response.writeHead(status, version === null ? {} : { 'x-version': version }).end(request.headers.host);
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const entry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return {
      ...exampleTarget(),
      probe: { entry, host: 'shop.example', tag: { header: 'x-lane', value: 'gray' } },
    };
  };
  const probe = (to: Target): ReturnType<typeof probeActivities.probe> =>
    new MockActivityEnvironment().run(probeActivities.probe, { release: 'r', target: to });

  it('keeps both answers as evidence', async () => {
    const { findings } = await probe(await at((tagged) => ({ status: 200, version: tagged ? 'v2' : 'v1' })));
    expect(findings).toMatchObject([{ kind: 'probe', summary: 'tagged: v2; untagged: v1' }]);
  });

  it.each<[string, readonly string[], string, boolean]>([
    ['where every consumer is declared', [], 'verified: tagged: v2; untagged: v1', true],
    [
      'but not where one is not',
      ['a', 'c'],
      'tagged: v2; untagged: v1; not verified: the consumers of a, c are not declared, so gray may take messages that are meant for stable',
      false,
    ],
  ])('calls a lane verified %s', async (_, undeclared, summary, verified) => {
    const to = await at((tagged) => ({ status: 200, version: tagged ? 'v2' : 'v1' }));
    const { findings } = await probe({ ...to, probe: { ...to.probe!, undeclared } });
    expect(findings).toMatchObject([{ summary, data: { verified, undeclared } }]);
  });

  it.each<[string, boolean, Partial<ProbeTarget>, string]>([
    ['says which version it is', false, {}, 'no answer says from which version it comes (x-version)'],
    [
      'tells of what is behind the entry',
      true,
      { unseen: ['c'] },
      'no answer tells whether requests came through gray of c',
    ],
  ])('calls no lane verified where no answer %s', async (_, isTold, more, why) => {
    const to = await at((tagged) => ({ status: 200, version: isTold ? (tagged ? 'v2' : 'v1') : null }));
    const { findings } = await probe({ ...to, probe: { ...to.probe!, undeclared: [], ...more } });
    const seen = isTold ? 'tagged: v2; untagged: v1' : 'tagged: status 200; untagged: status 200';
    const doubt = `not verified: ${why}`;
    expect(findings).toMatchObject([{ summary: `${seen}; ${doubt}`, data: { verified: false, doubt } }]);
  });

  it('asks again while the data plane does not know the rule yet', async () => {
    let asked = 0;
    const to = await at((tagged) => ({ status: 200, version: tagged && asked++ > 1 ? 'v2' : 'v1' }));
    expect((await probe(to)).findings).toHaveLength(1);
  });

  it('has nothing to do without an entry', async () => {
    expect(await probe({ ...exampleTarget(), probe: null })).toEqual({ findings: [] });
  });
});
