import { describe, expect, it } from 'vitest';
import type { Place } from '../../domain/environment.js';
import type { Deployment, Pod } from './objects.js';
import { concerns, liveAt, needsPods } from './sight.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const place: Place = {
  application: 'web',
  cluster: 'default',
  namespace: 'shop',
  deployment: 'web',
  container: null,
};
const own = (release: string, lane = 'gray', application = 'web'): Record<string, string> => ({
  'sluice.dev/release': release,
  'sluice.dev/application': application,
  'sluice.dev/lane': lane,
});
const deployment = (
  name: string,
  image: string,
  labels: Record<string, string> = {},
  rest: object = {},
): Deployment => ({
  metadata: { name, labels },
  spec: { replicas: 2, template: { spec: { containers: [{ name: 'app', image }] } } },
  status: { readyReplicas: 1 },
  ...rest,
});
const pod = (imageID: string, image = 'r/web:v1'): Pod => ({
  metadata: { name: 'a' },
  spec: { containers: [{ name: 'app', image }] },
  status: { containerStatuses: [{ name: 'app', imageID }] },
});
const noPods = (): readonly Pod[] => [];

describe('a Deployment', () => {
  it.each<[string, Deployment, boolean]>([
    ['of the name of the place concerns it', deployment('web', 'r/web:v1'), true],
    ['that is its gray track does', deployment('web-gray', 'r/web:v2', own('r1')), true],
    ['that is its track in another lane does', deployment('web-blue', 'r/web:v2', own('r1', 'blue')), true],
    [
      'of another application does not',
      deployment('cart-gray', 'r/cart:v2', own('r1', 'gray', 'cart')),
      false,
    ],
    [
      'of the same application in another place does not',
      deployment('web2-gray', 'r/web:v2', own('r1')),
      false,
    ],
    ['that somebody else called so does not', deployment('web-gray', 'r/web:v2'), false],
    ['of no matter does not', deployment('db', 'r/db:v1'), false],
  ])('%s', (_, found, expected) => {
    expect(concerns(place, found)).toBe(expected);
  });

  it.each<[string, Deployment, boolean]>([
    ['does not need its pods where its image has a digest', deployment('web', `r/web@${digest('a')}`), false],
    ['needs them where it has a tag', deployment('web', 'r/web:v1'), true],
  ])('%s', (_, found, expected) => {
    expect(needsPods(place, found)).toBe(expected);
    expect(needsPods({ ...place, container: 'other' }, found)).toBe(false);
  });
});

describe('what stands at a place', () => {
  it('is stable with its image, its digest and its pods', () => {
    const image = `r/web@${digest('a')}`;
    expect(liveAt(place, [deployment('web', image)], noPods)).toEqual({
      stable: { name: 'web', image, digest: digest('a'), replicas: 2, ready: 1 },
      gray: [],
    });
  });

  it('is nothing where there is no Deployment', () => {
    expect(liveAt(place, [deployment('db', 'r/db:v1')], noPods)).toEqual({ stable: null, gray: [] });
  });

  it('is every gray track, with its lane and the release that made it', () => {
    const found = [
      deployment('web', 'r/web:v1'),
      deployment('web-gray', `r/web@${digest('b')}`, own('r1')),
      deployment('web-blue', 'r/web:v3', own('r2', 'blue')),
    ];
    expect(liveAt(place, found, noPods).gray).toMatchObject([
      { name: 'web-gray', lane: 'gray', release: 'r1', digest: digest('b') },
      { name: 'web-blue', lane: 'blue', release: 'r2', digest: null },
    ]);
  });

  it.each<[string, readonly Pod[], string | null]>([
    ['what all its pods say', [pod(`r/web@${digest('a')}`), pod(`r/web@${digest('a')}`)], digest('a')],
    ['unknown where they differ', [pod(`r/web@${digest('a')}`), pod(`r/web@${digest('b')}`)], null],
    ['unknown where there are none', [], null],
    ['unknown where all are still of the image before', [pod(`r/web@${digest('a')}`, 'r/web:v0')], null],
    [
      'what those of the new image say',
      [pod(`r/web@${digest('a')}`, 'r/web:v0'), pod(`r/web@${digest('b')}`)],
      digest('b'),
    ],
  ])('behind a tag has as its digest %s', (_, pods, expected) => {
    const { stable } = liveAt(place, [deployment('web', 'r/web:v1')], () => pods);
    expect(stable).toMatchObject({ image: 'r/web:v1', digest: expected });
  });

  it('that is rolled out has the digest of its pods, however they spell their image', () => {
    const status = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
    const progress = { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' };
    const done = deployment('web', 'r/web:v1', {}, { status: { ...status, conditions: [progress] } });
    const pods = [pod(`mirror/web@${digest('a')}`, 'mirror/web:v1')];
    expect(liveAt(place, [done], () => pods).stable?.digest).toBe(digest('a'));
  });

  it('has no image where the container is not there', () => {
    const { stable } = liveAt({ ...place, container: 'other' }, [deployment('web', 'r/web:v1')], noPods);
    expect(stable).toMatchObject({ image: null, digest: null, ready: 1 });
  });

  it('is asked for one pod and has none where the Deployment says nothing of either', () => {
    const bare = deployment('web', 'r/web:v1', {}, { spec: { template: {} }, status: {} });
    expect(liveAt(place, [bare], noPods).stable).toMatchObject({ replicas: 1, ready: 0 });
  });
});
