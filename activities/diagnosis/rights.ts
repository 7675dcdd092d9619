/** Which rights lack, each with the line of infra/kubernetes/rbac.yaml that grants it. Pure. */
import { fine, problem, warning, type HealthCheck } from '../../domain/diagnosis.js';
import { resources, type Resource } from '../kubernetes/resources.js';
import type { Need } from '../kubernetes/rules.js';

const all = (resource: Resource, verb: string): Need => ({ resource, verb, name: null });

/** A release works without them; it asks more often, explains less, or overlooks what would match gray pods by mistake. */
export const welcomeRights: readonly Need[] = [
  all(resources.endpointslices, 'watch'),
  all(resources.poddisruptionbudgets, 'list'),
  all(resources.poddisruptionbudgets, 'watch'),
  all(resources.horizontalpodautoscalers, 'list'),
  all(resources.horizontalpodautoscalers, 'watch'),
  all(resources.networkpolicies, 'list'),
  all(resources.networkpolicies, 'watch'),
  all(resources.networkpolicies, 'create'),
  all(resources.networkpolicies, 'delete'),
  all({ ...resources.pods, plural: 'pods/log' }, 'get'),
  all(resources.events, 'list'),
];

/** The rule that grants these verbs over their resource, as a line of the role. */
export function ruleLine(group: string, plural: string, verbs: readonly string[]): string {
  return `- { apiGroups: [${group === '' ? "''" : group}], resources: [${plural}], verbs: [${verbs.join(', ')}] }`;
}

/** One check for each resource of which a verb lacks; a single one where none does. `needed` is all that is needed. */
export function rightsChecks(
  place: { readonly cluster: string; readonly namespace: string },
  needed: readonly Need[],
  missing: readonly Need[],
): readonly HealthCheck[] {
  const about = {
    topic: 'permissions',
    subject: `namespace ${place.namespace} of cluster ${place.cluster}`,
  } as const;
  if (missing.length === 0) return [fine(about, 'the worker may do all that a release does')];
  return byResource(missing).map(([plural, lacking]) => {
    const { group } = lacking[0]!.resource;
    const verbs = [...needed, ...welcomeRights]
      .filter((n) => n.resource.plural === plural && n.resource.group === group)
      .map((n) => n.verb);
    const seen = `The worker may not ${lacking.map((n) => n.verb).join(', ')} ${plural}${group === '' ? '' : `.${group}`}.`;
    const remedy = `Add the line of infra/kubernetes/rbac.yaml to the worker's Role there: ${ruleLine(group, plural, [...new Set(verbs)])}`;
    return lacking.some((n) => needed.includes(n))
      ? problem(about, seen, remedy)
      : warning(about, seen, remedy);
  });
}

function byResource(needs: readonly Need[]): [string, Need[]][] {
  const found = new Map<string, Need[]>();
  for (const need of needs)
    found.set(need.resource.plural, [...(found.get(need.resource.plural) ?? []), need]);
  return [...found];
}
