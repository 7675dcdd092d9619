/** A lane of a and c with b between them, all behind HTTPProxies of Contour's: what those make of real requests. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Chain } from '../rig/chain.js';
import { expectAbortUnnoticed, expectWholeWays } from './whole-way.js';

let chain: Chain;
beforeAll(async () => {
  chain = await Chain.create(inject('stack'), { router: 'contour' });
});
afterAll(() => chain.close());

describe('a lane on HTTPProxies', () => {
  it('P1 P4 P9: an abort in the middle of its weights takes it back, and no request noticed', async () => {
    const view = await expectAbortUnnoticed(chain);
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1 P4 P9: the same of b and c with their share at the route of a', async () => {
    const view = await expectAbortUnnoticed(chain, { behind: true });
    expect(view.outcome).toMatchObject({ phase: 'rolled_back' });
  });

  it('P1 P9: by tag, header, parameter, cookie or share a request is in it for its whole way, or not at all', async () => {
    const view = await expectWholeWays(chain);
    expect(view.outcome).toMatchObject({ phase: 'succeeded' });
  });
});
