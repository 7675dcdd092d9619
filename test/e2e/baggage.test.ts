/** The tag in W3C baggage: applications that pass on nothing else lead a request to the gray behind them all the same. Over Istio: istio.test.ts. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Chain } from '../rig/chain.js';
import { expectBaggageLeads } from './baggage.js';

const kinds = ['gateway-api', 'contour'] as const;
type Kind = (typeof kinds)[number];
const chains = new Map<Kind, Chain>();
beforeAll(async () => {
  const passesOn = 'baggage';
  const first = await Chain.create(inject('stack'), { passesOn, router: kinds[0] });
  chains.set(kinds[0], first);
  chains.set(kinds[1], await Chain.create(inject('stack'), { passesOn, router: kinds[1], beside: first.c }));
});
afterAll(async () => {
  for (const kind of kinds.toReversed()) await chains.get(kind)?.close();
});

describe('a lane of a and c, with a and b that pass on baggage alone', () => {
  it.concurrent.each(kinds)(
    'P1: the tag that is put on at the edge leads to gray of c, and baggage from outside ends there: %s',
    async (kind) => {
      const view = await expectBaggageLeads(chains.get(kind)!);
      expect(view.outcome).toMatchObject({ phase: 'succeeded' });
    },
  );
});
