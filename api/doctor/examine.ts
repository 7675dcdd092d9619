/** `POST /v1/doctor`: the API asks Temporal itself, and the workers by a short workflow. Every look has a deadline. */
import { randomUUID } from 'node:crypto';
import type { Application } from '../../domain/application.js';
import {
  clockCheck,
  diagnosisOf,
  errandsFor,
  failed,
  fine,
  problem,
  skipped,
  type Diagnosis,
  type ErrandReport,
  type HealthCheck,
} from '../../domain/diagnosis.js';
import { clusterTaskQueue, diagnosisWorkflowId } from '../../domain/ids.js';
import { ProblemError } from '../problems.js';
import { serverMs, type TemporalAccess } from '../temporal/access.js';
import { listApplications, readApplication, type ApplicationPage } from '../temporal/applications.js';
import { failureFrom, isTimeout, pollersOf } from '../temporal/errors.js';
import { attributeTypes } from '../temporal/readiness.js';
import { attributeChecks, namespaceCheck, pollerChecks, withoutTemporal, type Polled } from './temporal.js';

type Checks = readonly HealthCheck[];

/** Longer than any errand may take. */
const errandsMs = 18_000;
/** For the workflows of the applications, which answer within milliseconds. */
const declaredMs = 5_000;
/** A look at more would not end in time. */
const mostApplications = 50;

/** `only`: one application; null: all that are declared. Throws `application_unknown`; everything else is an answer. */
export async function examine(access: TemporalAccess, only: string | null): Promise<Diagnosis> {
  const before = Date.now();
  const at = new Date(before).toISOString();
  let server: HealthCheck;
  try {
    server = await serverCheck(access);
  } catch (error) {
    return diagnosisOf(at, withoutTemporal(failureFrom(error, 'server')));
  }
  const [namespace, attributes, rest] = await Promise.all([
    namespaceChecks(access),
    searchAttributeChecks(access),
    withWorkers(access, only, before),
  ]);
  return diagnosisOf(at, [server, ...namespace, ...attributes, ...rest]);
}

async function serverCheck({ client }: TemporalAccess): Promise<HealthCheck> {
  const begun = Date.now();
  const { serverVersion } = await client.withDeadline(begun + serverMs, () =>
    client.workflowService.getSystemInfo({}),
  );
  const seen = `version ${serverVersion === '' ? 'unknown' : serverVersion}, answered in ${Date.now() - begun} ms`;
  return fine({ topic: 'temporal', subject: 'server' }, seen);
}

async function namespaceChecks({ client, namespace }: TemporalAccess): Promise<Checks> {
  const about = { topic: 'namespace', subject: namespace } as const;
  try {
    const found = await client.withDeadline(Date.now() + serverMs, () =>
      client.workflowService.describeNamespace({ namespace }),
    );
    const seconds = Number(found.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    return [namespaceCheck(namespace, found.namespaceInfo?.state ?? 0, seconds / 86_400)];
  } catch (error) {
    const known = failureFrom(error, 'server');
    if (!/no namespace|NotFound|status 5/.test(known.message)) return [failed(about, known)];
    const create = `temporal operator namespace create --retention 720h ${namespace}`;
    return [problem(about, 'Temporal does not know it.', `Run: ${create} (or correct TEMPORAL_NAMESPACE).`)];
  }
}

async function searchAttributeChecks(access: TemporalAccess): Promise<Checks> {
  const about = { topic: 'search-attributes', subject: `namespace ${access.namespace}` } as const;
  try {
    return attributeChecks(access.namespace, await attributeTypes(access));
  } catch (error) {
    return [skipped(about, `Temporal does not list them: ${failureFrom(error, 'server').message}`)];
  }
}

async function withWorkers(access: TemporalAccess, only: string | null, before: number): Promise<Checks> {
  const own = await polled(access, 'default');
  if (own === null)
    return [skipped({ topic: 'workers', subject: 'all' }, 'Temporal does not tell who asks for tasks')];
  const mine = pollerChecks(access.taskQueue, [own]);
  if (mine.some((c) => c.state !== 'ok')) return [...mine, ...withoutWorkers('no worker asks for tasks')];
  const page = await declared(access, only);
  if (page === null) return [...mine, silent(access, declaredMs), ...withoutWorkers('no worker answers')];
  const looked = page.items.map((view) => view.current.application);
  const others = [...new Set(errandsFor(looked).map((e) => e.cluster))].filter((c) => c !== 'default');
  const polling = (await Promise.all(others.map((c) => polled(access, c)))).filter((p) => p !== null);
  const pollers = [...mine, ...pollerChecks(access.taskQueue, polling)];
  const found = await errands(access, looked, pollers, before);
  const { more } = page;
  const rest = { topic: 'application', subject: `${more} more` } as const;
  return more === 0 ? found : [...found, skipped(rest, 'a look at all would take too long: name one')];
}

/** Temporal remembers a worker for a minute, so that none may be there although one asked for tasks. */
const silent = ({ taskQueue }: TemporalAccess, ms: number): HealthCheck =>
  problem(
    { topic: 'workflows', subject: `queue ${taskQueue}` },
    `No workflow answered within ${ms / 1_000} s, though a worker was there within the last minute.`,
    'Start the worker again if it ended; else see its log, and that it is of the same version as the API.',
  );

const withoutWorkers = (why: string): Checks =>
  (['cluster', 'permissions', 'prometheus', 'registry'] as const).map((topic) =>
    skipped({ topic, subject: 'all' }, why),
  );

async function polled(access: TemporalAccess, cluster: string): Promise<Polled | null> {
  const queue = clusterTaskQueue(access.taskQueue, cluster);
  const count = (kind: 'workflows' | 'activities'): Promise<number> =>
    access.client.withDeadline(Date.now() + serverMs, () => pollersOf(access, queue, kind));
  try {
    const [activities, workflows] = await Promise.all([
      count('activities'),
      cluster === 'default' ? count('workflows') : null,
    ]);
    return { cluster, activities, workflows };
  } catch {
    return null;
  }
}

/** Null: no worker answered. Throws `application_unknown`. */
async function declared(
  access: TemporalAccess,
  only: string | null,
): Promise<Pick<ApplicationPage, 'items' | 'more'> | null> {
  const reading =
    only === null
      ? listApplications(access, { limit: mostApplications })
      : readApplication(access, only).then((view) => ({ items: [view], more: 0 }));
  const late = new Promise<null>((resolve) => setTimeout(resolve, declaredMs, null).unref());
  try {
    return await Promise.race([reading, late]);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'worker_missing') return null;
    throw error;
  } finally {
    reading.catch(() => undefined);
  }
}

/** A worker that died is counted for a while; only one that lives takes an errand up. */
async function errands(
  access: TemporalAccess,
  applications: readonly Application[],
  pollers: Checks,
  before: number,
): Promise<Checks> {
  const { client, taskQueue } = access;
  const about = { topic: 'workflows', subject: `queue ${taskQueue}` } as const;
  const begun = Date.now();
  const workflowId = diagnosisWorkflowId(randomUUID());
  try {
    const reports = await client.withDeadline(begun + errandsMs, async () => {
      const handle = await client.workflow.start('diagnosis', {
        workflowId,
        taskQueue,
        args: [errandsFor(applications)],
        workflowExecutionTimeout: '30s',
        staticSummary: 'sluice doctor',
      });
      return (await handle.result()) as readonly ErrandReport[];
    });
    const after = Date.now();
    return [
      fine(about, `one ran in ${after - begun} ms`),
      ...told(reports, pollers),
      ...clocks(reports, before, after),
    ];
  } catch (error) {
    const why = isTimeout(error) ? silent(access, errandsMs) : failed(about, failureFrom(error, 'worker'));
    await client.workflow
      .getHandle(workflowId)
      .terminate('nobody waits for it')
      .catch(() => undefined);
    return [...pollers, why, ...withoutWorkers('no workflow ran')];
  }
}

/** What an errand found out about a queue is newer than what Temporal remembers. */
function told(reports: readonly ErrandReport[], pollers: Checks): Checks {
  const checks = reports.flatMap((r) => r.checks);
  const away = new Set(checks.filter((c) => c.topic === 'workers').map((c) => c.subject));
  return [...pollers.filter((p) => !away.has(p.subject)), ...checks];
}

function clocks(reports: readonly ErrandReport[], before: number, after: number): Checks {
  return reports.flatMap(({ cluster, at }) =>
    at === null ? [] : [clockCheck(`worker of cluster ${cluster}`, { before, read: Date.parse(at), after })],
  );
}
