/** What Temporal's answers mean for releases. Pure. */
import {
  failed,
  fine,
  problem,
  skipped,
  warning,
  workerAway,
  type HealthCheck,
} from '../../domain/diagnosis.js';
import type { Failure } from '../../domain/failures.js';
import { clusterTaskQueue } from '../../domain/ids.js';
import { searchAttributeTypes } from '../../workflows/messages.js';

export const attributeCommand = (namespace: string, name: string, type: string): string =>
  `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${type}`;

/** `registered`: type by name, as Temporal spells it. One check for each attribute that is not as it has to be. */
export function attributeChecks(
  namespace: string,
  registered: Readonly<Record<string, string>>,
): readonly HealthCheck[] {
  const wanted = Object.entries(searchAttributeTypes);
  const wrong = wanted.flatMap(([name, type]) => {
    const about = { topic: 'search-attributes', subject: name } as const;
    const seen = registered[name];
    if (seen === type) return [];
    if (seen === undefined)
      return [
        problem(
          about,
          `Namespace "${namespace}" does not know it.`,
          `Run: ${attributeCommand(namespace, name, type)}`,
        ),
      ];
    const remove = `temporal operator search-attribute remove --namespace ${namespace} --name ${name}`;
    return [
      problem(
        about,
        `It is of type ${seen}, and has to be ${type}.`,
        `Run: ${remove} && ${attributeCommand(namespace, name, type)}`,
      ),
    ];
  });
  if (wrong.length > 0) return wrong;
  const about = { topic: 'search-attributes', subject: `namespace ${namespace}` } as const;
  return [fine(about, `all ${wanted.length} are registered with the right types`)];
}

/** State of a namespace as the server names it: 1 registered, 2 deprecated, 3 deleted. */
export function namespaceCheck(namespace: string, state: number, retentionDays: number): HealthCheck {
  const about = { topic: 'namespace', subject: namespace } as const;
  if (state !== 1)
    return problem(
      about,
      'The namespace is deprecated or deleted.',
      'Name a registered one in TEMPORAL_NAMESPACE.',
    );
  if (retentionDays < 1)
    return warning(
      about,
      `It keeps ended releases for ${retentionDays} days.`,
      `Run: temporal operator namespace update --retention 720h ${namespace}`,
    );
  return fine(about, `registered, keeps ended releases for ${Math.round(retentionDays)} days`);
}

export interface Polled {
  readonly cluster: string;
  /** Workers that asked for tasks within the last minute. */
  readonly workflows: number | null;
  readonly activities: number;
}

/** Whether somebody asks for the tasks of each queue that applications need; `workflows` null where the queue has none. */
export function pollerChecks(taskQueue: string, polled: readonly Polled[]): readonly HealthCheck[] {
  return polled.map(({ cluster, workflows, activities }) => {
    const queue = clusterTaskQueue(taskQueue, cluster);
    if (activities === 0 || workflows === 0) return workerAway(queue, cluster);
    const both = workflows === null ? '' : `, ${workflows} for workflows`;
    return fine(
      { topic: 'workers', subject: `queue ${queue}` },
      `${activities} worker(s) ask for activities${both}`,
    );
  });
}

/** What cannot be known while Temporal is away. */
export function withoutTemporal(why: Failure): readonly HealthCheck[] {
  const about = (['namespace', 'search-attributes', 'workers', 'workflows', 'cluster'] as const).map(
    (topic) => ({
      topic,
      subject: 'all',
    }),
  );
  return [
    failed({ topic: 'temporal', subject: 'server' }, why),
    ...about.map((a) => skipped(a, 'Temporal cannot be reached')),
  ];
}
