/** Rules between the fields of an application that is released at an Ingress; they read what came as unknown, see application-rules.ts. */
import { ingressControllers } from '../../domain/traffic.js';
import { fieldsOf, itemsOf, report, type Context, type Path } from './application-rules.js';

/** In each environment the router and its controller belong together, and nobody counts an Ingress's requests for each Service alike. */
export function checkIngresses(value: unknown, context: Context): void {
  const application = fieldsOf(value);
  const own = fieldsOf(application['traffic']);
  const reported = new Set<string>();
  const once = (path: Path, message: string, expected: string, remedy: string): void => {
    if (reported.has(path.join('/'))) return;
    reported.add(path.join('/'));
    report(context, path, message, expected, remedy);
  };
  for (const [i, item] of itemsOf(application['environments']).entries()) {
    const environment = fieldsOf(item);
    const local = fieldsOf(environment['traffic']);
    const { router, controller } = { ...own, ...local };
    const at: Path =
      local['router'] === undefined && local['controller'] === undefined
        ? ['traffic']
        : ['environments', i, 'traffic'];
    const known = ingressControllers.join(', ');
    if (router === 'ingress' && controller === undefined)
      once(
        [...at, 'controller'],
        'An Ingress without its controller: each reads annotations of its own.',
        `one of ${known}`,
        'Name who serves the Ingress.',
      );
    const isStray = local['controller'] !== undefined || local['router'] === undefined;
    if (typeof router === 'string' && router !== 'ingress' && controller !== undefined && isStray)
      once(
        [...at, 'controller'],
        `A controller belongs to the router ingress, not to ${router}.`,
        'no controller',
        'Remove it, or choose the router ingress.',
      );
    if (router === 'ingress') checkAnalysis(application, environment, i, once);
    if (router === 'ingress') checkBaggage(application, environment, i, once);
  }
}

/** A canary asks for one header, and that is the tag's own. */
function checkBaggage(
  application: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, unknown>>,
  i: number,
  once: Report,
): void {
  const [own, local] = [application, environment].map(
    (holder) => fieldsOf(fieldsOf(holder['release'])['tag'])['baggage'],
  );
  if ((local ?? own) === undefined) return;
  once(
    [...(local === undefined ? [] : ['environments', i]), 'release', 'tag', 'baggage'],
    'An Ingress tells requests by the header of the tag alone, and not by baggage.',
    'no baggage',
    'Remove it, or choose another router.',
  );
}

type Report = (path: Path, message: string, expected: string, remedy: string) => void;

function checkAnalysis(
  application: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, unknown>>,
  i: number,
  once: Report,
): void {
  const [own, local] = [application, environment].map((holder) => fieldsOf(holder['release']));
  if ((local?.['strategy'] ?? own?.['strategy']) === 'rolling') return;
  const isLocal = local?.['analysis'] !== undefined;
  const analysis = isLocal ? local['analysis'] : own?.['analysis'];
  if (analysis === null) return;
  const metrics = fieldsOf(local?.['analysis'])['metrics'] ?? fieldsOf(own?.['analysis'])['metrics'];
  const isBuiltin = itemsOf(metrics).some((metric) => fieldsOf(metric)['builtin'] !== undefined);
  if (metrics !== undefined && !isBuiltin) return;
  once(
    isLocal ? ['environments', i, 'release', 'analysis'] : ['release', 'analysis'],
    'Built-in metrics are not known at an Ingress; without metrics of your own the error rate is one.',
    'metrics with counts or value, or null',
    'Write queries of your own (analysis.metrics), or "analysis: null" to judge nothing.',
  );
}
