import { describe, expect, it } from 'vitest';
import { changed, everyField, type Path } from '../../test/fakes/application.js';
import { fieldErrors, pointerOf, type FieldError } from '../fields.js';
import { applicationSchema } from './application.js';

function errorsOf(body: unknown): readonly FieldError[] {
  const result = applicationSchema.safeParse(body);
  return result.success ? [] : fieldErrors(result.error.issues, applicationSchema, body);
}

const missing = undefined;
const release = (...rest: Path): Path => ['release', ...rest];
const metric = (n: number, ...rest: Path): Path => ['release', 'analysis', 'metrics', n, ...rest];
const testing = (...rest: Path): Path => ['environments', 0, 'release', ...rest];
const batch = (n: number, ...rest: Path): Path => testing('batches', n, ...rest);
const edges: Path = ['traffic', 'edges'];
const prod = (...rest: Path): Path => ['environments', 1, ...rest];

/** What is set where, and what the error says: the pointer is that place unless another one is named. */
type Row = readonly [sentence: string, path: Path, value: unknown, says: Partial<FieldError>];

const rows: readonly Row[] = [
  ['no name', ['name'], missing, { found: 'nothing' }],
  ['a name with capitals', ['name'], 'Web', { found: '"Web"' }],
  ['a name that is too long', ['name'], 'a'.repeat(64), { expected: 'at most 63 characters' }],
  ['a name that is a number', ['name'], 7, { found: '7', expected: 'text' }],
  ['no image', ['image'], missing, { found: 'nothing' }],
  ['an image with a tag', ['image'], 'r.example/web:v1', { found: '"r.example/web:v1"' }],
  ['an image with a digest', ['image'], `r/web@sha256:${'0'.repeat(64)}`, {}],
  ['an image with capitals in its path', ['image'], 'r.example/Web', {}],
  ['an unknown key at the top', ['enviroments'], [], { nearest: 'environments', found: '[]' }],
  ['an unknown key like no other', ['zebra'], 1, { remedy: 'Remove "zebra".' }],

  ['a workload that is text', ['workload'], 'web', { expected: 'an object' }],
  ['a workload name with a space', ['workload', 'name'], 'we b', { found: '"we b"' }],
  ['a container with a dot', ['workload', 'container'], 'a.b', {}],
  ['a manifest of another kind', ['workload', 'manifest', 'kind'], 'StatefulSet', { expected: 'Deployment' }],
  ['a manifest of another API', ['workload', 'manifest', 'apiVersion'], 'v1', { expected: 'apps/v1' }],
  ['a manifest without a template', ['workload', 'manifest', 'spec', 'template'], missing, {}],
  ['a manifest that is a list', ['workload', 'manifest'], [], { expected: 'an object', found: '[]' }],
  ['an unknown key in workload', ['workload', 'containr'], 'x', { nearest: 'container' }],

  ['no router', ['traffic', 'router'], missing, { found: 'nothing' }],
  ['an unknown router', ['traffic', 'router'], 'istoi', { nearest: 'istio', found: '"istoi"' }],
  ['a route with an underscore', ['traffic', 'route'], 'a_b', {}],
  ['a service with a dot', ['traffic', 'service'], 'a.b', {}],
  ['port 0', ['traffic', 'port'], 0, { found: '0', expected: 'a whole number from 1 to 65535' }],
  ['a port that is too high', ['traffic', 'port'], 65_536, { found: '65536' }],
  ['a port as text', ['traffic', 'port'], '80', { found: '"80"' }],
  ['half a port', ['traffic', 'port'], 80.5, { found: '80.5' }],
  ['an entry without a scheme', ['traffic', 'entry'], 'shop.example/hello', {}],
  ['an entry with another scheme', ['traffic', 'entry'], 'ftp://shop.example', {}],
  ['an entry with credentials', ['traffic', 'entry'], 'http://u:p@shop.example', {}],
  ['a host with a path', ['traffic', 'host'], 'shop.example/x', {}],
  ['an unknown key in traffic', ['traffic', 'prot'], 80, { nearest: 'port' }],

  ['one that depends on itself', ['dependsOn', 1], 'web', { message: '"web" depends on itself.' }],
  ['one that depends on another twice', ['dependsOn', 1], 'cart', { expected: 'each name once' }],
  ['a dependsOn that is a name', ['dependsOn'], 'cart', { expected: 'a list' }],
  ['an edge of its own', edges, ['shop', 'web'], { pointer: '/traffic/edges/1', found: '"web"' }],
  ['an edge twice', edges, ['shop', 'shop'], { pointer: '/traffic/edges/1', expected: 'each name once' }],
  ['an edge that it calls', edges, ['cart'], { pointer: '/traffic/edges/0', remedy: 'Keep one of the two.' }],
  ['no edge', edges, [], { expected: 'at least one application' }],
  [
    'an edge of its own in an environment',
    prod('traffic', 'edges'),
    ['web'],
    { pointer: '/environments/1/traffic/edges/0', expected: 'another application' },
  ],

  [
    'a label of gray with an unknown variable',
    ['workload', 'grayLabels', 'x/track'],
    '{{stable}}',
    { pointer: '/workload/grayLabels/x~1track', expected: expect.stringContaining('{{lane}} and {{tag}}') },
  ],
  ['an unknown strategy', release('strategy'), 'bluegreen', { found: '"bluegreen"' }],
  ['a lane with an underscore', release('lane'), 'gray_1', {}],
  ['a lane that is too long', release('lane'), 'a'.repeat(41), { expected: 'at most 40 characters' }],
  ['a header with a space', release('tag', 'header'), 'x lane', {}],
  ['an empty header', release('tag', 'header'), '', { found: '""' }],
  ['a header that is none', release('tag', 'header'), ':authority', { found: '":authority"' }],
  [
    'a header that each proxy takes off',
    release('tag', 'header'),
    'Keep-Alive',
    { message: 'The tag cannot be the header "Keep-Alive": each proxy takes it off.' },
  ],
  [
    'a header that names the host',
    release('tag', 'header'),
    'host',
    { remedy: 'Choose a header that nothing else reads, such as x-lane.' },
  ],
  ['a header that measures the body', release('tag', 'header'), 'content-length', {}],
  [
    'a header with credentials',
    testing('tag'),
    { header: 'Authorization' },
    { pointer: '/environments/0/release/tag/header' },
  ],
  [
    'a header of cookies',
    release('tag', 'header'),
    'cookie',
    { remedy: 'Name one of them in enter, as cookie.' },
  ],
  [
    'a header of what others say',
    release('tag'),
    { header: 'baggage', baggage: 'lane' },
    { pointer: '/release/tag/header', remedy: 'Name a key of it in tag.baggage, beside a header.' },
  ],
  ['a tag that is no label value', release('tag', 'value'), 'a b', {}],
  ['an unknown key in tag', release('tag', 'heder'), 'x', { nearest: 'header' }],
  ['a verify without a unit', release('verify'), '30', { found: '"30"' }],
  ['a negative verify', release('verify'), '-1s', {}],
  ['no step at all', release('steps'), [], { expected: 'at least one step' }],
  ['steps that are a number', release('steps'), 10, { expected: 'a list' }],
  ['a weight above 100', release('steps', 1, 'weight'), 101, { found: '101' }],
  ['a negative weight', release('steps', 0, 'weight'), -1, { found: '-1' }],
  ['half a percent', release('steps', 0, 'weight'), 0.5, { found: '0.5' }],
  ['no weight', release('steps', 1, 'weight'), missing, { found: 'nothing' }],
  ['a weight below the one before', release('steps', 1, 'weight'), 5, { expected: 'more than 10' }],
  ['a weight like the one before', release('steps', 1, 'weight'), 10, { expected: 'more than 10' }],
  ['a hold that is no duration', release('steps', 0, 'hold'), '1 minute', {}],
  ['an unknown key in a step', release('steps', 0, 'wieght'), 10, { nearest: 'weight' }],
  ['no pods', batch(0, 'pods'), 0, { expected: expect.stringContaining('from 1 to 10000') }],
  ['half a pod', batch(0, 'pods'), 1.5, { found: '1.5' }],
  ['a share of nothing', batch(1, 'pods'), '0%', { expected: expect.stringContaining('"1%" to "100%"') }],
  ['a share of more than all', batch(2, 'pods'), '101%', { found: '"101%"' }],
  ['a share without its sign', batch(1, 'pods'), '30', { found: '"30"' }],
  ['batches that do not go up', batch(2, 'pods'), '30%', { expected: 'more pods than before' }],
  [
    'a batch after all of them',
    batch(1, 'pods'),
    '100%',
    { pointer: '/environments/0/release/batches/2/pods' },
  ],
  ['no batch', testing('batches'), [], { expected: 'at least one batch' }],
  ['batches beside weights', release('batches'), [{ pods: 1 }], { expected: 'the strategy rolling' }],
  ['an unknown key in a batch', batch(0, 'approve'), true, { nearest: 'approval' }],
  ['no replicas', release('replicas'), 0, { expected: 'a whole number from 1 to 10000' }],
  ['replicas in words', release('replicas'), 'many', { found: '"many"' }],
  ['a queue policy that is not known', release('queue'), 'skip', {}],
  ['a queue deadline of nothing', release('queueDeadline'), '0s', {}],
  ['a progress deadline that is a number', release('progressDeadline'), 600, { expected: 'text' }],
  ['a drain that is no duration', release('drain'), 'soon', {}],
  ['a rollback deadline of nothing', release('rollbackDeadline'), '0m', {}],
  ['an unknown key in release', release('stratgey'), 'gray', { nearest: 'strategy' }],
  ['a release that is null', ['release'], null, { found: 'null' }],

  ['required in words', release('approval', 'required'), 'yes', { expected: 'true or false' }],
  ['a quorum of none', release('approval', 'quorum'), 0, { found: '0' }],
  ['half a quorum', release('approval', 'quorum'), 1.5, { found: '1.5' }],
  ['a quorum above the approvers', release('approval', 'quorum'), 3, { expected: 'at most 2' }],
  ['approvers that are one name', release('approval', 'approvers'), 'alice', { expected: 'a list' }],
  ['an approver without a name', release('approval', 'approvers', 0), ' ', { found: '" "' }],
  ['an approver twice', release('approval', 'approvers', 1), 'alice', { expected: 'each name once' }],
  ['separation of duties in words', release('approval', 'separationOfDuties'), 1, {}],
  ['an approval deadline of nothing', release('approval', 'deadline'), '0h', {}],
  ['an unknown end of the deadline', release('approval', 'onDeadline'), 'aprove', { nearest: 'approve' }],
  ['an unknown key in approval', release('approval', 'qorum'), 1, { nearest: 'quorum' }],

  ['a Prometheus without a scheme', release('analysis', 'prometheus'), 'prometheus:9090', {}],
  ['no metric', release('analysis', 'metrics'), [], { expected: 'at least one metric' }],
  ['a metric without a name', metric(0, 'name'), missing, { found: 'nothing' }],
  ['two metrics of one name', metric(1, 'name'), 'errors', { expected: 'each name once' }],
  ['an unknown built-in', metric(0, 'builtin'), 'error-rat', { nearest: 'error-rate' }],
  ['a metric without a source', metric(0, 'builtin'), missing, { pointer: '/release/analysis/metrics/0' }],
  ['a metric with two sources', metric(0, 'value'), 'x', { pointer: '/release/analysis/metrics/0' }],
  ['counts without errors', metric(1, 'counts', 'errors'), missing, {}],
  ['an unknown key in counts', metric(1, 'counts', 'error'), 'x', { nearest: 'errors' }],
  ['an empty query', metric(2, 'value'), '  ', {}],
  ['a metric without a bound', metric(1, 'max'), missing, { pointer: '/release/analysis/metrics/1' }],
  ['a min in words', metric(2, 'min'), 'low', { found: '"low"' }],
  ['a min above the max', metric(2, 'min'), 101, { expected: 'min <= max' }],
  ['a hard limit below the max', metric(0, 'hardMax'), 0.5, { expected: 'hardMax >= max' }],
  ['a negative sample size', metric(0, 'minRequests'), -1, { found: '-1' }],
  ['a ratio of no requests', metric(1, 'minRequests'), 0, { expected: 'at least 1 with counts' }],
  ['an unknown key in a metric', metric(0, 'treshold'), 1, { found: '1' }],
  ['an interval of nothing', release('analysis', 'interval'), '0s', {}],
  ['a window that is no duration', release('analysis', 'window'), '1min', {}],
  ['a negative failure limit', release('analysis', 'failureLimit'), -1, {}],
  ['half an error limit', release('analysis', 'consecutiveErrorLimit'), 0.5, {}],
  ['an unknown end of an inconclusive hold', release('analysis', 'onInconclusive'), 'abort', {}],
  ['an inconclusive deadline of nothing', release('analysis', 'inconclusiveDeadline'), '0s', {}],
  ['an unknown key in analysis', release('analysis', 'metric'), [], { nearest: 'metrics' }],

  ['no environments', ['environments'], missing, { found: 'nothing' }],
  ['an empty list of environments', ['environments'], [], { expected: 'at least one environment' }],
  ['environments as an object', ['environments'], { prod: {} }, { expected: 'a list' }],
  ['an environment without a name', prod('name'), missing, {}],
  ['an environment twice', prod('name'), 'test', { expected: 'each name once' }],
  ['an unknown type', prod('type'), 'production', { found: '"production"' }],
  ['no type', prod('type'), missing, { expected: 'one of test, pre, gray, prod' }],
  [
    'one that comes after another that is not declared',
    prod('after', 0),
    'tset',
    { expected: 'one of test' },
  ],
  ['one that comes after itself', prod('after', 0), 'prod', { expected: 'one of test' }],
  [
    'one that comes after another behind it',
    ['environments', 0, 'after'],
    ['prod'],
    { pointer: '/environments/0/after/0', expected: 'nothing: it is the first' },
  ],
  ['one that comes after another twice', prod('after', 1), 'test', { expected: 'each name once' }],
  ['an after that is a name', prod('after'), 'test', { expected: 'a list' }],
  ['a cluster with a capital', prod('cluster'), 'East', {}],
  ['no namespace', prod('namespace'), missing, {}],
  ['a namespace with a dot', prod('namespace'), 'a.b', {}],
  ['a workload name in an environment', prod('workload', 'name'), '', {}],
  ['a port in an environment', prod('traffic', 'port'), -1, { found: '-1' }],
  ['a setting in an environment', prod('release', 'replicas'), 1.5, {}],
  [
    'a manifest kind in an environment',
    prod('workload', 'manifest'),
    { kind: 'Pod' },
    {
      pointer: '/environments/1/workload/manifest/kind',
    },
  ],
  [
    'the Deployment of another environment',
    prod(),
    { name: 'prod', type: 'prod', namespace: 'test' },
    {
      expected: 'a place of its own',
      message: '"prod" is Deployment "web" in namespace "test" of cluster "default", and so is "test".',
    },
  ],
  [
    'the same, named there only',
    ['environments', 0],
    { name: 'test', type: 'test', cluster: 'default', namespace: 'shop', workload: { name: 'web-prod' } },
    { pointer: '/environments/1', remedy: 'Give it another namespace, cluster or workload.name.' },
  ],
  ['an unknown key in an environment', prod('namspace'), 'x', { nearest: 'namespace' }],
  ['an unknown key with a slash and a tilde', ['a/b~c'], 1, { pointer: '/a~1b~0c' }],
];

describe('applicationSchema', () => {
  it('takes an application with every field', () => {
    expect(errorsOf(everyField)).toEqual([]);
  });

  it('keeps what was declared, and adds nothing', () => {
    expect(applicationSchema.parse(everyField)).toEqual(everyField);
  });

  it('takes the least that an application can be', () => {
    const least = { name: 'a', image: 'a', environments: [{ name: 'p', type: 'prod', namespace: 'n' }] };
    expect(errorsOf(least)).toEqual([]);
  });

  it.each(rows)('refuses %s', (_, path, value, says) => {
    const errors = errorsOf(changed(everyField, path, value));
    const pointer = says.pointer ?? pointerOf(path);
    const error = errors.find((e) => e.pointer === pointer);
    expect(errors.map((e) => e.pointer)).toContain(pointer);
    expect(error).toMatchObject({
      ...says,
      message: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
    });
    expect(error?.found).toMatch(/./);
    expect(error?.expected).toMatch(/./);
  });

  it.each(rows)('names no other field for %s', (_, path, value, says) => {
    const pointers = errorsOf(changed(everyField, path, value)).map((e) => e.pointer);
    const places = [says.pointer ?? pointerOf(path), pointerOf(path)];
    expect(pointers.filter((p) => !places.some((place) => p.startsWith(place)))).toEqual([]);
  });

  it('names every wrong field at once, and rules between fields too', () => {
    const body = {
      name: 'Web',
      image: 'web:v1',
      trafic: {},
      release: {
        strategy: 'gray',
        steps: [{ weight: 50, hold: 'x' }, { weight: 10 }],
        approval: { quorum: 2, approvers: ['a'], required: 'yes' },
        analysis: { metrics: [{ name: 'A', builtin: 'error-rate', value: 'x' }] },
      },
      environments: [
        { name: 'p', type: 'prod', namespace: 'n' },
        { name: 'p', type: 'x', namespace: 'n' },
      ],
    };
    expect(
      errorsOf(body)
        .map((e) => e.pointer)
        .sort(),
    ).toEqual([
      '/environments/1/name',
      '/environments/1/type',
      '/image',
      '/name',
      '/release/analysis/metrics/0',
      '/release/analysis/metrics/0',
      '/release/analysis/metrics/0/name',
      '/release/approval/quorum',
      '/release/approval/required',
      '/release/steps/0/hold',
      '/release/steps/1/weight',
      '/release/strategy',
      '/trafic',
    ]);
  });

  it('refuses a strategy that moves traffic where there is none', () => {
    const body = changed(changed(everyField, ['traffic'], undefined), prod('traffic'), undefined);
    expect(errorsOf(body)).toMatchObject([{ pointer: '/release/strategy', found: '"gray"' }]);
  });

  it('refuses traffic of an environment that has no router anywhere', () => {
    const body = changed(changed(everyField, ['traffic'], undefined), release('strategy'), undefined);
    expect(errorsOf(body)).toMatchObject([{ pointer: '/environments/1/traffic/router', found: 'nothing' }]);
  });

  it.each([
    ['cluster', { namespace: 'test', cluster: 'east' }],
    ['Deployment', { namespace: 'test', workload: { name: 'web-prod' } }],
    ['namespace', { namespace: 'shop' }],
  ])('takes two environments that differ in their %s', (_, place) => {
    expect(errorsOf(changed(everyField, prod(), { name: 'prod', type: 'prod', ...place }))).toEqual([]);
  });

  it.each([null, [], 'web', 7, true])('refuses a body that is %j', (body) => {
    expect(errorsOf(body)).toMatchObject([{ pointer: '', expected: 'an object' }]);
  });

  it('cuts a long value short', () => {
    const found = errorsOf(changed(everyField, ['name'], 'x'.repeat(5_000)))[0]?.found;
    expect(found?.length).toBe(80);
  });
});
