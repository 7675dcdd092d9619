/** What only some routers can do, or need to be told; read from what came as unknown, see application-rules.ts. */
import { defaultSteps } from '../../domain/application.js';
import { canPortion, canShare, isWhole, routerNames } from '../../domain/traffic.js';
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';

type Fields = Readonly<Record<string, unknown>>;
/** What is declared for all, then what an environment declares over it; each with where it stands. */
type Layers = readonly { readonly path: Path; readonly fields: Fields }[];

const includeFields = ['include', 'routeNamespace'] as const;

/** The value in force, with the place that declares it; null: nothing does. */
function inForce(layers: Layers, field: string): { readonly path: Path; readonly value: unknown } | null {
  const layer = layers.findLast(({ fields }) => fields[field] !== undefined);
  return layer === undefined ? null : { path: [...layer.path, field], value: layer.fields[field] };
}

export function checkRouters(value: unknown, context: Context): void {
  const application = fieldsOf(value);
  const environments = itemsOf(application['environments']).map(fieldsOf);
  const layersOf = (field: string, i: number): Layers => [
    { path: [field], fields: fieldsOf(application[field]) },
    { path: ['environments', i, field], fields: fieldsOf(environments[i]?.[field]) },
  ];
  // What stands at the top is wrong once, not once in each environment.
  const said = new Set<string>();
  for (const i of environments.keys()) {
    for (const one of problemsOf(layersOf('traffic', i), layersOf('release', i))) {
      const { path, message, expected, remedy } = one;
      const at = path.join('/');
      if (!said.has(at)) report(context, path, message, expected, remedy);
      said.add(at);
    }
  }
}

interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly expected: string;
  readonly remedy: string;
}

function problemsOf(traffic: Layers, release: Layers): readonly Problem[] {
  const router = routerNames.find((name) => name === inForce(traffic, 'router')?.value);
  if (router === undefined) return [];
  if (!isWhole(router))
    return [
      ...includeFields.flatMap((field) => misplaced(router, traffic, field)),
      ...(canPortion(router) ? [] : portionProblems(release)),
    ];
  // With edges the share is moved there.
  const edges = itemsOf(inForce(traffic, 'edges')?.value);
  return [...enterProblem(release), ...(edges.length > 0 ? [] : shareProblem(release))];
}

function misplaced(router: string, traffic: Layers, field: string): readonly Problem[] {
  const given = inForce(traffic, field);
  if (given === null) return [];
  return [
    {
      path: given.path,
      message: `Router "${router}" includes nothing.`,
      expected: `no ${field}`,
      remedy: `Remove it, or choose the router contour-include.`,
    },
  ];
}

const enterLayer = (release: Layers): Layers[number] | undefined =>
  release.findLast(({ fields }) => fieldsOf(fields['tag'])['enter'] !== undefined);

function portionProblems(release: Layers): readonly Problem[] {
  const layer = enterLayer(release);
  return itemsOf(fieldsOf(layer?.fields['tag'])['enter']).flatMap((entry, i): readonly Problem[] => {
    const { percent } = fieldsOf(entry);
    if (typeof percent !== 'number' || percent === 100) return [];
    return [
      {
        path: [...layer!.path, 'tag', 'enter', i, 'percent'],
        message: `Annotations of an Ingress cannot let in ${percent} % of the requests that fulfil a condition.`,
        expected: 'no percent with router ingress',
        remedy: 'Remove it, so that all of them enter, or use router gateway-api, contour or istio.',
      },
    ];
  });
}

function enterProblem(release: Layers): readonly Problem[] {
  const layer = enterLayer(release);
  if (layer === undefined) return [];
  return [
    {
      path: [...layer.path, 'tag', 'enter'],
      message: 'An include cannot put the tag on requests.',
      expected: 'no enter with router contour-include',
      remedy: 'Remove it, or use router contour.',
    },
  ];
}

/** The strategies gray and canary have weights between, unless told otherwise. */
function shareProblem(release: Layers): readonly Problem[] {
  const strategy = inForce(release, 'strategy');
  if (strategy?.value === 'blue-green' || strategy?.value === 'rolling') return [];
  const steps = inForce(release, 'steps');
  const between = itemsOf(steps?.value ?? defaultSteps)
    .map((step) => fieldsOf(step)['weight'])
    .filter((weight) => typeof weight === 'number')
    .find((weight) => !canShare('contour-include', weight));
  if (between === undefined) return [];
  const path = steps?.path ?? strategy?.path ?? [...release.at(-1)!.path, 'strategy'];
  return [
    {
      path,
      message: `Router "contour-include" switches all requests at once, and a step has ${between} %.`,
      expected: 'strategy blue-green, or the one step 100',
      remedy: 'Choose the strategy blue-green, or router contour for weights.',
    },
  ];
}
