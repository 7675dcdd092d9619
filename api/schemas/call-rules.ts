/** Rules for whom an application calls and through whom requests come to it; they read what came as unknown, see application-rules.ts. */
import { fieldsOf, itemsOf, report, reportTwice, type Context, type Path } from './application-rules.js';

export function checkCalls(value: unknown, context: Context): void {
  const { name, dependsOn, traffic, environments } = fieldsOf(value);
  const called = itemsOf(dependsOn);
  reportTwice(context, ['dependsOn'], called, 'application');
  const other = 'another application';
  for (const [i, one] of called.entries()) {
    if (typeof one !== 'string' || one !== name) continue;
    report(context, ['dependsOn', i], `"${one}" depends on itself.`, other, 'Remove it.');
  }
  const places: [Path, unknown][] = [
    [['traffic', 'edges'], fieldsOf(traffic)['edges']],
    ...itemsOf(environments).map((environment, i): [Path, unknown] => [
      ['environments', i, 'traffic', 'edges'],
      fieldsOf(fieldsOf(environment)['traffic'])['edges'],
    ]),
  ];
  for (const [path, edges] of places) {
    reportTwice(context, path, itemsOf(edges), 'application');
    for (const [i, edge] of itemsOf(edges).entries()) {
      if (typeof edge !== 'string') continue;
      const remedy = 'Remove it; without edges the share is moved at the own route.';
      if (edge === name) report(context, [...path, i], `"${edge}" is no edge of its own.`, other, remedy);
      else if (called.includes(edge)) {
        const message = `Requests cannot come through "${edge}", and be passed on to it: it is in dependsOn.`;
        report(context, [...path, i], message, 'no application of dependsOn', 'Keep one of the two.');
      }
    }
  }
}
