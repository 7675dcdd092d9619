/** Variables of pods as they may be declared, and their rules: no secret stands in a declaration, and there is a Deployment to give them to. */
import { z } from '@hono/zod-openapi';
import { secretLike } from '../../domain/secret-like.js';
import type { Variable, VariableGroup } from '../../domain/variables.js';
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';
import { objectName, text } from './common.js';

const always = { when: () => true };

/** As Kubernetes has them since 1.32; what an older one refuses, it says at the first release. */
const namePattern = /^[ -<>-~]+$/;
const nameWords = 'printable ASCII characters without "=", such as LOG_LEVEL or spring.profiles.active';

const dataKey = text(253).regex(
  /^(?!\.\.?$|\.\.)[-._a-zA-Z0-9]+$/,
  'a key of a Secret or ConfigMap: letters, digits, "-", "_" and "."',
);

/** Where the cluster has it. */
const origin = {
  secret: objectName.exactOptional().describe("Name of a Secret in the environment's namespace."),
  configMap: objectName.exactOptional().describe("Name of a ConfigMap in the environment's namespace."),
};

const source = z.strictObject({ ...origin, key: dataKey }).superRefine(checkOrigin, always);

const literal = text(32_000);
const words = 'text (numbers in quotes), { secret, key } or { configMap, key }';
const variable = z.union([literal, source], words) satisfies z.ZodType<Variable>;

export const variablesSchema = z
  .record(z.string(), variable)
  .superRefine(checkNames, always)
  .describe(
    'Of the released container in the Deployment of a first release, by name: text, or a key of a Secret or ConfigMap.',
  );

export const localVariablesSchema = z
  .record(z.string(), z.union([literal, source, z.null()], `${words}, or null`))
  .superRefine(checkNames, always)
  .describe('Over those of the application, name by name; null takes one away.');

export const variableGroupsSchema = z
  .array(
    z
      .strictObject({
        ...origin,
        prefix: z.string().regex(namePattern, nameWords).exactOptional().describe('Before each name.'),
      })
      .superRefine(checkOrigin, always),
  )
  .max(50, 'at most 50 groups')
  .describe(
    'Secrets and ConfigMaps all of whose keys become variables; the later goes over the earlier, and variables over all.',
  ) satisfies z.ZodType<readonly VariableGroup[]>;

function checkOrigin(value: unknown, context: Context): void {
  const { secret, configMap } = fieldsOf(value);
  if ((secret === undefined) !== (configMap === undefined)) return;
  const seen = secret === undefined ? 'neither' : 'both';
  const remedy = 'Name the one that has it.';
  report(context, [], `It names ${seen} of secret and configMap.`, 'secret or configMap', remedy);
}

function checkNames(value: unknown, context: Context): void {
  for (const [name, variable] of Object.entries(fieldsOf(value))) {
    if (!namePattern.test(name)) {
      const message = `${JSON.stringify(name)} is no name of a variable.`;
      report(context, [name], message, nameWords, `Write ${nameWords}.`);
    }
    const why = typeof variable === 'string' ? secretLike(name, variable) : null;
    if (why === null) continue;
    const remedy =
      'Keep it in a Secret of the namespace, and write { secret: NAME, key: KEY } here; within a text, $(VARIABLE) stands for a variable that has it.';
    report(context, [name], `${name} ${why}.`, '{ secret, key }', remedy);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** What only the whole application shows: whom they are given to, and what null takes away. */
export function checkVariables(value: unknown, context: Context): void {
  const application = fieldsOf(value);
  for (const [i, item] of itemsOf(application['environments']).entries()) {
    const environment = fieldsOf(item);
    checkTaken(i, environment, application, context);
    if (!declaresDeployment(application, environment)) checkGiven(i, environment, application, context);
  }
}

function checkTaken(i: number, environment: Fields, application: Fields, context: Context): void {
  const known = fieldsOf(application['variables']);
  for (const [name, variable] of Object.entries(fieldsOf(environment['variables']))) {
    if (variable !== null || Object.hasOwn(known, name)) continue;
    const message = `The application has no variable ${name} that null could take away.`;
    const path = ['environments', i, 'variables', name];
    report(context, path, message, 'a variable of the application', 'Correct its name, or remove it.');
  }
}

/** A workload that is no object is an error already. */
const declaresDeployment = (application: Fields, environment: Fields): boolean =>
  [application['workload'], environment['workload']].some((workload) => {
    const { manifest, template } = fieldsOf(workload);
    const isOdd = workload !== undefined && typeof workload !== 'object';
    return isOdd || manifest !== undefined || template !== undefined;
  });

/** A Deployment that is not declared is somebody else's. */
function checkGiven(i: number, environment: Fields, application: Fields, context: Context): void {
  const where = `environment ${JSON.stringify(environment['name'])}`;
  const message = `There is no declared Deployment in ${where} to give them to.`;
  const remedy = `Declare workload.manifest or workload.template for ${where}, or set them where you manage the Deployment.`;
  for (const field of ['variables', 'variablesFrom'] as const) {
    const [own, local] = [application[field], environment[field]];
    const inherited = field === 'variables' ? { ...fieldsOf(own), ...fieldsOf(local) } : own;
    if (!isSome(local) && !isSome(inherited)) continue;
    const path: Path = isSome(local) ? ['environments', i, field] : [field];
    report(context, path, message, 'a declared Deployment', remedy);
  }
}

/** Whether there is any: null is none. */
const isSome = (value: unknown): boolean =>
  itemsOf(value).length > 0 || Object.values(fieldsOf(value)).some((one) => one !== null);
