import { describe, expect, it } from 'vitest';
import { environmentRow } from '../test/fakes/environment-view.js';
import { grayDigest, releaseId, samplePlan, sampleView, stableDigest } from '../test/fakes/release-view.js';
import { exampleTarget } from '../test/fakes/target.js';
import type { Application, Environment, ReleaseInput } from './application.js';
import type { Declared, EnvironmentRow, GrayTrack } from './environment.js';
import { lanesIn } from './lane-view.js';
import type { ReleaseView } from './release.js';
import type { Stage, Step } from './stage.js';
import type { Target } from './target.js';
import type { Enter } from './enter.js';
import type { Tag } from './traffic.js';

const prod: Environment = { name: 'prod', type: 'prod', namespace: 'shop' };
const tag: Tag = { header: 'x-lane', value: 'gray' };

function declared(name: string, change: Partial<Application> = {}): Declared {
  const application: Application = {
    name,
    image: `r/${name}`,
    traffic: { router: 'istio', entry: `http://${name}.example/` },
    environments: [prod],
    ...change,
  };
  return { current: { application }, environments: [], history: [] };
}

/** a calls b, b calls c. */
const chain = [
  declared('a', { dependsOn: ['b'] }),
  declared('b', { dependsOn: ['c'] }),
  declared('c', { traffic: { router: 'istio', edges: ['a'] } }),
];

const track = (application: string, release: string, lane = 'gray'): GrayTrack => ({
  name: `${application}-${lane}`,
  image: `r/${application}:v2`,
  digest: grayDigest,
  replicas: 2,
  ready: 1,
  lane,
  release,
});
const stable = environmentRow().live!.stable;
const row = (application: string, ...gray: readonly GrayTrack[]): EnvironmentRow =>
  environmentRow({ application, deployment: application, live: { stable, gray } });

const targetOf = (application: string, change: Partial<Target> = {}): Target => ({
  ...exampleTarget(),
  application,
  route: { ...exampleTarget().route!, route: application, stamps: tag },
  probe: { entry: `http://${application}.example/`, host: null, tag },
  ...change,
});
const tagStep: Step = { id: 'prod/2-tag', kind: 'tag', tag, summary: '' };

/** Of a release whose plan has this stage. */
function view(id: string, change: Partial<Stage>, shares: Readonly<Record<string, number>>): ReleaseView {
  const plan = samplePlan();
  const stage: Stage = { ...plan.stages[0]!, steps: [tagStep], ...change };
  const applications = Object.entries(shares).map(([name, grayWeight]) => ({
    name,
    version: 'v2',
    digest: grayDigest,
    stableDigest,
    grayWeight,
  }));
  return sampleView({ id, phase: 'holding', plan: { ...plan, stages: [stage] }, applications });
}
const known = (...views: readonly ReleaseView[]) => new Map(views.map((v) => [v.id, v]));

describe('lanes', () => {
  it('are none where no application has a gray track', () => {
    expect(lanesIn('prod', chain, [row('a'), row('b'), row('c')], known())).toEqual([]);
  });

  it('have members, caller before called, and between them those whose stable answers', () => {
    const targets = [targetOf('c', { inner: true }), targetOf('a')];
    const views = known(view('r1', { targets }, { a: 25, c: 25 }));
    const rows = [row('a', track('a', 'r1')), row('b'), row('c', track('c', 'r1'))];
    const member = {
      version: 'v2',
      digest: grayDigest,
      ready: 1,
      replicas: 2,
      release: 'r1',
      phase: 'holding',
    };
    const image = stable!.image;
    const answers = { version: 'v1', image, digest: stableDigest, ready: 2, replicas: 2, unseen: null };
    const url = 'http://a.example/';
    const entry = { application: 'a', router: 'contour', namespace: 'shop', route: 'a', url, enter: [] };
    expect(lanesIn('prod', chain, rows, views)).toEqual([
      {
        environment: 'prod',
        names: ['gray'],
        tag: 'x-lane: gray',
        entries: [entry],
        members: [
          { application: 'a', ...member, share: 25 },
          { application: 'c', ...member, share: 25 },
        ],
        baseline: [{ application: 'b', ...answers }],
        chain: ['a', 'b', 'c'],
      },
    ]);
  });

  it('are one where releases carry the same tag, each with its own share, and come in once at a shared route', () => {
    const enter: Enter = [[{ query: 'group', exact: 'gray' }]];
    const { probe } = targetOf('a');
    const guest = { ...targetOf('a').route!, guest: true as const, enter };
    const edge = { ...targetOf('a'), route: guest, probe };
    const views = known(
      view('r1', { targets: [targetOf('a')] }, { a: 50 }),
      view('r2', { targets: [targetOf('c', { inner: true })], edges: [edge] }, { c: 10 }),
    );
    const rows = [row('a', track('a', 'r1')), row('b'), row('c', track('c', 'r2'))];
    const found = lanesIn('prod', chain, rows, views);
    expect(found).toMatchObject([
      {
        members: [
          { application: 'a', release: 'r1', share: 50 },
          { application: 'c', release: 'r2', share: 10 },
        ],
        baseline: [{ application: 'b' }],
      },
    ]);
    expect(found[0]!.entries).toMatchObject([{ application: 'a', enter }]);
  });

  it('have the edge in their baseline where only what is behind it is released', () => {
    const edge = { ...targetOf('a'), route: { ...targetOf('a').route!, guest: true as const } };
    const views = known(view('r2', { targets: [targetOf('c', { inner: true })], edges: [edge] }, { c: 10 }));
    const [lane] = lanesIn('prod', chain, [row('a'), row('b'), row('c', track('c', 'r2'))], views);
    expect(lane).toMatchObject({ chain: ['a', 'b', 'c'], entries: [{ application: 'a' }] });
    expect(lane!.baseline.map((b) => b.application)).toEqual(['a', 'b']);
  });

  it('are two where the tags differ, also in one application', () => {
    const blue: Step = { ...tagStep, tag: { ...tag, value: 'blue' } };
    const views = known(
      view('r1', { targets: [targetOf('b')] }, { b: 0 }),
      view('r2', { targets: [targetOf('b', { lane: 'blue' })], steps: [blue] }, { b: 0 }),
    );
    const rows = [row('b', track('b', 'r1'), track('b', 'r2', 'blue')), row('c')];
    expect(lanesIn('prod', chain, rows, views)).toMatchObject([
      { tag: 'x-lane: blue', names: ['blue'], members: [{ release: 'r2' }], chain: ['b', 'c'] },
      { tag: 'x-lane: gray', names: ['gray'], members: [{ release: 'r1' }] },
    ]);
  });

  it('without a tag are kept together by their release only', () => {
    const canary = (id: string, name: string) =>
      view(id, { targets: [targetOf(name, { strategy: 'canary' })], steps: [] }, { [name]: 10 });
    const views = known(canary('r1', 'b'), canary('r2', 'c'));
    const rows = [row('b', track('b', 'r1')), row('c', track('c', 'r2'))];
    expect(lanesIn('prod', chain, rows, views)).toMatchObject([
      { tag: null, members: [{ application: 'b', share: 10 }] },
      { tag: null, members: [{ application: 'c' }] },
    ]);
  });
});

describe('a track whose release nobody knows', () => {
  const of = (release: ReleaseInput, change: Partial<Application> = {}, lane = 'gray') =>
    lanesIn(
      'prod',
      [declared('a'), declared('web', { release, ...change })],
      [row('a'), row('web', track('web', releaseId, lane))],
      known(),
    )[0];
  const enter = [{ header: 'x-user', prefix: 'qa-' }];

  it('has neither version, phase nor share', () => {
    expect(of({})!.members).toEqual([
      {
        application: 'web',
        version: null,
        digest: grayDigest,
        ready: 1,
        replicas: 2,
        release: releaseId,
        phase: null,
        share: null,
      },
    ]);
  });

  it.each<[string, Parameters<typeof of>, object]>([
    [
      'the tag and the route that are declared',
      [{ tag: { header: 'X-Lane', value: 'g1', enter } }],
      {
        tag: 'x-lane: g1',
        entries: [{ application: 'web', router: 'istio', namespace: 'shop', route: 'web', enter: [enter] }],
      },
    ],
    ['the tag of its own lane', [{ tag: { value: 'g1' } }, {}, 'blue'], { tag: 'x-lane: blue' }],
    ['no tag as a canary', [{ strategy: 'canary' }], { tag: null }],
    [
      'a tag as a canary behind an edge, and the entry there',
      [{ strategy: 'canary' }, { traffic: { router: 'istio', edges: ['a'] } }],
      { tag: 'x-lane: gray', entries: [{ application: 'a', url: 'http://a.example/' }], chain: ['a', 'web'] },
    ],
    ['no entry without traffic', [{}, { traffic: undefined } as object], { entries: [] }],
  ])('has %s', (_, args, expected) => {
    expect(of(...args)).toMatchObject(expected);
  });
});

describe('what answers beside a lane', () => {
  const of = (...rows: readonly EnvironmentRow[]) =>
    lanesIn('prod', chain, [row('b', track('b', 'r1')), ...rows], known())[0]!.baseline;
  const other = `sha256:${'f'.repeat(64)}`;

  it.each<[string, readonly EnvironmentRow[], object]>([
    [
      'has no version where something else runs',
      [environmentRow({ application: 'c', live: { stable: { ...stable!, digest: other }, gray: [] } })],
      { version: null, digest: other },
    ],
    [
      'is not known where its cluster is away, but for what was released',
      [environmentRow({ application: 'c', live: null, unseen: 'away' })],
      { version: 'v1', digest: stableDigest, ready: 0, unseen: 'away' },
    ],
    [
      'is not there where it has no Deployment',
      [environmentRow({ application: 'c', deployment: 'c', live: { stable: null, gray: [] } })],
      { unseen: 'there is no Deployment c' },
    ],
    ['is not known where nobody declares it', [], { version: null, unseen: 'it is not declared in prod' }],
  ])('%s', (_, rows, expected) => {
    expect(of(...rows)).toMatchObject([{ application: 'c', ...expected }]);
  });
});
