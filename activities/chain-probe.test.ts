import { describe, expect, it } from 'vitest';
import type { ProbedChain } from '../domain/target.js';
import { chainComplaint } from './chain-probe.js';

const member = (name: string, isSame = false) => ({ names: [`team-${name}`, name], isSame });
const lane: ProbedChain = { header: 'x-versions', members: [member('c'), member('a')] };
const usual = 'a v1 -> b v1 -> c v1';

describe('the chains of two answers', () => {
  it.each<[string, string | null, string | null, ProbedChain, string | null]>([
    ['show the tag at work', 'a v2 -> b v1 -> c v2', usual, lane, null],
    ['may be spelled in other ways', 'a@v2, b@v1, c@v2', 'a=v1;b=v1;c=v1', lane, null],
    ['may call an application by either name', 'a v2 -> team-c v2', 'a v1 -> team-c v1', lane, null],
    [
      'name who may have lost the tag',
      'a v2 -> b v1 -> c v1',
      usual,
      lane,
      'the tag did not come to c: with it and without, version v1 answered (a v2 -> b v1 -> c v1). a or b did not pass it on.',
    ],
    [
      'say that it was lost before the first of them',
      usual,
      usual,
      lane,
      'the tag did not come to a: with it and without, version v1 answered (a v1 -> b v1 -> c v1).',
    ],
    [
      'name a member that the request never came to',
      'a v2 -> b v1',
      'a v1 -> b v1',
      lane,
      'the tagged request did not come to team-c, only through a v2 -> b v1; the probe needs an entry that leads there.',
    ],
    [
      'may be alike where both tracks run the same',
      'a v2 -> c v1',
      'a v1 -> c v1',
      { ...lane, members: [member('c', true), member('a')] },
      null,
    ],
    [
      'may differ in what is not released: it is in the lane by a release of its own',
      'a v2 -> b v7 -> c v2',
      usual,
      lane,
      null,
    ],
    [
      'are not the wrong way round, where an image is called as the application calls itself',
      'a v2 -> c v1',
      'a v1 -> c v2',
      { ...lane, members: [member('a'), { ...member('c'), version: 'v2' }] },
      'c answers with its new version v2 without the tag, and with v1 with it (a v1 -> c v2; a v2 -> c v1).',
    ],
    [
      'may call versions otherwise than the image',
      'a 1.2 -> c 1.2',
      'a 1.1 -> c 1.1',
      { ...lane, members: [member('a'), { ...member('c'), version: 'v2' }] },
      null,
    ],
    [
      'are needed, where they are declared',
      null,
      usual,
      lane,
      'the answer to the tagged request has no header x-versions, so nobody knows which applications it came through.',
    ],
  ])('%s', (_, tagged, untagged, chain, why) => expect(chainComplaint(tagged, untagged, chain)).toBe(why));
});
