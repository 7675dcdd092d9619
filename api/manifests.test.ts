import { describe, expect, it } from 'vitest';
import type { Application, Environment } from '../domain/application.js';
import { withManifests } from './manifests.js';
import { ProblemError } from './problems.js';

const template = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: { env: {{ .AppStack.envName }} }
spec:
  replicas: {{ default 1 .values.replicas }}
  template:
    metadata:
      labels:
        app: shop
        {{- if eq .env.name "gray" }}
        alicloud.service.tag: gray
        {{- end }}
    spec:
      containers:
        - name: shop
          image: {{ .image.shop }}
`;
const environment = (name: string, more: Partial<Environment> = {}): Environment => ({
  name,
  type: 'prod',
  namespace: name,
  ...more,
});
const application = (text = template, environments = [environment('prod')]): Application => ({
  name: 'shop',
  image: 'r.example/shop',
  workload: { template: text },
  environments,
});
const manifests = (given: Application, image = 'v2') =>
  withManifests(given, image).environments.map((e) => e.workload?.manifest);

describe('a template', () => {
  it('becomes the manifest of each environment, with its name, its values and the image', () => {
    const values = { values: { replicas: 3 } };
    const [prod, gray] = manifests(application(template, [environment('prod', values), environment('gray')]));
    expect(prod).toMatchObject({
      metadata: { labels: { env: 'prod' } },
      spec: { replicas: 3, template: { spec: { containers: [{ image: 'r.example/shop:v2' }] } } },
    });
    const labels = (manifest: unknown) =>
      (manifest as { spec: { template: { metadata: { labels: object } } } }).spec.template.metadata.labels;
    expect(labels(prod)).toEqual({ app: 'shop' });
    expect(labels(gray)).toEqual({ app: 'shop', 'alicloud.service.tag': 'gray' });
  });

  it('reads the values of the environment over those of the application, map by map', () => {
    const text = template.replace(
      '{{ default 1 .values.replicas }}',
      '{{ .values.size.most }}{{ .values.size.least }}',
    );
    const size = (size: object) => ({ values: { size } });
    const given = {
      ...application(text, [environment('prod', size({ most: 4 }))]),
      ...size({ most: 1, least: 2 }),
    };
    expect(manifests(given)[0]).toMatchObject({ spec: { replicas: 42 } });
  });

  it('gives each environment variables of its own: names with dots, and keys of Secrets by their names alone', () => {
    const text = `${template}          env:
            {{- range $name, $value := .values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            {{- range $name, $secret := .values.secrets }}
            - name: {{ $name }}
              valueFrom: { secretKeyRef: {{ toJson $secret }} }
            {{- end }}
`;
    const key = 'spring.cloud.nacos.discovery.server-addr';
    const values = (nacos: string, secret: string) => ({
      values: { env: { [key]: nacos }, secrets: { DB_PASSWORD: { name: secret, key: 'password' } } },
    });
    const environments = [
      environment('test', values('nacos.test:8848', 'db-test')),
      environment('prod', values('nacos.prod:8848', 'db')),
    ];
    const env = manifests(application(text, environments)).map(
      (manifest) =>
        (manifest as { spec: { template: { spec: { containers: { env: object }[] } } } }).spec.template.spec
          .containers[0]?.env,
    );
    const expected = (nacos: string, secret: string) => [
      { name: key, value: nacos },
      { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } },
    ];
    expect(env).toEqual([expected('nacos.test:8848', 'db-test'), expected('nacos.prod:8848', 'db')]);
  });

  it('has the variables of each environment in the released container, over its own', () => {
    const nacos = 'spring.cloud.nacos.discovery.server-addr';
    const text = `${template}          env: [{ name: LOG, value: debug }]\n        - name: proxy\n`;
    const own = {
      variables: { LOG: 'info', [nacos]: 'nacos:8848' },
      variablesFrom: [{ configMap: 'global' }],
    };
    const environments = [
      environment('test', { variables: { LOG: null } }),
      environment('prod', { variables: { [nacos]: { secret: 'nacos', key: 'address' } } }),
    ];
    const envFrom = [{ configMapRef: { name: 'global' } }];
    const given = [
      [
        { name: 'LOG', value: 'debug' },
        { name: nacos, value: 'nacos:8848' },
      ],
      [
        { name: 'LOG', value: 'info' },
        { name: nacos, valueFrom: { secretKeyRef: { name: 'nacos', key: 'address' } } },
      ],
    ];
    const whole = manifests({ ...application(text, environments), ...own });
    expect(whole).toMatchObject(
      given.map((env) => ({
        spec: { template: { spec: { containers: [{ name: 'shop', env, envFrom }, { name: 'proxy' }] } } },
      })),
    );
  });

  it.each([
    ['v2', 'r.example/shop:v2'],
    ['sha256:1', 'r.example/shop@sha256:1'],
    ['@sha256:1', 'r.example/shop@sha256:1'],
    ['mirror.example/shop:v2', 'mirror.example/shop:v2'],
  ])('knows the image %s as %s', (image, reference) => {
    expect(JSON.stringify(manifests(application(), image))).toContain(`"${reference}"`);
  });

  it('gives way to a manifest of the environment', () => {
    const manifest = { kind: 'Deployment' };
    expect(manifests(application('{{ .wrong }}', [environment('prod', { workload: { manifest } })]))).toEqual(
      [manifest],
    );
  });

  it('or manifest of the application has the variables of each environment, and a manifest of the environment too', () => {
    const manifest = { kind: 'Deployment', spec: { template: { spec: { containers: [{ name: 'main' }] } } } };
    const variables = (value: string) => ({ variables: { A: value } });
    const environments = [
      environment('test', variables('1')),
      environment('prod', { ...variables('2'), workload: { manifest } }),
      environment('plain'),
    ];
    const given = { ...application(undefined, environments), workload: { manifest } };
    const expected = (value: string) => {
      const containers = [{ name: 'main', env: [{ name: 'A', value }] }];
      return { ...manifest, spec: { template: { spec: { containers } } } };
    };
    expect(manifests(given)).toEqual([expected('1'), expected('2'), undefined]);
    expect(withManifests(withManifests(given, 'v2'), 'v2')).toEqual(withManifests(given, 'v2'));
  });

  it('without the container that variables are for is refused', () => {
    const text = template.replace('.image.shop', '.image.web');
    const given = { ...application(), workload: { template: text, container: 'web' }, variables: { A: '1' } };
    const problem = { code: 'container_unknown', status: 422, detail: expect.stringContaining('"web"') };
    expect(() => manifests(given)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining(problem) }),
    );
  });

  it('is not asked of an application without one', () => {
    const plain = { ...application(), workload: {} };
    expect(withManifests(plain, 'v2')).toEqual(plain);
  });

  it.each<[string, string, string]>([
    [
      'a name that nobody knows',
      template.replace('.image.shop', '.image.shp'),
      'workload.template:18: There is no .image.shp. Known: .image.shop.',
    ],
    ['text that is no YAML', template.replace('replicas:', 'replicas: ['), 'of what it renders is no YAML'],
    ['nothing', '{{ if false }}{{ end }}', 'it renders 0 objects'],
    ['two objects', `${template}---\n${template}`, 'it renders 2 objects'],
    ['another kind', template.replace('kind: Deployment', 'kind: Service'), 'it renders Service (apps/v1)'],
    [
      'another workload',
      template.replace('name: shop\n  labels', 'name: shop2\n  labels'),
      'the workload is called "shop"',
    ],
    [
      'another namespace',
      template.replace('name: shop\n  labels', 'name: shop\n  namespace: other\n  labels'),
      'the environment has "prod"',
    ],
    ['no pods', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }', 'no spec.template'],
  ])('that renders %s is refused with the reason', (_, text, why) => {
    const ask = () => manifests(application(text));
    expect(ask).toThrow(ProblemError);
    expect(ask).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'template_invalid', detail: expect.stringContaining(why) }),
      }),
    );
  });

  it('is refused where it stands: in the environment, or for all', () => {
    const wrong = '{{ .wrong }}';
    const pointerOf = (given: Application): string | undefined => {
      try {
        withManifests(given, 'v2');
      } catch (error) {
        if (error instanceof ProblemError) return error.problem.errors?.[0]?.pointer;
      }
      return undefined;
    };
    const local = environment('pre', { workload: { template: wrong } });
    expect(pointerOf(application(wrong))).toBe('/workload/template');
    expect(pointerOf(application(template, [environment('prod'), local]))).toBe(
      '/environments/1/workload/template',
    );
    expect(pointerOf(application(wrong, [environment('prod', { workload: { name: 'shop' } })]))).toBe(
      '/workload/template',
    );
  });
});
