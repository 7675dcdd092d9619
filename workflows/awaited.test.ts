import { describe, expect, it } from 'vitest';
import type { Step } from '../domain/stage.js';
import type { Target } from '../domain/target.js';
import { samplePlan } from '../test/fakes/release-view.js';
import { awaitedIn } from './awaited.js';

const stage = samplePlan().stages[0]!;
const now = Date.parse('2026-01-01T00:00:00.000Z');
const awaited = (kind: string) =>
  awaitedIn(
    stage,
    stage.steps.find((step) => step.kind === kind)!,
    now,
  );

describe('what a step waits for', () => {
  it.each([
    ['deploy-gray', '1 pod(s) of web-gray to be ready', '2026-01-01T00:10:00.000Z'],
    ['tag', 'web to be written: send requests with x-lane: gray to gray', '2026-01-01T00:05:00.000Z'],
    ['weight', '1 pod(s) of web-gray to be ready and web to take 50 %', '2026-01-01T00:15:00.000Z'],
    ['promote', 'the pods of web to be ready with v2', '2026-01-01T00:10:00.000Z'],
    ['return-traffic', 'web to be written: traffic back to stable', '2026-01-01T00:05:00.000Z'],
    ['cleanup', 'requests to web-gray to end, and its pods to go', '2026-01-01T00:10:05.000Z'],
  ])('is told in %s, with until when', (kind, what, until) => {
    expect(awaited(kind)).toEqual({ what, until, can: ['abort'] });
  });

  it('names in a lane the pods of each, the routes that take a share, and what is let end first', () => {
    const [target] = stage.targets as [Target];
    const route = { ...target.route!, route: 'cart' };
    const inner: Target = { ...target, application: 'cart', gray: 'cart-gray', route, inner: true };
    const lane = { ...stage, targets: [inner, target] };
    const of = ['cart', 'web'];
    const step = (kind: string) => ({ ...stage.steps.find((s) => s.kind === kind)!, of });
    const weight = { ...step('weight'), sizes: { cart: 3, web: 1 } } as Step;
    expect(awaitedIn(lane, weight, now)?.what).toBe(
      '3 pod(s) of cart-gray, 1 pod(s) of web-gray to be ready and web to take 50 %',
    );
    expect(awaitedIn(lane, step('tag') as Step, now)).toMatchObject({
      what:
        'cart to be written, after requests that brought a tag of their own have ended, then web, when proxies have heard of that: ' +
        'send requests with x-lane: gray to gray',
      until: '2026-01-01T00:05:10.000Z',
    });
    expect(awaitedIn(lane, step('promote') as Step, now)).toMatchObject({
      what: 'the pods of web, web to be ready with v2, v2, after requests on their way to stable have ended',
      until: '2026-01-01T00:10:05.000Z',
    });
  });

  it.each(['hold', 'approval'])('is told by the step itself in %s', (kind) => {
    expect(awaited(kind)).toBeNull();
  });
});
