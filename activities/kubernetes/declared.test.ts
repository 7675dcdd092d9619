import { describe, expect, it } from 'vitest';
import { applicable, declaredWarnings, driftOf } from './declared.js';
import type { Deployment } from './objects.js';

const deployment = (spec: object = {}, container: object = {}, metadata: object = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec: {
    replicas: 2,
    template: { spec: { containers: [{ name: 'app', image: 'r/web:v1', ...container }] } },
    ...spec,
  },
});
const container = 'spec.template.spec.containers[app]';

describe('what differs', () => {
  const paths = (live: Deployment, would: Deployment) => driftOf(live, would)?.fields ?? [];

  it.each<[string, Deployment, Deployment, object]>([
    [
      'a value',
      deployment(),
      deployment({ replicas: 3 }),
      { path: 'spec.replicas', live: '2', declared: '3' },
    ],
    [
      'what is not set',
      deployment(),
      deployment({}, { resources: { limits: { memory: '1Gi' } } }),
      { path: `${container}.resources`, live: null, declared: '{"limits":{"memory":"1Gi"}}' },
    ],
    [
      'one item of a list, by its name and whatever its place',
      deployment(
        {},
        {
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
      ),
      deployment(
        {},
        {
          env: [
            { name: 'B', value: '3' },
            { name: 'A', value: '1' },
          ],
        },
      ),
      { path: `${container}.env[B].value`, live: '"2"', declared: '"3"' },
    ],
    [
      'an item without a name, by its place',
      deployment({}, { args: ['a', 'b'] }),
      deployment({}, { args: ['a', 'c'] }),
      { path: `${container}.args[1]`, live: '"b"', declared: '"c"' },
    ],
    [
      'a label with dots',
      deployment({}, {}, { labels: { 'a.b/c': '1' } }),
      deployment({}, {}, { labels: { 'a.b/c': '2' } }),
      { path: 'metadata.labels["a.b/c"]', live: '"1"', declared: '"2"' },
    ],
    [
      'a secret, without what it is',
      deployment({}, { env: [{ name: 'DB_PASSWORD', value: 'one' }] }),
      deployment({}, { env: [{ name: 'DB_PASSWORD', value: 'two' }] }),
      { path: `${container}.env[DB_PASSWORD].value`, live: '"***"', declared: '"***"' },
    ],
  ])('is told for %s', (_, live, would, field) => {
    expect(paths(live, would)).toEqual([field]);
  });

  it('is nothing where only the order of names, or what the API server writes, is another', () => {
    const env = [{ name: 'A' }, { name: 'B' }];
    const written = { generation: 4, resourceVersion: '9', managedFields: [] };
    const annotations = { 'deployment.kubernetes.io/revision': '7' };
    const live = { ...deployment({}, { env }, { ...written, annotations }), status: { replicas: 2 } };
    expect(driftOf(live, deployment({}, { env: env.toReversed() }))).toBeNull();
  });

  it('is told up to twenty fields, each cut', () => {
    const env = (value: string) => Array.from({ length: 25 }, (_, i) => ({ name: `V${i}`, value }));
    const drift = driftOf(deployment({}, { env: env('a') }), deployment({}, { env: env('b'.repeat(1_000)) }));
    expect(drift).toMatchObject({ more: 5 });
    expect(drift?.fields).toHaveLength(20);
    expect(drift?.fields[0]?.declared).toMatch(/^"b{119}\.\.\.$/);
  });
});

describe('what is applied to see', () => {
  const stable = deployment({}, { image: 'r/web@sha256:1' });
  const apply = (manifest: object, isScaled = false) =>
    applicable(stable, {
      manifest: manifest as Readonly<Record<string, unknown>>,
      container: 'app',
      isScaled,
    });

  it('has the live image and place, and nothing that only a live object has', () => {
    const own = { labels: { app: 'web' }, annotations: { a: '1' } };
    const manifest = deployment({}, {}, { ...own, uid: 'x', resourceVersion: '1', managedFields: [] });
    expect(apply({ ...manifest, status: {} })).toEqual(deployment({}, { image: 'r/web@sha256:1' }, own));
  });

  it('has variables of another kind than the live ones instead of them', () => {
    const secret = { secretKeyRef: { name: 'db', key: 'password' } };
    const configMap = { configMapKeyRef: { name: 'db', key: 'user', optional: true } };
    const live = [
      { name: 'A', value: '1' },
      { name: 'B', valueFrom: secret },
      { name: 'C', valueFrom: configMap },
      { name: 'D', value: '4' },
    ];
    const env = [
      { name: 'A', valueFrom: secret },
      { name: 'B', value: '2' },
      { name: 'C', valueFrom: secret },
      { name: 'D', value: '5' },
      { name: 'E', value: '6' },
    ];
    const given = { manifest: deployment({}, { env }) as never, container: 'app', isScaled: false };
    const applied = applicable(deployment({}, { env: live }), given) as Deployment;
    expect(applied.spec.template.spec?.containers?.[0]?.['env']).toEqual([
      { name: 'A', value: null, valueFrom: secret },
      { name: 'B', valueFrom: null, value: '2' },
      { name: 'C', valueFrom: { configMapKeyRef: null, ...secret } },
      { name: 'D', value: '5' },
      { name: 'E', value: '6' },
    ]);
  });

  it('says nothing of replicas where an autoscaler does', () => {
    expect(apply(deployment(), true)['spec']).not.toHaveProperty('replicas');
    expect(apply(deployment())['spec']).toHaveProperty('replicas', 2);
  });
});

describe('the warning', () => {
  const field = (path: string) => ({ path, live: '1', declared: null });

  it('names three fields and how many more', () => {
    const fields = ['a', 'b', 'c', 'd'].map(field);
    expect(declaredWarnings('It', { drift: { fields, more: 2 } })).toEqual([
      'It differs from what is declared: a is 1, declared not set; b is 1, declared not set; c is 1, declared not set; and 3 more. A release changes only the image.',
    ]);
    expect(declaredWarnings('It', { drift: { fields: [field('a')], more: 0 } })[0]).not.toContain('more');
  });

  it('says why nobody knows, and nothing where nothing differs', () => {
    expect(declaredWarnings('It', { unknown: 'a webhook.' })).toEqual([
      'It could not be compared with what is declared: a webhook.',
    ]);
    expect(declaredWarnings('It', { drift: null })).toEqual([]);
  });
});
