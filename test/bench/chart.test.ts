import { describe, expect, it } from 'vitest';
import { svg, type Series } from './chart.js';

const chart = (...series: Series[]): string => svg({ title: 'Late & <later>', x: 'n', y: 's', series });
const line = (...points: [x: number, y: number][]): Series => ({
  name: 'one',
  colour: '#000',
  points: points.map(([x, y]) => ({ x, y })),
});
const pointsOf = (text: string): number[][] =>
  (/polyline points="([^"]*)"/.exec(text)?.[1] ?? '').split(' ').map((pair) => pair.split(',').map(Number));

describe('svg', () => {
  it('places powers of ten at equal distances', () => {
    const [a, b, c] = pointsOf(chart(line([1, 0.1], [10, 1], [100, 10])));
    expect(b![0]! - a![0]!).toBeCloseTo(c![0]! - b![0]!, 0);
    expect(b![1]! - a![1]!).toBeCloseTo(c![1]! - b![1]!, 0);
  });

  it('draws more further right and further up', () => {
    const [a, b] = pointsOf(chart(line([1, 0.02], [500, 25])));
    expect(b![0]).toBeGreaterThan(a![0]!);
    expect(b![1]).toBeLessThan(a![1]!);
  });

  it('has a tick at each power of ten', () => {
    const text = chart(line([1, 0.02], [500, 25]));
    for (const tick of ['0.01', '0.1', '1', '10', '100', '1000']) expect(text).toContain(`>${tick}</text>`);
  });

  it('leaves out a series without points, and draws nothing but axes without any', () => {
    expect(chart(line())).not.toContain('polyline');
    expect(chart()).not.toContain('NaN');
  });

  it('draws a single point', () => {
    expect(chart(line([50, 3]))).toContain('<circle');
  });

  it('escapes what is written', () => {
    expect(chart()).toContain('Late &amp; &lt;later>');
  });
});
