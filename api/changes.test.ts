import { describe, expect, it } from 'vitest';
import type { Application } from '../domain/application.js';
import { computePlan } from '../domain/plan.js';
import { type Observation } from '../domain/target.js';
import { everyField } from '../test/fakes/application.js';
import { changesOf } from './changes.js';

const image = { requested: 'r/web:v2', reference: 'r/web@sha256:2', digest: 'sha256:2', version: 'v2' };

function changes(spec: Application, seen: Partial<Observation> = {}): string[] {
  const observation: Observation = {
    application: spec.name,
    environment: 'prod',
    exists: true,
    stableImage: 'r/web:v1',
    stableDigest: 'sha256:1',
    replicas: 2,
    readyReplicas: 2,
    container: 'web',
    ...seen,
  };
  const applications = [{ spec, image, observations: [observation] }];
  return changesOf(computePlan({ applications, environment: 'prod', strategy: null, lane: null }));
}

describe('changesOf', () => {
  it('names gray objects, the route with its steps, and the image of stable', () => {
    expect(changes(everyField)).toEqual([
      'prod: namespace shop: Deployment and Service web-prod-gray: made for the release, removed after it',
      'prod: namespace shop: HTTPRoute web: requests with x-lane: gray, then 10 % of all, then 50 % of all, then 100 % of all to web-prod-gray, restored after it',
      'prod: namespace shop: Deployment web-prod: image of container web from r/web:v1 to r/web@sha256:2',
    ]);
  });

  it("names gray's own HTTPProxy where a root includes it", () => {
    const traffic = { router: 'contour-include', route: 'example-com', include: 'web' } as const;
    const { environments, name, image: repository } = everyField;
    const spec: Application = {
      name,
      image: repository,
      traffic,
      release: { strategy: 'blue-green' },
      environments,
    };
    expect(changes(spec).slice(0, 2)).toEqual([
      'prod: namespace shop: Deployment, Service and HTTPProxy web-prod-gray: made for the release, removed after it',
      'prod: namespace shop: HTTPProxy example-com: requests with x-lane: gray, then 100 % of all to web-prod-gray, restored after it',
    ]);
  });

  it('names the Deployment that a first release creates', () => {
    expect(changes(everyField, { exists: false, stableImage: null, readyReplicas: 0 })).toEqual([
      'prod: namespace shop: Deployment web-prod: created with image r/web@sha256:2',
    ]);
  });

  it('says when stable runs that image already, and on which cluster', () => {
    const rolling: Application = {
      name: 'web',
      image: 'r/web',
      environments: [{ name: 'prod', type: 'prod', cluster: 'east', namespace: 'shop' }],
    };
    expect(changes(rolling, { stableImage: 'r/web@sha256:2' })).toEqual([
      'prod: namespace shop of cluster east: Deployment web: unchanged, it has this image already',
    ]);
  });
});
