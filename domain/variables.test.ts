import { describe, expect, it } from 'vitest';
import type { Application, Environment } from './application.js';
import { containersIn, variablesIn, withVariables } from './variables.js';

const nacos = 'spring.cloud.nacos.discovery.server-addr';

describe('the variables of an environment', () => {
  const environment = (given: Partial<Environment>): Environment => ({
    name: 'prod',
    type: 'prod',
    namespace: 'shop',
    ...given,
  });
  const inForce = (own: Partial<Application>, local: Partial<Environment>) =>
    variablesIn({ name: 'web', image: 'r', environments: [], ...own }, environment(local));

  it('are its own over those of the application, name by name, in their place', () => {
    const own = { variables: { [nacos]: 'nacos:8848', LOG: 'info' } };
    const local = { variables: { REGION: 'eu', [nacos]: 'nacos.prod:8848' } };
    expect(inForce(own, local).env).toEqual([
      { name: nacos, value: 'nacos.prod:8848' },
      { name: 'LOG', value: 'info' },
      { name: 'REGION', value: 'eu' },
    ]);
  });

  it('are not those of the application that null takes away', () => {
    const own = { variables: { DEBUG: '1', LOG: 'info' } };
    expect(inForce(own, { variables: { DEBUG: null } }).env).toEqual([{ name: 'LOG', value: 'info' }]);
  });

  it('may be empty, and keys of Secrets and ConfigMaps', () => {
    const variables = {
      EMPTY: '',
      DB_PASSWORD: { secret: 'db', key: 'password' },
      REGION: { configMap: 'cluster', key: 'region' },
    };
    expect(inForce({ variables }, {}).env).toEqual([
      { name: 'EMPTY', value: '' },
      { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
      { name: 'REGION', valueFrom: { configMapKeyRef: { name: 'cluster', key: 'region' } } },
    ]);
  });

  it('come with its groups after those of the application', () => {
    const own = { variablesFrom: [{ configMap: 'global' }] };
    const local = { variablesFrom: [{ secret: 'web', prefix: 'WEB_' }] };
    expect(inForce(own, local)).toEqual({
      env: [],
      envFrom: [{ configMapRef: { name: 'global' } }, { prefix: 'WEB_', secretRef: { name: 'web' } }],
    });
  });
});

describe('a manifest with variables', () => {
  const manifestOf = (...containers: readonly unknown[]) => ({
    kind: 'Deployment',
    spec: { replicas: 2, template: { metadata: {}, spec: { hostname: 'h', containers } } },
  });
  const given = (env: readonly object[], envFrom: readonly object[] = []) =>
    ({ env, envFrom }) as Parameters<typeof withVariables>[2];
  /** Of the container of that name, in a manifest that has another as well. */
  const container = (own: object, variables: ReturnType<typeof given>) => {
    const others = { name: 'proxy', env: [{ name: 'A', value: 'proxy' }] };
    const whole = withVariables(manifestOf(others, { name: 'web', ...own }), 'web', variables);
    const { containers } = (whole['spec'] as ReturnType<typeof manifestOf>['spec']).template.spec;
    expect(whole).toEqual(manifestOf(others, containers[1]));
    return containers[1];
  };
  const secretRef = { secretKeyRef: { name: 'db', key: 'password' } };

  it.each<[string, object, ReturnType<typeof given>, object]>([
    [
      'has them where it had none, in one container alone',
      {},
      given([{ name: 'A', value: '1' }], [{ secretRef: { name: 's' } }]),
      { env: [{ name: 'A', value: '1' }], envFrom: [{ secretRef: { name: 's' } }] },
    ],
    ['has no empty lists', {}, given([]), {}],
    [
      'has those of its names in their places, whole, and the others at the end',
      {
        env: [
          { name: 'A', value: 'own' },
          { name: 'B', value: '$(A)' },
        ],
      },
      given([
        { name: 'C', value: '3' },
        { name: 'A', valueFrom: secretRef },
      ]),
      {
        env: [
          { name: 'A', valueFrom: secretRef },
          { name: 'B', value: '$(A)' },
          { name: 'C', value: '3' },
        ],
      },
    ],
    [
      'has one that it had twice only once',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '' },
          { name: 'A', value: '2' },
        ],
      },
      given([{ name: 'A', value: '3' }]),
      {
        env: [
          { name: 'A', value: '3' },
          { name: 'B', value: '' },
        ],
      },
    ],
    [
      'has each group once, in the place that goes over the others',
      { envFrom: [{ configMapRef: { name: 'a' } }, { configMapRef: { name: 'b' } }] },
      given(
        [],
        [
          { configMapRef: { name: 'a' } },
          { prefix: 'X_', configMapRef: { name: 'a' } },
          { secretRef: { name: 'a' } },
        ],
      ),
      {
        envFrom: [
          { configMapRef: { name: 'b' } },
          { configMapRef: { name: 'a' } },
          { prefix: 'X_', configMapRef: { name: 'a' } },
          { secretRef: { name: 'a' } },
        ],
      },
    ],
    [
      'keeps what is no list, which the API server refuses',
      { env: { A: '1' } },
      given([{ name: 'A', value: '2' }]),
      { env: { A: '1' } },
    ],
  ])('%s', (_, own, variables, expected) => {
    expect(container(own, variables)).toEqual({ name: 'web', ...expected });
  });

  it('names its containers, whatever else stands there', () => {
    expect(containersIn(manifestOf({ name: 'web' }, null, { name: 7 }))).toEqual(['web']);
    expect([{}, { spec: 1 }, manifestOf()].flatMap(containersIn)).toEqual([]);
  });
});
