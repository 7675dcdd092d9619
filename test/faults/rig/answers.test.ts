import { describe, expect, it } from 'vitest';
import type { LoadRecord } from '../../../infra/local/load.js';
import { judge, type Verdict } from './answers.js';
import { Away } from './away.js';
import type { Entry, WatchedRoute } from './cluster-watch.js';

const traffic = { namespace: 'shop', name: 'web', versionOf: (image: string) => image };
const seconds = (n: number): number => n * 1_000;

function route(generation: number, gray: number, at: number, takenAt: number): WatchedRoute {
  const weights = [{ web: 100 - gray, 'web-gray': gray }];
  const when = { at: seconds(at), earliest: seconds(at), takenAt: seconds(takenAt) };
  return { ...when, weights, tagged: [], tags: [], generation, taken: generation, version: generation };
}

function deployment(name: string, image: string): Entry {
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const spec = { replicas: 1, template: { spec: { containers: [{ image }] } } };
  const metadata = { name, generation: 1 };
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec, status };
  return { version: 1, at: 0, earliest: 0, kind: 'deployment', name, object };
}

/** 10 % of gray since 10 s, known since 12 s; Contour is away from 30 to 40 s. */
function verdict(record: Partial<LoadRecord>, routes: readonly WatchedRoute[] = []): Verdict {
  const known = [route(1, 0, 0, 0), route(2, 10, 10, 12), ...routes];
  const deployments = [deployment('web', 'v1'), deployment('web-gray', 'v2')];
  const away = new Away();
  away.windows.push({ part: 'contour', from: seconds(30), to: seconds(40) });
  const watch = { routes: () => known, of: () => deployments };
  return judge([{ at: 0, tookMs: 5, ...record }], traffic, watch, away);
}

const answer = (at: number, version: string): Partial<LoadRecord> => ({
  at: seconds(at),
  status: 200,
  version,
});
const failure = (at: number, text = ''): Partial<LoadRecord> => ({
  at: seconds(at),
  status: 503,
  failure: `503 ${text}`.trim(),
});

describe('an answer is held against what the cluster said', () => {
  it.each([
    ['stable, always', answer(5, 'v1'), 0],
    ['gray before it had a share', answer(5, 'v2'), 1],
    ['gray with its share', answer(20, 'v2'), 0],
    ['a version that nobody runs', answer(20, 'v3'), 1],
    ['no answer', failure(20, 'no healthy upstream'), 1],
  ])('%s', (_, record, wrong) => {
    expect(verdict(record).wrong).toHaveLength(wrong);
  });

  it.each([
    ['soon after the controller took the next share', 25, 0],
    ['long after it', 29, 1],
  ])('gray whose share was taken back, %s', (_, at, wrong) => {
    expect(verdict(answer(at, 'v2'), [route(3, 0, 21, 24)]).wrong).toHaveLength(wrong);
  });

  it('gray whose share was taken back, of which the controller knows nothing', () => {
    expect(verdict(answer(29, 'v2'), [route(3, 0, 21, Infinity)]).wrong).toEqual([]);
  });

  it.each<readonly [string, Partial<LoadRecord>, readonly WatchedRoute[], number]>([
    ['of a route that nobody wrote', failure(35), [], 1],
    ['of one whose new rules it has not taken', failure(35), [route(3, 50, 32, 36)], 1],
    ['of one whose new rules it had taken', failure(35), [route(3, 50, 32, 33)], 0],
    ['for another reason', failure(35, 'no healthy upstream'), [], 0],
    ['at another time', failure(50), [], 0],
  ])('a cluster that Contour took away when it was killed, %s', (_, record, routes, taken) => {
    const { takenByContour, wrong, answered } = verdict(record, routes);
    expect(takenByContour).toBe(taken);
    expect(wrong).toHaveLength(1 - taken);
    expect(answered).toBe(1 - taken);
  });
});
