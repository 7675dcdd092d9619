import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput } from './application.js';
import { computePlan, type Plan } from './plan.js';
import { shareProblems } from './shares.js';

const application = (name: string, release: ReleaseInput = {}): Application => ({
  name,
  image: `r/${name}`,
  release,
  environments: [{ name: 'prod', type: 'prod', namespace: 'prod' }],
});

describe('shareProblems', () => {
  const image = { requested: 'r/a:v2', reference: 'r/a@sha256:2', digest: 'sha256:2', version: 'v2' };
  const include = { router: 'contour-include' } as const;
  const plan = (applications: readonly Application[], calls: Readonly<Record<string, string[]>> = {}): Plan =>
    computePlan({
      applications: applications.map((spec) => ({
        spec,
        image,
        observations: spec.environments.map(({ name: environment }) => ({
          application: spec.name,
          environment,
          exists: true,
          stableImage: 'r/a:v1',
          stableDigest: 'sha256:1',
          replicas: 2,
          readyReplicas: 2,
          container: 'app',
        })),
      })),
      environment: null,
      strategy: null,
      lane: null,
      calls,
    });
  const messages = (of: Plan): string[] => shareProblems(of).map(({ message }) => message);
  const blueGreen = { ...application('a', { strategy: 'blue-green' }), traffic: include };
  const other = { ...application('c'), traffic: { router: 'contour' } as const };

  it('has none for an application alone, nor for one behind others', () => {
    expect(messages(plan([blueGreen]))).toEqual([]);
    expect(messages(plan([blueGreen, other], { c: ['a'] }))).toEqual([]);
  });

  it('names the application whose include would need weights, or a tag on requests', () => {
    expect(messages(plan([blueGreen, other]))).toEqual([
      expect.stringContaining(
        'router contour-include of a switches all requests at once, and a step is: 10 %',
      ),
    ]);
    expect(messages(plan([blueGreen, other], { a: ['c'] }))).toEqual([
      expect.stringContaining(
        'requests come in at a, and its router contour-include cannot put a tag on them',
      ),
    ]);
  });
});
