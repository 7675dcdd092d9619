import { describe, expect, it } from 'vitest';
import type { Application, ReleaseInput } from './application.js';
import { laneProblems } from './lane.js';

const application = (name: string, release: ReleaseInput = {}, environments = ['prod']): Application => ({
  name,
  image: `r/${name}`,
  release,
  environments: environments.map((e) => ({ name: e, type: 'prod', namespace: e })),
});
const problems = (applications: readonly Application[], lane: string | null = null): string[] =>
  laneProblems(applications, { environment: null, lane }).map((p) => p.message);

describe('laneProblems', () => {
  it('has none for one application, and for several with the same lane', () => {
    expect(problems([application('a', { lane: 'x' })])).toEqual([]);
    expect(problems([application('a'), application('c')])).toEqual([]);
  });

  it('names the environment and every lane', () => {
    expect(problems([application('a'), application('c', { lane: 'blue' })])).toEqual([
      'In prod the applications have different lanes: a has gray (x-lane: gray); c has blue (x-lane: blue).',
    ]);
  });

  it('one lane for the release is enough, unless the headers differ', () => {
    expect(problems([application('a'), application('c', { lane: 'blue' })], 'green')).toEqual([]);
    const other = application('c', { tag: { header: 'x-mse-tag' } });
    expect(problems([application('a'), other], 'green')).toHaveLength(1);
  });

  it('applications that meet in no environment may differ', () => {
    expect(problems([application('a', {}, ['test']), application('c', { lane: 'blue' }, ['prod'])])).toEqual(
      [],
    );
  });
});
