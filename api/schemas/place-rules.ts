/** Rules for where an application runs; they read what came as unknown, see application-rules.ts. */
import { fieldsOf, itemsOf, report, type Context } from './application-rules.js';

/** Releases to two environments do not wait for each other, so they must not meet in one Deployment. */
export function checkPlaces(value: unknown, context: Context): void {
  const { name, workload, environments } = fieldsOf(value);
  const common = fieldsOf(workload)['name'] ?? name;
  const seen = new Map<string, unknown>();
  for (const [i, item] of itemsOf(environments).entries()) {
    const { name: environment, cluster = 'default', namespace, workload: local } = fieldsOf(item);
    const deployment = fieldsOf(local)['name'] ?? common;
    if ([cluster, namespace, deployment].some((part) => typeof part !== 'string')) continue;
    const place = `Deployment "${String(deployment)}" in namespace "${String(namespace)}" of cluster "${String(cluster)}"`;
    // One that is there twice is an error already.
    if (seen.has(place) && seen.get(place) !== environment) {
      const message = `${JSON.stringify(environment)} is ${place}, and so is ${JSON.stringify(seen.get(place))}.`;
      const remedy = 'Give it another namespace, cluster or workload.name.';
      report(context, ['environments', i], message, 'a place of its own', remedy);
    }
    seen.set(place, environment);
  }
}
