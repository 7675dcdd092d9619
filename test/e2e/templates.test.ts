/** Templates on a real cluster: applications made of one, and Deployments that differ from what theirs renders. */
import { serve, type ServerType } from '@hono/node-server';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import type { Application } from '../../domain/application.js';
import type { Plan } from '../../domain/plan.js';
import type { Deployment } from '../../activities/kubernetes/objects.js';
import { sluice, type Ran } from '../cli.js';
import { quick, World } from '../rig/world.js';

let world: World;
let server: ServerType;
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'sluice-templates-'));

beforeAll(async () => {
  world = await World.create(inject('stack'));
  url = await new Promise((resolve) => {
    const fetch = (request: Request) => world.api.fetch(request);
    server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
  });
});
afterAll(async () => {
  server.close();
  rmSync(folder, { recursive: true });
  await world.close();
});

const run = (...args: readonly string[]): Promise<Ran> => sluice(url, args);
const path = (): string => `/apis/apps/v1/namespaces/${world.namespace}/deployments/shop`;
const live = (): Promise<Deployment> => world.kube.get<Deployment>(path());

/** The user's Deployment as a template, as it stands in the cluster. */
function template(): string {
  const [deployment] = world.objects().filter((o) => o.kind === 'Deployment') as [Deployment];
  return stringify(deployment)
    .replace(/image: .*/, 'image: {{ .image.app }}')
    .replace('memory: 32Mi', 'memory: {{ .values.memory }}');
}
const templated = (): Application => ({
  ...world.application(quick),
  workload: { name: 'shop', container: 'app', template: template() },
  values: { memory: '32Mi' },
});
const plan = async (): Promise<{ plan: Plan; manifests: readonly object[] }> => {
  const body = { applications: [{ name: world.applicationName, image: 'v2' }] };
  const answer = await world.call('POST', '/v1/plans', body);
  expect(answer.status).toBe(200);
  return answer.body as never;
};

describe('a Deployment that is declared by a template', () => {
  it('is compared with the live one: defaults of the API server and the image are no difference', async () => {
    expect(await world.declare(templated())).toMatchObject({ status: 201 });
    const { plan: same, manifests } = await plan();
    expect(same.stages[0]).not.toHaveProperty('drift');
    expect(same.warnings.join()).not.toContain('declared');
    expect(manifests).toMatchObject([
      { environment: 'prod', manifest: { spec: { template: { spec: { containers: [{ name: 'app' }] } } } } },
    ]);
  });

  it('and what somebody changed is told field by field, while a release changes only the image', async () => {
    const env = [
      { name: 'APP', value: 'shop' },
      { name: 'DB_PASSWORD', value: 'hunter1' },
    ];
    const declared = template().replace(
      '            - name: APP',
      '            - { name: DB_PASSWORD, value: hunter2 }\n            - name: APP',
    );
    await world.declare({
      ...templated(),
      workload: { name: 'shop', container: 'app', template: declared },
      values: { memory: '64Mi' },
    });
    await world.kube.patch(path(), 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'app', env }] } } },
    });
    await world.stableAvailable();
    const before = await world.snapshot();
    const { plan: planned, manifests } = await plan();
    expect(await world.snapshot()).toEqual(before);
    const container = 'spec.template.spec.containers[app]';
    expect(planned.stages[0]?.drift).toEqual({
      [world.applicationName]: {
        fields: [
          { path: `${container}.env[DB_PASSWORD].value`, live: '"***"', declared: '"***"' },
          { path: `${container}.resources.requests.memory`, live: '"32Mi"', declared: '"64Mi"' },
        ],
        more: 0,
      },
    });
    expect(planned.warnings.join()).toContain('resources.requests.memory is "32Mi", declared "64Mi"');
    expect(JSON.stringify([planned, manifests])).not.toContain('hunter');
    const told = await run('plan', `${world.applicationName}@v2`, '--manifests');
    expect(told.out).toContain(`${container}.resources.requests.memory: "32Mi", declared "64Mi"`);
    expect(told.out).toContain(`# ${world.applicationName} in prod\n`);
    expect(told.out).toContain('          image: ');

    const stable = await live();
    const ended = await world.ended(await world.release('v2'));
    expect(ended.outcome).toMatchObject({ phase: 'succeeded' });
    const kinds = ended.evidence.filter((e) => e.step === 'plan').map((e) => e.kind);
    expect(kinds).toEqual(['manifest', 'drift']);
    expect(JSON.stringify(ended)).not.toContain('hunter');
    const { spec } = await live();
    expect(JSON.stringify(spec).replace(/"image":"[^"]*"/, '')).toBe(
      JSON.stringify(stable.spec).replace(/"image":"[^"]*"/, ''),
    );
  });

  it('that the cluster would refuse stops no release: the plan says why it is not compared', async () => {
    const other = template().replaceAll('app: shop', 'app: other');
    await world.declare({ ...templated(), workload: { name: 'shop', container: 'app', template: other } });
    const { plan: planned } = await plan();
    expect(planned.warnings.join()).toMatch(
      /could not be compared with what is declared: .*field is immutable/,
    );
  });
});

describe('an application template', () => {
  it('makes applications that the API takes, and shows how they drift', async () => {
    const file = join(folder, 'plain.yaml');
    const text = (type: string): string =>
      `name: {{ .name }}\nimage: r.example/{{ .name }}\nenvironments:\n  - { name: prod, type: ${type}, namespace: {{ .values.namespace }} }\n`;
    writeFileSync(file, text('prod'));
    const names = ['a', 'b'].map((name) => `${name}-${world.namespace}`) as [string, string];
    const values = ['--set', 'namespace=shop', '--apply'];
    const made = await run('new', '--template', file, ...values, ...names);
    expect(made).toEqual({ code: 0, out: names.map((n) => `${n} created, version 1\n`).join(''), err: '' });
    const diff = (...args: readonly string[]): Promise<Ran> => run('diff', '--template', file, ...args);
    // Named: the list is of all applications on the shared Temporal server, also of those whose workers have gone.
    const same = await diff(...names);
    expect(same).toMatchObject({ code: 0, err: '' });
    for (const name of names) expect(same.out).toContain(`${name}  is as the template makes it`);

    writeFileSync(file, text('gray'));
    const drifted = await diff(names[0]);
    expect(drifted).toMatchObject({ code: 11, err: '' });
    expect(drifted.out).toContain('-    type: prod\n+    type: gray\n');
    const { body } = await world.call('GET', `/v1/applications/${names[1]}`);
    expect(body['current']).toMatchObject({ version: 1, application: { environments: [{ type: 'prod' }] } });
    for (const name of names) await world.call('DELETE', `/v1/applications/${name}`);
  });
});
