/** One entry of /openapi.json, beside the route that it describes. */
import type { Role } from '../../domain/approval.js';
import type { App } from '../app.js';

export interface RouteDescription {
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** With {parameters}, as OpenAPI spells them. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Role that it needs; absent: open to machines. */
  readonly role?: Role;
  /** Name of the body's schema in schemas/documents.ts. */
  readonly body?: string;
  readonly bodyOptional?: boolean;
  readonly query?: Readonly<Record<string, { readonly description: string; readonly schema: object }>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Status of success, its meaning and schema. */
  readonly answers: Readonly<
    Record<number, { readonly description: string; readonly schema?: string; readonly type?: string }>
  >;
  /** Statuses of problems that this route may answer, beside those of every route. */
  readonly problems?: readonly number[];
}

const bodyTypes = ['application/json', 'application/yaml'];
const ref = (name: string): { $ref: string } => ({ $ref: `#/components/schemas/${name}` });

/** /a/{b} -> /a/:b */
type HonoPath<P extends string> = P extends `${infer A}{${infer B}}${infer C}`
  ? `${A}:${B}${HonoPath<C>}`
  : P;

/** Answers the path as hono spells it. */
export function describe<const P extends string>(
  app: App,
  route: RouteDescription & { readonly path: P },
): HonoPath<P> {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    parameter('path', name!, { type: 'string' }),
  );
  const problems = [...(route.role === undefined ? [] : [401, 403]), ...(route.problems ?? [])];
  app.openAPIRegistry.registerPath({
    method: route.method,
    path: route.path,
    summary: route.summary,
    operationId: operationId(route),
    tags: [route.tag],
    ...(route.role === undefined
      ? { security: [] }
      : { description: `Needs the role "${route.role}".`, security: [{ token: [] }] }),
    parameters: [
      ...inPath,
      ...Object.entries(route.query ?? {}).map(([name, { description, schema }]) => ({
        ...parameter('query', name, schema),
        description,
      })),
      ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
        ...parameter('header', name, { type: 'string' }),
        description,
      })),
    ],
    ...(route.body === undefined
      ? {}
      : {
          request: {
            body: {
              required: route.bodyOptional !== true,
              content: Object.fromEntries(bodyTypes.map((type) => [type, { schema: ref(route.body!) }])),
            },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, { description, schema, type }]) => [
          status,
          {
            description,
            ...(schema === undefined && type === undefined
              ? {}
              : {
                  content: {
                    [type ?? 'application/json']: {
                      schema: schema === undefined ? { type: 'string' } : ref(schema),
                    },
                  },
                }),
          },
        ]),
      ),
      ...Object.fromEntries(
        problems.map((status) => [
          status,
          { description: 'A problem', content: { 'application/problem+json': { schema: ref('Problem') } } },
        ]),
      ),
    },
  });
  return route.path.replaceAll(/\{(\w+)\}/g, ':$1') as HonoPath<P>;
}

function parameter(place: 'path' | 'query' | 'header', name: string, schema: object) {
  return { in: place, name, required: place === 'path', schema };
}

/** post /v1/releases/{id}/decisions -> postReleasesIdDecisions. */
const operationId = ({ method, path }: RouteDescription): string =>
  method +
  path
    .replace(/^\/v1/, '')
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
