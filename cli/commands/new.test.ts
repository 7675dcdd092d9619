import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { applicationSchema } from '../../api/schemas/application.js';
import type { Application } from '../../domain/application.js';
import { sluice, type Ran } from '../../test/cli.js';
import { FakeApi, problem, reply } from '../../test/fakes/sluice-api.js';

const template = `name: {{ .name }}
image: {{ required "which registry" .values.registry }}/{{ .name }}
environments:
  # Where people are.
  - { name: prod, type: prod, namespace: {{ default "shop" .values.namespace }} }
`;
const registry = ['--set', 'registry=r.example'];

let api: FakeApi;
let folder: string;
beforeEach(async () => {
  api = await FakeApi.start();
  folder = mkdtempSync(join(tmpdir(), 'sluice-new-'));
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function file(text: string, name = 'plain.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const make = (args: readonly string[], text = template): Promise<Ran> =>
  sluice(api.url, ['new', '--template', file(text), ...args]);
const made = (name: string): Application =>
  parse(readFileSync(join(folder, `${name}.yaml`), 'utf8')) as Application;

describe('new', () => {
  it('writes a file for each application, with what it was made of, and says what comes next', async () => {
    const ran = await make([...registry, '--set', 'size.most=4', '--dir', folder, 'cart', 'shop']);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain(`sluice apply -f ${folder}/cart.yaml ${folder}/shop.yaml`);
    expect(made('cart')).toMatchObject({
      name: 'cart',
      image: 'r.example/cart',
      template: { name: 'plain', values: { registry: 'r.example', size: { most: 4 } } },
    });
    expect(made('cart').template?.version).toMatch(/^[0-9a-f]{16}$/);
    expect(readFileSync(join(folder, 'shop.yaml'), 'utf8')).toContain('# Where people are.');
    expect(api.asked).toEqual([]);
  });

  it('reads values of files and those that are set, later over earlier', async () => {
    const values = ['--values', file('registry: a.example\nnamespace: one', 'values.yaml')];
    await make([...values, '--set', 'namespace=two', '--dir', folder, 'cart']);
    expect(made('cart')).toMatchObject({
      image: 'a.example/cart',
      environments: [{ namespace: 'two' }],
      template: { values: { registry: 'a.example', namespace: 'two' } },
    });
  });

  it.each([
    ['a name that no application has', ['Cart'], template, 'cannot name an application'],
    ['a name that would leave the folder', ['../cart'], template, 'cannot name an application'],
    ['a name that is given twice', ['cart', 'cart'], template, 'named twice'],
    ['a value that is missing', ['cart', '--set', 'registry='], template, 'plain.yaml:2: required says'],
    ['a value that is none', ['cart', '--set', 'registry'], template, 'sets nothing'],
    [
      'a placeholder that nobody knows',
      ['cart'],
      'name: {{ .nam }}',
      'plain.yaml:1: There is no .nam. Known',
    ],
    ['another name', ['cart'], 'name: web', 'makes an application named "web"'],
    ['two applications', ['cart'], 'name: cart\n---\nname: shop', 'makes 2 documents'],
    ['what is no YAML', ['cart'], 'name: [', 'not well-formed YAML'],
    ['a map that nothing can follow', ['cart'], '{ name: cart }', 'not well-formed YAML'],
    ['an origin of its own', ['cart'], 'name: cart\ntemplate: {}', 'has a key "template" of its own'],
    [
      'a name that a label cannot have',
      ['cart', '--template', './-x.yaml'],
      template,
      'cannot name a template',
    ],
    ['a template that nobody knows', ['cart', '--template', 'nope'], template, 'Known: spring-service, web'],
    [
      'a folder',
      ['cart', '--template', './templates'],
      template,
      'is a folder with the templates spring-service',
    ],
  ])('refuses %s and writes nothing', async (_, args, text, why) => {
    const ran = await make([...registry, '--dir', folder, ...args], text);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(why);
    expect(readdirSync(folder)).toEqual(['plain.yaml']);
  });

  it('names all values that are missing at once', async () => {
    const text = `${template}    values: { size: {{ required "how many" .values.size }} }\n`;
    const ran = await make(['--dir', folder, 'cart', 'shop'], text);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(
      `cart: ${folder}/plain.yaml:2: required says "which registry".\n` +
        `  cart: ${folder}/plain.yaml:6: required says "how many".`,
    );
    expect(readdirSync(folder)).toEqual(['plain.yaml']);
  });

  it('touches no file that exists, and writes none of the others', async () => {
    file('mine', 'shop.yaml');
    const ran = await make([...registry, '--dir', folder, 'cart', 'shop']);
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringContaining('shop.yaml') as string });
    expect(readdirSync(folder)).toEqual(['plain.yaml', 'shop.yaml']);
  });

  it('declares them at once with --apply, but none that is declared already', async () => {
    const answer = { version: 1, created: true, changed: true };
    api.answer('PUT /v1/applications/cart', 201, answer).answer('PUT /v1/applications/shop', 422, {
      ...problem('invalid_body', 422, 'One problem.', [
        { pointer: '/environments/0/type', message: 'type is wrong.', remedy: 'Write prod.' },
      ]),
    });
    const ran = await make([...registry, '--apply', 'cart', 'shop']);
    expect(ran).toMatchObject({ code: 5, out: 'cart created, version 1\n' });
    expect(ran.err).toContain('plain.yaml for shop:5:25');
    expect(api.paths('PUT')).toEqual(['/v1/applications/cart', '/v1/applications/shop']);

    api.answer('GET /v1/applications/cart', 200, {});
    const again = await make([...registry, '--apply', 'shop', 'cart']);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('declared already') as string });
    expect(api.paths('PUT')).toHaveLength(2);
  });

  it.each(readdirSync('templates'))('%s comes with Sluice and can be declared', async (name) => {
    const values = [
      '--set',
      'registry=r.example/shop',
      '--set',
      'namespace=shop',
      '--set',
      'testNamespace=t',
    ];
    await sluice(api.url, [
      'new',
      '--template',
      name.replace('.yaml', ''),
      ...values,
      '--dir',
      folder,
      'cart',
    ]);
    expect(applicationSchema.safeParse(made('cart')).error?.issues ?? []).toEqual([]);
  });

  it('puts the labels of MSE on pods, and the one of the lane on gray ones only', async () => {
    const values = ['--set', 'registry=r.example', '--set', 'namespace=shop', '--dir', folder];
    await sluice(api.url, ['new', '--template', 'spring-service', ...values, 'cart']);
    const { workload } = made('cart');
    const { spec } = workload!.manifest as { spec: { template: { metadata: { labels: object } } } };
    expect(spec.template.metadata.labels).toEqual({
      app: 'cart',
      msePilotCreateAppName: 'cart',
      msePilotAutoEnable: 'on',
    });
    expect(workload!.grayLabels).toEqual({ 'alicloud.service.tag': '{{tag}}' });
  });

  it('gives pods the address of Nacos, in test another one', async () => {
    const values = [
      'registry=r.example',
      'namespace=shop',
      'testNamespace=t',
      'nacos=n:8848',
      'testNacos=t:8848',
    ];
    const set = values.flatMap((value) => ['--set', value]);
    await sluice(api.url, ['new', '--template', 'spring-service', ...set, '--dir', folder, 'cart']);
    const application = made('cart');
    expect(applicationSchema.safeParse(application).error?.issues ?? []).toEqual([]);
    const nacos = 'spring.cloud.nacos.discovery.server-addr';
    expect(application.variables).toEqual({ [nacos]: 'n:8848' });
    expect(application.environments.map((e) => e.variables)).toEqual([{ [nacos]: 't:8848' }, undefined]);
  });
});

describe('diff', () => {
  const plain = (): string => join(folder, 'plain.yaml');
  /** Declares what the template makes, changed as told. */
  async function declare(
    name: string,
    change: (application: Application) => object = (a) => a,
  ): Promise<void> {
    await make([...registry, '--dir', folder, name]);
    const current = { version: 1, declaredAt: '', by: 'ann', application: change(made(name)) };
    api.answer(`GET /v1/applications/${name}`, 200, { current });
  }
  const list = (rows: readonly object[]): FakeApi =>
    api.on('GET /v1/applications', (_, response) => reply(response, 200, { items: rows, cursor: null }));
  const diff = (args: readonly string[] = []): Promise<Ran> =>
    sluice(api.url, ['diff', '--template', plain(), ...args]);

  it('finds those that were made of the template, and no difference in the order of keys', async () => {
    await declare('cart', ({ name, ...rest }) => ({ ...rest, name }));
    list([
      { name: 'cart', template: 'plain' },
      { name: 'shop', template: 'other' },
      { name: 'web', template: null },
    ]);
    const ran = await diff();
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^cart {2}is as the template makes it \(plain [0-9a-f]{16}\)\n$/);
  });

  it('shows what a person changed since, and ends with 11', async () => {
    await declare('cart', (a) => ({ ...a, dependsOn: ['shop'], image: 'r.example/other' }));
    const { code, out } = await diff(['cart']);
    expect(code).toBe(11);
    expect(out).toContain('\n-image: r.example/other\n+image: r.example/cart\n');
    expect(out).toContain('\n-dependsOn:\n-  - shop\n');
  });

  it('shows what the template has changed since; the application stays as it is declared', async () => {
    await declare('cart');
    file(template.replace('type: prod', 'type: gray'));
    const { code, out } = await diff(['cart', '-o', 'json']);
    expect(code).toBe(11);
    const { items } = JSON.parse(out) as { items: { made: string; now: string; diff: string[] }[] };
    expect(items[0]?.made).not.toBe(items[0]?.now);
    expect(items[0]?.diff).toEqual(
      expect.arrayContaining(['-    type: prod', '+    type: gray']) as readonly string[],
    );
    expect(api.paths('PUT')).toEqual([]);
  });

  it('says why the template makes nothing of the recorded values, and takes others over them', async () => {
    await declare('cart');
    file(`${template}  - { name: {{ required "which" .values.second }}, type: test, namespace: t }\n`);
    const refused = await diff(['cart']);
    expect(refused).toMatchObject({ code: 11, err: '' });
    expect(refused.out).toContain('cannot be made now: cart: ');
    expect(refused.out).toContain('plain.yaml:6: required says "which"');
    const { out } = await diff(['cart', '--set', 'second=test']);
    expect(out).toContain('+  - name: test');
  });

  it('compares one that was written by hand with the values that are given', async () => {
    await declare('cart', ({ template: _, ...rest }) => rest);
    expect((await diff(['cart'])).out).toContain('cannot be made now');
    const ran = await diff(['cart', ...registry]);
    expect(ran).toMatchObject({ code: 0, out: 'cart  is as the template makes it (not made of plain)\n' });
  });

  it('says that there is none', async () => {
    file(template);
    list([]);
    expect(await diff()).toMatchObject({ code: 0, out: 'no declared application was made of plain\n' });
    expect(await diff(['cart'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not declared') as string,
    });
  });
});
