/** Variables that applications and environments declare, given to the pods of the Deployment that they declare. Pure. */
import type { Application, Environment, Values } from './application.js';

/** By name: any that Kubernetes takes. */
export type Variables = Readonly<Record<string, Variable>>;

/** Text, or where the cluster has it. */
export type Variable = string | VariableSource;

/** A key of a Secret or ConfigMap in the environment's namespace; only Kubernetes reads it. One of both is named. */
export interface VariableSource {
  readonly secret?: string;
  readonly configMap?: string;
  readonly key: string;
}

/** All keys of a Secret or ConfigMap. One of both is named. */
export interface VariableGroup {
  readonly secret?: string;
  readonly configMap?: string;
  /** Before the name of each. */
  readonly prefix?: string;
}

/** As a container has them. */
export interface ContainerVariables {
  readonly env: readonly Values[];
  readonly envFrom: readonly Values[];
}

/** Those in force for one environment: its own over the application's, its groups after the application's. */
export function variablesIn(application: Application, environment: Environment): ContainerVariables {
  const variables = Object.entries({ ...application.variables, ...environment.variables });
  const groups = [...(application.variablesFrom ?? []), ...(environment.variablesFrom ?? [])];
  return {
    env: variables.flatMap(([name, variable]) => (variable === null ? [] : [entryOf(name, variable)])),
    envFrom: groups.map(groupOf),
  };
}

function entryOf(name: string, variable: Variable): Values {
  if (typeof variable === 'string') return { name, value: variable };
  const { secret, configMap, key } = variable;
  return {
    name,
    valueFrom:
      secret === undefined
        ? { configMapKeyRef: { name: configMap, key } }
        : { secretKeyRef: { name: secret, key } },
  };
}

const groupOf = ({ secret, configMap, prefix }: VariableGroup): Values => ({
  ...(prefix === undefined ? {} : { prefix }),
  ...(secret === undefined ? { configMapRef: { name: configMap } } : { secretRef: { name: secret } }),
});

/** The names of a Deployment's containers. What is declared may have any shape. */
export const containersIn = (manifest: Values): readonly string[] =>
  podOf(manifest).containers.flatMap((one) => {
    const { name } = fieldsOf(one);
    return typeof name === 'string' ? [name] : [];
  });

/** The manifest with the variables in one of its containers: they take the places of those of their names. */
export function withVariables(manifest: Values, container: string, given: ContainerVariables): Values {
  const { spec, template, pod, containers } = podOf(manifest);
  const changed = containers.map((one) => {
    const { name, env, envFrom } = fieldsOf(one);
    if (name !== container) return one;
    return {
      ...fieldsOf(one),
      ...entries('env', env, given.env),
      ...entries('envFrom', envFrom, given.envFrom),
    };
  });
  return {
    ...manifest,
    spec: { ...spec, template: { ...template, spec: { ...pod, containers: changed } } },
  };
}

function podOf(manifest: Values) {
  const spec = fieldsOf(manifest['spec']);
  const template = fieldsOf(spec['template']);
  const pod = fieldsOf(template['spec']);
  return { spec, template, pod, containers: itemsOf(pod['containers']) };
}

/** What is no list stays, for the API server to refuse. */
function entries(field: 'env' | 'envFrom', own: unknown, given: readonly Values[]): Values {
  if (given.length === 0 || !(own === undefined || own === null || Array.isArray(own))) return {};
  const all = [...itemsOf(own), ...given];
  return { [field]: field === 'env' ? named(all) : grouped(all) };
}

/** Each name once, in its first place, since others may refer to it; with the last value, as Kubernetes has it. */
const named = (all: readonly unknown[]): readonly unknown[] => [
  ...new Map(all.map((one) => [fieldsOf(one)['name'] ?? one, one])).values(),
];

/** Each group once, in its last place: the later goes over the earlier. */
const grouped = (all: readonly unknown[]): readonly unknown[] => {
  const keys = all.map((one) => {
    const { prefix = '', secretRef, configMapRef } = fieldsOf(one);
    return JSON.stringify([prefix, fieldsOf(secretRef)['name'], fieldsOf(configMapRef)['name']]);
  });
  return all.filter((_, i) => keys.lastIndexOf(keys[i]!) === i);
};

const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const fieldsOf = (value: unknown): Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};
