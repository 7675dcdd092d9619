import { describe, expect, it } from 'vitest';
import type { KubeObject } from './objects.js';
import type { LabelSelector } from './selectors.js';
import { anything, Shelf, topicOf } from './shelf.js';

const object = (name: string, labels: Record<string, string>): KubeObject => ({ metadata: { name, labels } });
function shelf(): Shelf<KubeObject> {
  const found = new Shelf<KubeObject>();
  found.put(object('a', { app: 'web', track: 'stable' }));
  found.put(object('b', { app: 'web', track: 'gray' }));
  found.put(object('c', { app: 'api' }));
  return found;
}

describe('objects on a shelf', () => {
  it.each<[string, LabelSelector | undefined, string[]]>([
    ['one label', { matchLabels: { app: 'web' } }, ['a', 'b']],
    ['all labels', { matchLabels: { app: 'web', track: 'gray' } }, ['b']],
    ['a label that none has', { matchLabels: { app: 'web', track: 'blue' } }, []],
    ['an expression alone', { matchExpressions: [{ key: 'track', operator: 'Exists' }] }, ['a', 'b']],
    [
      'both',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'track', operator: 'In', values: ['gray'] }] },
      ['b'],
    ],
    ['everything', {}, ['a', 'b', 'c']],
    ['nothing', undefined, []],
  ])('are found by %s', (_, selector, expected) => {
    const found = shelf().select(selector);
    expect(found.map((o) => o.metadata.name)).toEqual(expected);
  });

  it('are found by the labels that they have now', () => {
    const one = shelf();
    const touched = one.put(object('a', { app: 'api' }));
    expect(one.select({ matchLabels: { app: 'web' } }).map((o) => o.metadata.name)).toEqual(['b']);
    expect(touched.toSorted()).toEqual([anything, 'a', 'app=api', 'app=web', 'track=stable']);
  });

  it('are gone with all their labels', () => {
    const one = shelf();
    expect(one.remove('c').toSorted()).toEqual([anything, 'app=api', 'c']);
    expect(one.select({ matchLabels: { app: 'api' } })).toEqual([]);
    expect(one.remove('c')).toEqual([]);
  });
});

describe('what to listen to', () => {
  it.each<[string, LabelSelector | undefined, string]>([
    ['is the rare label', { matchLabels: { app: 'web', release: 'r1' } }, 'release=r1'],
    ['else the first', { matchLabels: { app: 'web', tier: 'x' } }, 'app=web'],
    ['else everything', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, anything],
    ['also without a selector', undefined, anything],
  ])('%s', (_, selector, expected) => {
    expect(topicOf(selector, 'release')).toBe(expected);
  });
});
