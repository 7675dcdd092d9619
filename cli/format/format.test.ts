import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { ReleaseEvent } from '../../domain/release.js';
import { failure } from '../../domain/failures.js';
import { routerNames } from '../../domain/traffic.js';
import { endedView, rejection, samplePlan, sampleView, startedAt } from '../../test/fakes/release-view.js';
import { parseYaml } from '../yaml.js';
import { applicationLines, applicationRows, releaseRows } from './lists.js';
import { ansiPaint, noPaint } from './paint.js';
import { renderManifests, renderPlan } from './plan.js';
import { renderProblem } from './problem.js';
import { eventLine, renderRelease, waitingLines } from './release.js';
import { starter } from './starter.js';
import { elapsed, oneLine, table } from './text.js';

const options = { paint: noPaint, now: Date.parse(startedAt) + 95_000 };
const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;

it.each([
  [400, '0 s'],
  [59_000, '59 s'],
  [95_000, '1 min 35 s'],
  [7_200_000, '2 h'],
  [93_600_000, '1 d 2 h'],
  [-5_000, '0 s'],
])('%d ms is said as %s', (ms, said) => {
  expect(elapsed(ms)).toBe(said);
});

it('pads columns but not the last', () => {
  expect(
    table([
      ['a', 'bb', 'c'],
      ['aaa', 'b', ''],
    ]),
  ).toEqual(['a    bb  c', 'aaa  b']);
});

it('shows control characters of others instead of obeying them', () => {
  expect(oneLine('a\u001B[2Jb\nc')).toBe('a\uFFFD[2Jb c');
});

describe('a release', () => {
  it('that waits says for what, until when and what can be done', () => {
    expect(text(renderRelease(sampleView(), options))).toMatchInlineSnapshot(`
      "
      web v2 to prod  waiting for approval
      release k3f9a2m1x7q0, plan 7c6beeac470498c9, by ann 1 min 35 s ago: weekly

        prod
        ✓ deploy v2 gray beside stable  12 s  1 pod ready
        ✓ send requests with x-lane: gray to gray  12 s
        ▶ wait for 1 approval(s)  1 min 35 s
        · 50 % of traffic to gray
        · hold 50 % for 30s
        · set stable to v2
        · traffic back to stable
        · remove the gray objects after a drain of 5s

      waiting: an approver to approve web v2 in prod, 23 h 58 min left
        sluice approve k3f9a2m1x7q0
        sluice reject k3f9a2m1x7q0 --reason ...
        sluice abort k3f9a2m1x7q0 --reason ...
      "
    `);
  });

  it('that shifts shows its weight', () => {
    const view = sampleView({
      phase: 'holding',
      waitingOn: null,
      applications: [{ ...sampleView().applications[0]!, grayWeight: 50 }],
    });
    expect(renderRelease(view, options)[0]).toMatchInlineSnapshot(`"web v2 to prod  holding, 50 % gray"`);
  });

  it('in batches says how many pods run which version', () => {
    const batching = {
      old: { workload: 'web', image: 'r/web:v1', revision: '7', pods: 3 },
      new: { workload: 'web-batch', image: 'r/web@sha256:1', revision: null, pods: 1 },
    };
    const [web] = sampleView().applications;
    const lines = renderRelease({ ...sampleView(), applications: [{ ...web!, batching }] }, options);
    expect(lines.slice(3, 5)).toEqual([
      '  web old: 3 pod(s) of r/web:v1 (web, revision 7)',
      '  web new: 1 pod(s) of r/web@sha256:1 (web-batch)',
    ]);
  });

  it('that was rejected says by whom, why, and the remedy', () => {
    expect(text(renderRelease(endedView('rolled_back', rejection), options).slice(-4)))
      .toMatchInlineSnapshot(`
      "

      rolled back: web v2 (sha256:bbbbbbbbbbbb) after 4 min
        ben rejected the release: prices are wrong [approval_rejected]
        Mend what the reason names, then release again.
      "
    `);
  });

  it('that was abandoned says what is left behind', () => {
    const why = failure('abandoned', { who: 'ben', reason: 'cluster is gone', left: ['remove web-gray'] });
    const view = endedView('failed', why);
    const left = { ...view, outcome: { ...view.outcome!, left: ['remove web-gray'] } };
    expect(renderRelease(left, options).at(-1)).toMatchInlineSnapshot(`"  left behind: remove web-gray"`);
  });

  it('is painted only for a terminal', () => {
    const painted = renderRelease(sampleView(), { ...options, paint: ansiPaint }).join('\n');
    expect(painted).toContain('\u001B[33mwaiting for approval\u001B[39m');
    expect(renderRelease(sampleView(), options).join('\n')).not.toContain('\u001B');
  });
});

it('an event is one line', () => {
  const event: ReleaseEvent = {
    id: 4,
    at: startedAt,
    type: 'traffic',
    step: 'prod/4-weight',
    message: 'a\nb',
  };
  expect(eventLine(event, noPaint)).toMatchInlineSnapshot(`"03:04:05 traffic  prod/4-weight a b"`);
});

it('a plan shows stages, digests, steps, warnings and its hash', () => {
  expect(text(renderPlan(samplePlan(), ['Deployment shop/web-gray is created'], noPaint)))
    .toMatchInlineSnapshot(`
      "
      plan 7c6beeac470498c9, nothing was changed

      prod  gray
        web in default/shop: sha256:aaaaaaaaaaaa -> v2 sha256:bbbbbbbbbbbb
        1  deploy v2 gray beside stable
        2  send requests with x-lane: gray to gray
        3  wait for 1 approval(s)
        4  50 % of traffic to gray
        5  hold 50 % for 30s
        6  set stable to v2
        7  traffic back to stable
        8  remove the gray objects after a drain of 5s

      warnings
        ! No analysis: the steps only wait, nothing is judged.

      changes in the cluster
        Deployment shop/web-gray is created
      "
    `);
});

it('says how a version got past the environments before', () => {
  const plan = samplePlan();
  const gate = { application: 'web', environment: 'test' };
  const gates = [
    { ...gate, passed: 'before', release: '4k2m', at: '2026-01-02T03:04:05.678Z' },
    { ...gate, environment: 'pre', passed: 'overridden', by: 'zoe', reason: 'the shop\nis down' },
  ] as const;
  const stages = plan.stages.map((stage) => ({ ...stage, gates }));
  expect(renderPlan({ ...plan, stages }, [], noPaint).slice(2, 5)).toEqual([
    'prod  gray',
    '  web passed test on 2026-01-02 03:04 UTC by release 4k2m',
    '  web has not passed pre: overridden by zoe: the shop is down',
  ]);
});

it('a plan shows what differs from what is declared, and the declared Deployments themselves', () => {
  const plan = samplePlan();
  const fields = [
    { path: 'spec.replicas', live: '5', declared: '2' },
    { path: 'spec.paused', live: 'true', declared: null },
  ];
  const [stage] = plan.stages;
  const drifted = { ...plan, stages: [{ ...stage!, drift: { web: { fields, more: 3 } } }] };
  const lines = renderPlan(drifted, [], noPaint);
  const from = lines.findIndex((line) => line.includes('differs'));
  expect(lines.slice(from, from + 4)).toEqual([
    '  web differs from what is declared; a release changes only the image',
    '    spec.replicas: 5, declared 2',
    '    spec.paused: true, declared not set',
    '    and 3 more',
  ]);
  const manifest = { kind: 'Deployment', metadata: { name: 'we\u0007b' } };
  expect(renderManifests([{ application: 'web', environment: 'prod', manifest }])).toEqual([
    '---',
    '# web in prod',
    'kind: Deployment',
    'metadata:',
    expect.stringMatching(/^  name: /),
  ]);
});

describe('a problem', () => {
  const document = (() => {
    const parsed = parseYaml(
      'app.yaml',
      'name: web\nenvironments:\n  - name: prod\n\tnaemspace: x\n'.replace('\t', '    '),
    );
    if (!parsed.ok) throw new Error('the sample is well-formed');
    return parsed.documents[0]!;
  })();

  it('shows the line, a caret and what to do', () => {
    const problem = {
      detail: 'The body has 3 problem(s).',
      code: 'invalid_body',
      remedy: 'Mend each of the errors listed.',
      errors: [
        {
          pointer: '/environments/0/naemspace',
          message: 'There is no key "naemspace" here.',
          found: '"x"',
          expected: 'one of name, namespace, type',
          remedy: 'Did you mean namespace?',
          nearest: 'namespace',
        },
        {
          pointer: '/environments/0/type',
          message: 'type is missing.',
          found: 'nothing',
          expected: 'one of test, pre, gray, prod',
          remedy: 'Add type: one of test, pre, gray, prod.',
        },
        {
          pointer: '/name',
          message: 'name is "web", expected something else.',
          remedy: 'Write something else.',
        },
      ],
    };
    expect(text(renderProblem(problem, noPaint, document))).toMatchInlineSnapshot(`
      "
      error: The body has 3 problem(s). [invalid_body]

      app.yaml:4:5: There is no key "naemspace" here. (/environments/0/naemspace)
          |
        4 |     naemspace: x
          |     ^^^^^^^^^
        expected one of name, namespace, type
        Did you mean namespace?

      app.yaml:3:5: type is missing. (/environments/0/type)
          |
        3 |   - name: prod
          |     ^^^^^^^^^^
        Add type: one of test, pre, gray, prod.

      app.yaml:1:7: name is "web", expected something else. (/name)
          |
        1 | name: web
          |       ^^^
        Write something else.
      "
    `);
  });

  it('that blames one field and nothing else says it once', () => {
    const message = 'The decision is for plan old.';
    const errors = [{ pointer: '/planHash', message, remedy: 'Look again.' }];
    expect(renderProblem({ detail: message, code: 'decision_stale', errors }, noPaint)).toEqual([
      'error: The decision is for plan old. [decision_stale]',
      '  Look again.',
    ]);
  });

  it('without a document names the pointer, and every cause its remedy', () => {
    const problem = {
      detail: 'The release was refused and nothing was changed: Service "web" does not exist.',
      code: 'release_refused',
      errors: [{ pointer: '', message: 'Service "web" does not exist.', remedy: 'Create it.' }],
    };
    expect(text(renderProblem(problem, noPaint))).toMatchInlineSnapshot(`
      "
      error: The release was refused and nothing was changed. [release_refused]

      Service "web" does not exist.
        Create it.
      "
    `);
  });

  it('of something in between is said in its words', () => {
    expect(renderProblem({ status: 502, detail: 'The server answered 502: Bad Gateway' }, noPaint)).toEqual([
      'error: The server answered 502: Bad Gateway',
    ]);
  });
});

it('a list of releases has a row for each, with what it waits for or how long it took', () => {
  const rows = [
    {
      id: 'a',
      phase: 'holding',
      applications: ['web'],
      environment: 'prod',
      weight: 50,
      waitingOn: 'ann',
      initiator: 'ann',
      startedAt,
      endedAt: null,
    },
    {
      id: 'b',
      phase: 'rolled_back',
      applications: ['web'],
      environment: null,
      weight: 0,
      waitingOn: null,
      initiator: 'ann',
      startedAt,
      endedAt: startedAt,
    },
  ] as const;
  expect(text(releaseRows(rows, options))).toMatchInlineSnapshot(`
    "
    RELEASE  APPLICATION  ENVIRONMENT  PHASE                   STARTED
    a        web          prod         holding      50 % gray  1 min 35 s ago  ann
    b        web                       rolled back             1 min 35 s ago  took 0 s
    "
  `);
});

it('an application shows what runs where and what was released lately', () => {
  const application = { name: 'web', image: 'registry.example/shop/web', environments: [] };
  const current = { version: 3, declaredAt: startedAt, by: 'ann', application };
  const entry = {
    release: 'a1',
    environment: 'prod',
    version: 'v1',
    digest: 'sha256:aaaaaaaaaaaaaaaa',
    previousDigest: null,
    phase: 'succeeded',
    initiator: 'ann',
    reason: 'weekly',
    startedAt,
    endedAt: startedAt,
  } as const;
  const environments = [
    {
      name: 'prod',
      running: 'k3',
      queue: ['x', 'y'],
      waiting: [
        { release: 'x', urgent: true, expectedAt: new Date(options.now + 300_000).toISOString() },
        { release: 'y', urgent: false, expectedAt: null },
      ],
      digest: entry.digest,
      version: 'v1',
    },
    { name: 'test', running: null, queue: [], digest: null, version: null },
  ];
  const view = { current, versions: [current], environments, history: [entry] };
  expect(text(applicationLines(view, options))).toMatchInlineSnapshot(`
    "
    web  registry.example/shop/web
    version 3 of its declaration, by ann 1 min 35 s ago

    environments
      prod  v1                    sha256:aaaaaaaaaaaa  release k3 under way  2 waiting
      test  nothing released yet

    queue
      prod 1  x  goes first  its turn in about 5 min
      prod 2  y

    history
      a1  prod  v1  succeeded  1 min 35 s ago  ann  weekly
    "
  `);
});

it('applications are listed with what is released now', () => {
  const row = { name: 'web', image: 'r.example/web', version: 1, environments: ['test', 'prod'] };
  const busy = [
    { environment: 'test', running: 'k3', waiting: 0 },
    { environment: 'prod', running: 'k2', waiting: 2 },
  ];
  expect(
    text(
      applicationRows(
        [
          { ...row, busy },
          { ...row, name: 'api' },
        ],
        noPaint,
      ),
    ),
  ).toMatchInlineSnapshot(`
    "
    APPLICATION  IMAGE          VERSION  ENVIRONMENTS  RELEASING
    web          r.example/web  1        test, prod    test: k3; prod: k2, 2 waiting
    api          r.example/web  1        test, prod
    "
  `);
});

it('a release that waits says its place and when its turn is expected', () => {
  const queue = { application: 'web', environment: 'prod', place: 1, behind: 'k3' };
  const what = 'web in prod: place 1 in the queue, behind k3';
  const waiting = (expectedAt: string | null) =>
    waitingLines(
      {
        ...sampleView(),
        waitingOn: {
          what,
          since: startedAt,
          until: new Date(options.now + 3_600_000).toISOString(),
          can: ['abort'],
          queue: { ...queue, expectedAt },
        },
      },
      options,
    )[0];
  expect(waiting(new Date(options.now + 130_000).toISOString())).toBe(
    `waiting: ${what}, its turn in about 2 min 10 s, 1 h left`,
  );
  expect(waiting(null)).toBe(`waiting: ${what}, 1 h left`);
});

it.each(routerNames)('the starter for %s is an application', (router) => {
  const starting = parse(starter({ name: 'web', image: 'registry.example/web', router })) as object;
  expect(starting).toMatchObject({
    name: 'web',
    traffic: { router },
    environments: [{ namespace: 'default' }],
  });
});
