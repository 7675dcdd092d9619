/** Which labels a selector matches, decided as Kubernetes decides it. */
import type { KubeObject } from './objects.js';

export type Labels = Readonly<Record<string, string>>;

/** metav1.LabelSelector, as Deployments and PodDisruptionBudgets have it. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Whether every label of the map is there with that value; an empty map matches everything. */
export function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** An empty selector matches everything, an absent one nothing. An operator that is not known counts as a match: better refused than mixed. */
export function matchesSelector(selector: LabelSelector | null | undefined, labels: Labels): boolean {
  if (selector === null || selector === undefined) return false;
  if (!matches(selector.matchLabels ?? {}, labels)) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && (values ?? []).includes(value);
      case 'NotIn':
        return value === undefined || !(values ?? []).includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return true;
    }
  });
}

/** Labels that a Service selects on; empty where its endpoints are kept by hand. */
export function serviceSelector(service: KubeObject): Labels {
  return (service['spec'] as { selector?: Labels } | undefined)?.selector ?? {};
}

/** Unlike a label selector, a Service without one matches nothing. */
export function serviceMatches(service: KubeObject, labels: Labels): boolean {
  const selector = serviceSelector(service);
  return Object.keys(selector).length > 0 && matches(selector, labels);
}

/** As the labelSelector parameter of a list or watch. */
export const selectorText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** The same for a whole selector of a Deployment. */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) => {
    const list = `(${(values ?? []).join(',')})`;
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return operator === 'NotIn' ? `${key} notin ${list}` : `${key} in ${list}`;
  });
  return [selectorText(selector?.matchLabels ?? {}), ...expressions].filter((part) => part !== '').join(',');
}
