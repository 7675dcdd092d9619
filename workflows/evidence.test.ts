/** A release that runs for weeks, or with huge manifests, can still be read. */
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../domain/release.js';
import { EvidenceBox, pieceLimit, totalLimit } from './evidence.js';

const evidence = (n: number, size: number): Evidence => ({
  at: '2026-01-01T00:00:00.000Z',
  step: `prod/${n}-hold`,
  kind: 'analysis',
  summary: `check ${n}`,
  data: { text: 'x'.repeat(size) },
});

const size = (box: EvidenceBox): number => JSON.stringify(box.all()).length;

describe('the evidence of a release', () => {
  it('is kept as it came while it is small', () => {
    const box = new EvidenceBox();
    box.add([evidence(1, 100)]);
    box.add([evidence(2, 100)]);
    expect(box.all()).toEqual([evidence(1, 100), evidence(2, 100)]);
  });

  it('is one line instead of a piece that is too large', () => {
    const box = new EvidenceBox();
    box.add([evidence(1, pieceLimit), evidence(2, 10)]);
    expect(box.all()).toMatchObject([
      { summary: 'check 1', data: { leftOut: expect.stringContaining('characters') } },
      evidence(2, 10),
    ]);
  });

  it('loses the data of the oldest when all together is too much, and keeps what was said last', () => {
    const box = new EvidenceBox();
    for (let n = 0; n < 200; n++) box.add([evidence(n, 10_000)]);
    expect(size(box)).toBeLessThan(totalLimit + 10_000);
    expect(box.all().length).toBe(200);
    expect(box.all()[0]).toMatchObject({ summary: 'check 0', data: { leftOut: expect.anything() } });
    expect(box.all().at(-1)).toEqual(evidence(199, 10_000));
  });
});
