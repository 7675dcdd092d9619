/** How the live Deployment differs from the declared one, by what the API server would make of it. Pure. */
import { maskManifest } from '../../domain/mask.js';
import type { DeploymentDrift, FieldDrift } from '../../domain/target.js';
import { variablesOf, type Variable } from './consumers.js';
import { containersOf, imageOf, omit, type Container, type Deployment, type KubeObject } from './objects.js';

export interface Declared {
  readonly manifest: Readonly<Record<string, unknown>>;
  /** The container whose image is released: its image is no difference. */
  readonly container: string;
  /** Somebody else chooses how many pods there are. */
  readonly isScaled: boolean;
}

/** How a Deployment that is there differs from the declared one, or why nobody knows. */
export type Comparison = { readonly drift: DeploymentDrift | null } | { readonly unknown: string };

/** For people. What is declared of a Deployment that is there does not come true by a release. */
export function declaredWarnings(what: string, comparison: Comparison): string[] {
  if ('unknown' in comparison)
    return [`${what} could not be compared with what is declared: ${comparison.unknown}`];
  if (comparison.drift === null) return [];
  const { fields, more } = comparison.drift;
  const first = fields
    .slice(0, 3)
    .map((f) => `${f.path} is ${f.live ?? 'not set'}, declared ${f.declared ?? 'not set'}`);
  const rest = fields.length + more - first.length;
  const others = rest === 0 ? '' : `; and ${rest} more`;
  return [
    `${what} differs from what is declared: ${first.join('; ')}${others}. A release changes only the image.`,
  ];
}

/** So many fields are told, and so much of each. */
const told = { fields: 20, characters: 120 } as const;

/** What is to be applied, as a dry run, to see what the declaration would set: with the live image, without what the live object alone has. */
export function applicable(stable: Deployment, { manifest, container, isScaled }: Declared): KubeObject {
  const deployment = manifest as unknown as Deployment;
  const { labels, annotations } = deployment.metadata ?? {};
  const image = imageOf(stable, container);
  const containers = containersOf(deployment).map((c) => ({
    ...c,
    ...(c.name === container && image !== undefined ? { image } : {}),
    ...replaced(stable, c),
  }));
  const { name, namespace } = stable.metadata;
  const { template } = deployment.spec;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      ...(isScaled ? omit(deployment.spec, 'replicas') : deployment.spec),
      template: { ...template, spec: { ...template.spec, containers } },
    },
  };
}

/** A variable that is of another kind than the live one takes its place: merged into it, it would be of both kinds, which is refused. */
function replaced(stable: Deployment, declared: Container): { readonly env?: readonly object[] } {
  const { env } = declared;
  const live = containersOf(stable).find(({ name }) => name === declared.name);
  if (live === undefined || !Array.isArray(env)) return {};
  const variables = env.map((variable: Variable) => {
    const own = variablesOf(live).find(({ name }) => name === variable.name);
    if (own === undefined) return variable;
    const { valueFrom } = variable;
    const from = valueFrom === undefined ? {} : { valueFrom: instead(own.valueFrom, valueFrom) };
    return { ...instead(own, variable), ...from };
  });
  return { env: variables };
}

/** Declared, without what only the live one has. */
const instead = (live: object = {}, declared: object): object => ({
  ...Object.fromEntries(Object.keys(live).map((key) => [key, null])),
  ...declared,
});

/** What the dry run changed; null: nothing. Values of secrets are masked, but that they differ is told. */
export function driftOf(live: KubeObject, would: KubeObject): DeploymentDrift | null {
  const [is, declared] = [compared(live), compared(would)];
  const fields = differences('', { is, declared, isShown: mask(is), declaredShown: mask(declared) });
  if (fields.length === 0) return null;
  return { fields: fields.slice(0, told.fields), more: Math.max(0, fields.length - told.fields) };
}

const mask = (value: unknown): unknown => maskManifest(value);

/** What people declare; the rest is the API server's and the controllers'. */
const compared = ({ metadata, spec }: KubeObject & { readonly spec?: unknown }): unknown => ({
  metadata: {
    labels: metadata.labels ?? {},
    annotations: omit(metadata.annotations ?? {}, 'deployment.kubernetes.io/revision'),
  },
  spec,
});

interface Pair {
  readonly is: unknown;
  readonly declared: unknown;
  readonly isShown: unknown;
  readonly declaredShown: unknown;
}

function differences(path: string, pair: Pair): FieldDrift[] {
  const { is, declared } = pair;
  if (same(is, declared)) return [];
  const [here, there] = [partsOf(is), partsOf(declared)];
  if (here === null || there === null || here.kind !== there.kind) return [fieldOf(path, pair)];
  const [hereShown, thereShown] = [partsOf(pair.isShown), partsOf(pair.declaredShown)];
  const keys = [...new Set([...here.parts.keys(), ...there.parts.keys()])];
  return keys.flatMap((key) =>
    differences(pathTo(path, key, here.kind), {
      is: here.parts.get(key),
      declared: there.parts.get(key),
      isShown: hereShown?.parts.get(key),
      declaredShown: thereShown?.parts.get(key),
    }),
  );
}

interface Parts {
  readonly kind: 'map' | 'list';
  readonly parts: ReadonlyMap<string, unknown>;
}

/** A map by its keys, a list by the names of its items, else by their places; null: a value of its own. */
function partsOf(value: unknown): Parts | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return { kind: 'map', parts: new Map(Object.entries(value)) };
  const items: readonly unknown[] = value;
  const names = items.map((item) => (item as { readonly name?: unknown } | null)?.name);
  const isNamed = new Set(names).size === items.length && names.every((name) => typeof name === 'string');
  return {
    kind: 'list',
    parts: new Map(items.map((item, i) => [isNamed ? String(names[i]) : `${i}`, item])),
  };
}

const pathTo = (path: string, key: string, kind: Parts['kind']): string => {
  if (kind === 'list') return `${path}[${key}]`;
  if (/[^\w-]/.test(key)) return `${path}["${key}"]`;
  return path === '' ? key : `${path}.${key}`;
};

const fieldOf = (path: string, { isShown, declaredShown }: Pair): FieldDrift => ({
  path,
  live: short(isShown),
  declared: short(declaredShown),
});

function short(value: unknown): string | null {
  if (value === undefined) return null;
  const json = JSON.stringify(value);
  return json.length > told.characters ? `${json.slice(0, told.characters)}...` : json;
}

/** The API server writes both, so that equal values are spelled alike. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [here, there] = [partsOf(a), partsOf(b)];
  if (here === null || there === null || here.kind !== there.kind) return false;
  if (here.parts.size !== there.parts.size) return false;
  return [...here.parts].every(([key, value]) => there.parts.has(key) && same(value, there.parts.get(key)));
}
