/** What a template can read. */
import { Refusal } from './error.js';
import { limits } from './limits.js';
import { Fields, type Value } from './values.js';

export interface Given {
  readonly app: { readonly name: string };
  readonly env: {
    readonly name: string;
    readonly type: string;
    readonly namespace: string;
    readonly cluster: string;
  };
  /** References by the names of the images. */
  readonly image: Readonly<Record<string, string>>;
  readonly artifact: Readonly<Record<string, unknown>>;
  /** Free form: a key that is not there counts as nothing. */
  readonly values: Readonly<Record<string, unknown>>;
}

export type TemplateData = Readonly<Record<string, unknown>>;

/** The data by our names, and by those of Helm and AppStack, whose templates are taken as they are. */
export function templateData({ app, env, image, artifact, values }: Given): TemplateData {
  const AppStack = { image, artifact, envName: env.name };
  return { app, env, image, artifact, values, Values: values, AppStack };
}

const freeForm = ['values', 'Values'];

/** JSON as values of a template; fields without a value are left out. Throws Refusal. */
export function fieldsOf(data: TemplateData): Fields {
  return fields(data, true, (key) => !freeForm.includes(key), 1);
}

function fields(
  data: object,
  isClosed: boolean,
  isClosedBelow: (key: string) => boolean,
  depth: number,
): Fields {
  const given = Object.entries(data).filter(([, value]) => value !== undefined);
  const sorted = given.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return new Fields(
    new Map(sorted.map(([key, value]) => [key, valueOf(value, isClosedBelow(key), depth)])),
    isClosed,
  );
}

function valueOf(data: unknown, isClosed: boolean, depth: number): Value {
  if (depth > limits.nesting) throw new Refusal(`The data are nested deeper than ${limits.nesting} levels`);
  if (data === null || data === undefined) return null;
  if (typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean') return data;
  if (Array.isArray(data)) return data.map((element) => valueOf(element, isClosed, depth + 1));
  if (typeof data === 'object') return fields(data, isClosed, () => isClosed, depth + 1);
  throw new Refusal(`The data hold a ${typeof data}, which no template can read`);
}
