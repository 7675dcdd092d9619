import { describe, expect, it } from 'vitest';
import { fieldErrors } from '../fields.js';
import { applicationSchema } from './application.js';

const manifest = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: {} } };
const environment = (given: object = {}): object => ({
  name: 'prod',
  type: 'prod',
  namespace: 'shop',
  ...given,
});

function problems(given: object, ...environments: readonly object[]): string[] {
  const whole = environments.length === 0 ? [environment()] : environments;
  const body = { name: 'web', image: 'r.example/web', environments: whole, ...given };
  const result = applicationSchema.safeParse(body);
  if (result.success) return [];
  return fieldErrors(result.error.issues, applicationSchema, body).map(
    ({ pointer, message, found, remedy }) => `${pointer} ${message} (${found}) ${remedy}`,
  );
}

const declared = (field: object, ...environments: readonly object[]): string[] =>
  problems({ workload: { manifest }, ...field }, ...environments);

describe('variables', () => {
  it.each<[string, object]>([
    ['text, also none', { A: 'x', B: '' }],
    ['keys of the cluster', { A: { secret: 'db', key: 'tls.key' }, B: { configMap: 'a.b', key: '_x' } }],
    ['secrets by reference', { DB_PASSWORD: { secret: 'db', key: 'password' } }],
    ['a name with dots', { 'spring.cloud.nacos.discovery.server-addr': 'nacos:8848' }],
    ['a name with other printable characters', { '1 odd/name:~"x"': 'x' }],
    ['a password that another variable has', { URL: 'amqp://app:$(MQ_PASSWORD)@mq' }],
  ])('can be %s', (_, variables) => {
    expect(declared({ variables })).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['a list', ['A'], '/variables variables is a list, expected an object.'],
    [
      'a number',
      { PORT: 8080 },
      '/variables/PORT PORT is a number, expected text (numbers in quotes), { secret, key } or { configMap, key }.',
    ],
    ['a name with =', { 'A=B': 'x' }, '/variables/A=B "A=B" is no name of a variable.'],
    ['a name of other letters', { Größe: 'x' }, '/variables/Größe "Größe" is no name of a variable.'],
    ['no name', { '': 'x' }, '/variables/ "" is no name of a variable.'],
    [
      'an empty name of a Secret',
      { A: { secret: '', key: 'x' } },
      '/variables/A/secret secret is text, expected',
    ],
    ['no key', { A: { secret: 'db' } }, '/variables/A A is an object, expected text'],
    [
      'a key with a slash',
      { A: { secret: 'db', key: 'a/b' } },
      '/variables/A/key key is text, expected a key of',
    ],
    ['a key that is a path', { A: { secret: 'db', key: '..' } }, '/variables/A/key'],
    [
      'a key that is not one of its keys',
      { A: { secret: 'db', key: 'x', optionl: true } },
      '/variables/A/optionl There is no key "optionl" here.',
    ],
    [
      'a Secret and a ConfigMap',
      { A: { secret: 'db', configMap: 'db', key: 'x' } },
      '/variables/A It names both of secret and configMap.',
    ],
    ['neither', { A: { key: 'x' } }, '/variables/A It names neither of secret and configMap.'],
    [
      'a password',
      { 'a/PASSWORD': 'hunter2' },
      '/variables/a~1PASSWORD a/PASSWORD looks like a secret by its name. (text) Keep it in a Secret of the namespace, and write { secret: NAME, key: KEY } here',
    ],
    [
      'an address with one',
      { URL: 'amqp://app:hunter2@mq' },
      '/variables/URL URL has a password in its value.',
    ],
  ])('cannot be %s', (_, variables, said) => {
    expect(declared({ variables }).join('\n')).toContain(said);
    const local = declared({}, environment({ variables })).join('\n').replace(', or null', '');
    expect(local).toContain(said.replace('/variables', '/environments/0/variables'));
  });

  it.each<[string, object]>([
    ['that looks like one', { variables: { DB_PASSWORD: 'hunter2' } }],
    ['of another kind', { variables: { DB_PIN: 4711_2342 } }],
    ['too long', { variables: { A: 'hunter2'.repeat(10_000) } }],
    ['of a wrong field', { variables: { A: { secret: 'db', kye: 'hunter2' } } }],
    ['for a map', { variables: 'DB_PASSWORD=hunter2' }],
    ['in a list', { variables: [{ DB_PASSWORD: 'hunter2' }] }],
    ['within what is wrong', { environments: { variables: { DB_PASSWORD: 'hunter2' } } }],
  ])('P12: an error does not repeat a value %s', (_, field) => {
    const said = declared(field);
    expect(said).not.toEqual([]);
    expect(said.join()).not.toMatch(/hunter2|4711/);
  });

  it('of the application can be taken away by null in an environment, and there alone', () => {
    expect(declared({ variables: { A: null } }).join()).toContain('/variables/A A is null, expected text');
    const taken = environment({ variables: { DEBUG: null } });
    expect(declared({ variables: { DEBUG: '1' } }, taken)).toEqual([]);
    expect(declared({ variables: { DEBUGGING: '1' } }, taken)).toEqual([
      expect.stringContaining(
        '/environments/0/variables/DEBUG The application has no variable DEBUG that null could take away.',
      ),
    ]);
  });
});

describe('groups of variables', () => {
  it('are Secrets and ConfigMaps', () => {
    const variablesFrom = [{ secret: 'a' }, { configMap: 'b', prefix: 'B.' }];
    expect(declared({ variablesFrom }, environment({ variablesFrom }))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['neither', {}, '/variablesFrom/0 It names neither of secret and configMap.'],
    ['a name with a slash', { secret: 'a/b' }, '/variablesFrom/0/secret'],
    ['a prefix with =', { secret: 'a', prefix: 'A=' }, '/variablesFrom/0/prefix'],
    [
      'an unknown key',
      { secert: 'a' },
      '/variablesFrom/0/secert There is no key "secert" here. ("a") Did you mean secret?',
    ],
  ])('cannot be %s', (_, group, said) => {
    expect(declared({ variablesFrom: [group] }).join('\n')).toContain(said);
  });
});

describe('variables without a declared Deployment', () => {
  const variables = { A: '1' };
  const variablesFrom = [{ secret: 'a' }];
  const where = /There is no declared Deployment in environment "prod" to give them to\./;
  const workload = { template: '{{ .app.name }}' };

  it.each<[string, object, object, readonly string[]]>([
    ['of the application', { variables }, {}, ['/variables']],
    ['of the environment', {}, { variables }, ['/environments/0/variables']],
    ['of both', { variables }, { variables: { B: '2' } }, ['/environments/0/variables']],
    ['in groups', { variablesFrom }, {}, ['/variablesFrom']],
    [
      'in groups of the environment',
      { variables },
      { variablesFrom },
      ['/variables', '/environments/0/variablesFrom'],
    ],
  ])('are refused, %s', (_, own, local, pointers) => {
    const said = problems(own, environment(local));
    expect(said.map((one) => one.split(' ')[0])).toEqual(pointers);
    for (const one of said) expect(one).toMatch(where);
  });

  it.each<[string, object, object]>([
    ['the application has a template', { variables, workload }, {}],
    ['the environment has one', { variables, variablesFrom }, { workload }],
    ['the environment takes all away', { variables }, { variables: { A: null } }],
    ['there are none', { variables: {}, variablesFrom: [] }, {}],
  ])('are nothing to refuse where %s', (_, own, local) => {
    expect(problems(own, environment(local))).toEqual([]);
  });
});
