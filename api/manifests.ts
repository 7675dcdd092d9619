/** What each environment declares of its Deployment: out of templates, with variables, before anything is asked of a cluster. */
import { parseAllDocuments } from 'yaml';
import { workloadSettings, type Application, type Environment, type Values } from '../domain/application.js';
import { releasedContainer } from '../domain/declared.js';
import { failure } from '../domain/failures.js';
import { templateData } from '../domain/template/data.js';
import { TemplateError } from '../domain/template/error.js';
import { renderTemplate } from '../domain/template/render.js';
import { mergedValues } from '../domain/values.js';
import { containersIn, variablesIn, withVariables } from '../domain/variables.js';
import { throwFailure } from './problems.js';

/**
 * The application with the manifest that each environment's template renders and that has its variables; without either as it is.
 * @param image reference, or tag or digest, of what is released
 * Throws a problem that names the template, its place in the application, the line, and what may stand there.
 */
export function withManifests(application: Application, image: string): Application {
  const environments = application.environments.map((environment, i) => {
    const { manifest, template } = workloadSettings(application, environment);
    // Nearer is stronger.
    const isRendered = template !== undefined && environment.workload?.manifest === undefined;
    const at = environment.workload?.template === undefined ? '' : `/environments/${i}`;
    const place = { template: template ?? '', pointer: `${at}/workload/template` };
    const declared = isRendered ? manifestOf(application, environment, place, image) : manifest;
    const whole = declared === undefined ? undefined : withVariablesOf(application, environment, declared);
    if (whole === undefined || whole === manifest) return environment;
    const { template: _, ...workload } = environment.workload ?? {};
    return { ...environment, workload: { ...workload, manifest: whole } };
  });
  return { ...application, environments };
}

/** The same manifest where there are none. */
function withVariablesOf(application: Application, environment: Environment, manifest: Values): Values {
  const variables = variablesIn(application, environment);
  if (variables.env.length + variables.envFrom.length === 0) return manifest;
  const { name: workload, container: wanted } = workloadSettings(application, environment);
  const known = containersIn(manifest);
  const container = releasedContainer(known, { container: wanted, application: application.name });
  return known.includes(container)
    ? withVariables(manifest, container, variables)
    : throwFailure(failure('container_unknown', { container, workload, known }, '/workload/container'));
}

function manifestOf(
  application: Application,
  environment: Environment,
  { template, pointer }: { readonly template: string; readonly pointer: string },
  image: string,
): Values {
  const { name, container = application.name } = workloadSettings(application, environment);
  const where = `${application.name} in ${environment.name}`;
  const unfit = (why: string): never => throwFailure(failure('template_invalid', { where, why }, pointer));
  const { type, namespace, cluster = 'default' } = environment;
  const data = templateData({
    app: { name: application.name },
    env: { name: environment.name, type, namespace, cluster },
    image: { [container]: referenceOf(application.image, image) },
    artifact: {},
    values: mergedValues(application.values ?? {}, environment.values ?? {}),
  });
  const documents = parsed(rendered(template, data, unfit), unfit);
  const [only, ...others] = documents;
  if (only === undefined || others.length > 0)
    return unfit(`it renders ${documents.length} objects, and has to render one Deployment.`);
  const { apiVersion, kind, metadata, spec } = only as Partial<Manifest>;
  if (kind !== 'Deployment' || apiVersion !== 'apps/v1')
    return unfit(
      `it renders ${kind ?? 'an object without a kind'} (${apiVersion ?? 'no apiVersion'}), and has to render a Deployment (apps/v1).`,
    );
  if (metadata?.name !== name)
    return unfit(`it renders Deployment "${metadata?.name ?? ''}", and the workload is called "${name}".`);
  if (metadata.namespace !== undefined && metadata.namespace !== namespace)
    return unfit(`it renders namespace "${metadata.namespace}", and the environment has "${namespace}".`);
  if (spec?.template === undefined) return unfit('the Deployment that it renders has no spec.template.');
  return only;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec: { readonly template?: unknown };
}

function rendered(
  template: string,
  data: ReturnType<typeof templateData>,
  unfit: (why: string) => never,
): string {
  try {
    return renderTemplate('workload.template', template, data);
  } catch (error) {
    if (error instanceof TemplateError) return unfit(error.message.replaceAll('\n', ' '));
    throw error;
  }
}

function parsed(text: string, unfit: (why: string) => never): Readonly<Record<string, unknown>>[] {
  const documents = parseAllDocuments(text, { prettyErrors: false });
  const lines = text.split('\n');
  for (const { errors } of documents) {
    const error = errors[0];
    if (error === undefined) continue;
    const line = text.slice(0, error.pos[0]).split('\n').length;
    const what = error.message.replace(/\.$/, '');
    unfit(`line ${line} of what it renders is no YAML, ${what}: ${lines[line - 1]?.trim() ?? ''}`);
  }
  const objects = documents.map((document) => document.toJS({ maxAliasCount: 50 }) as unknown);
  return objects
    .filter((object) => object !== null)
    .map((object) =>
      typeof object === 'object' && !Array.isArray(object)
        ? (object as Record<string, unknown>)
        : unfit('what it renders is no object.'),
    );
}

/** `v2`, `sha256:...` and `@sha256:...` belong to the repository of the application. */
function referenceOf(repository: string, image: string): string {
  if (/^@?sha256:/.test(image)) return `${repository}@${image.replace(/^@/, '')}`;
  return /[/:@]/.test(image) ? image : `${repository}:${image}`;
}
