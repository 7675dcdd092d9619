/** An application: its declared versions, one release at a time in each environment, and what was released. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { Application, ApplicationVersion } from '../domain/application.js';
import { failure } from '../domain/failures.js';
import { canonicalJson } from '../domain/ids.js';
import { emptyQueue, environmentAfter } from '../domain/queue.js';
import type { HistoryEntry } from '../domain/release.js';
import { failureError } from './failures.js';
import * as messages from './messages.js';
import { Queues, type QueuesByEnvironment } from './queues.js';

const keptVersions = 20;
const keptHistory = 100;
/** What outlives a continue-as-new. */
export interface ApplicationState {
  readonly versions: readonly ApplicationVersion[];
  /** As some worker wrote them, perhaps an older one, which kept empty ones. */
  readonly queues: QueuesByEnvironment;
  readonly history: readonly HistoryEntry[];
}

export async function application(carried?: ApplicationState): Promise<void> {
  let { versions, history } = carried ?? { versions: [], history: [] };
  const name = workflowInfo().workflowId.replace(/^application\//, '');
  const queues = new Queues(name, carried?.queues ?? {}, () => history);
  let removed = false;

  setHandler(messages.declare, ({ application: declared, by }) => {
    const current = versions[0];
    if (current !== undefined && canonicalJson(current.application) === canonicalJson(declared))
      return current;
    const version = versionOf(declared, by, current);
    versions = [version, ...versions].slice(0, keptVersions);
    return version;
  });
  setHandler(
    messages.remove,
    (_request): messages.Answer => {
      removed = true;
      return { accepted: true };
    },
    {
      validator: (_request) => {
        const release = queues.busy;
        if (release !== null) throw failureError(failure('application_busy', { name, release }));
      },
    },
  );
  setHandler(messages.application, () => ({
    current: versions[0]!,
    versions,
    environments: (versions[0]?.application.environments ?? []).map((e) =>
      environmentAfter(e.name, queues.of(e.name), history),
    ),
    history,
  }));
  setHandler(messages.queue, (environment) => queues.view(environment, history));
  setHandler(messages.takeTurn, (request) => queues.take(asKnown(request)));
  setHandler(messages.lost, ({ release }) => queues.forget(release));
  setHandler(messages.endTurn, ({ release, environment, entry }) => {
    const heldMs = queues.end(release, environment);
    if (entry === null) return;
    history = [heldMs === null ? entry : { ...entry, heldMs }, ...history].slice(0, keptHistory);
  });

  for (;;) {
    setCurrentDetails(describe(versions[0], queues.occupied));
    const wanted = (): boolean => queues.hasNotices || removed || workflowInfo().continueAsNewSuggested;
    const summary = 'is the running release still there?';
    const woken = queues.hasWaiting
      ? await condition(wanted, queues.pingAfterMs, { summary })
      : await condition(wanted);
    if (woken === false) queues.pingRunning();
    await queues.tell();
    if (removed) break;
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      // A notice that came meanwhile would be lost.
      if (queues.hasNotices) continue;
      await continueAsNew<typeof application>({ versions, queues: queues.occupied, history });
    }
  }
  await condition(allHandlersFinished);
}
// It lives for years, so it follows the workers; releases are pinned by the worker's default. Unversioned workers refuse the option.
setWorkflowOptions(() => (isVersioned() ? { versioningBehavior: 'AUTO_UPGRADE' } : {}), application);

/** What an older worker has answered to who said its tag at an edge is repeated. */
function asKnown(request: messages.TurnRequest): messages.TurnRequest {
  const { stamps, ...ticket } = request.ticket ?? { urgent: false, asked: '' };
  return stamps === undefined || patched('edges-say-which-tag-they-put-on')
    ? request
    : { ...request, ticket };
}

const isVersioned = (): boolean => (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';

function versionOf(
  declared: Application,
  by: string,
  current: ApplicationVersion | undefined,
): ApplicationVersion {
  const declaredAt = new Date().toISOString();
  return { version: (current?.version ?? 0) + 1, declaredAt, by, application: declared };
}

function describe(current: ApplicationVersion | undefined, queues: QueuesByEnvironment): string {
  const declared = current?.application.environments.map((e) => e.name) ?? [];
  const lines = [...new Set([...declared, ...Object.keys(queues)])].map((environment) => {
    const { running, waiting } = queues[environment] ?? emptyQueue;
    return `- ${environment}: ${running ?? 'free'}${waiting.length > 0 ? `, waiting: ${waiting.join(', ')}` : ''}`;
  });
  const version =
    current === undefined
      ? ''
      : `Version ${current.version}, declared by ${current.by} at ${current.declaredAt}`;
  return [version, ...lines].join('\n\n');
}
