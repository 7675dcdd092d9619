/** An application: its declared versions, one release at a time in each environment, and what was released. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import type { Application, ApplicationVersion } from '../domain/application.js';
import { failure } from '../domain/failures.js';
import { canonicalJson, releaseWorkflowId } from '../domain/ids.js';
import { environmentAfter, leave, pingAfterMs, take, type Queue } from '../domain/queue.js';
import type { HistoryEntry } from '../domain/release.js';
import { failureError } from './failures.js';
import * as messages from './messages.js';

const keptVersions = 20;
const keptHistory = 100;
/** What outlives a continue-as-new. */
export interface ApplicationState {
  readonly versions: readonly ApplicationVersion[];
  readonly queues: Readonly<Record<string, Queue>>;
  readonly history: readonly HistoryEntry[];
}

export async function application(carried?: ApplicationState): Promise<void> {
  let { versions, queues, history } = carried ?? { versions: [], queues: {}, history: [] };
  let removed = false;
  /** Notices to releases, sent by the main loop one after the other, so that they arrive in order. */
  const outbox: { readonly release: string; readonly send: (id: string) => Promise<void> }[] = [];
  /** Since when nobody's place has changed. */
  let still = Date.now();

  const queueOf = (environment: string): Queue => queues[environment] ?? { running: null, waiting: [] };

  const announce = (environment: string, next: Queue, before: Queue): void => {
    queues = { ...queues, [environment]: next };
    still = Date.now();
    const turn = { application: name(), environment };
    if (next.running !== null && next.running !== before.running) {
      tell(next.running, (id) => getExternalWorkflowHandle(id).signal(messages.granted, turn));
    }
    next.waiting.forEach((release, i) => {
      if (before.waiting[i] === release) return;
      const behind = i === 0 ? (next.running ?? '') : next.waiting[i - 1]!;
      tell(release, (id) =>
        getExternalWorkflowHandle(id).signal(messages.queued, { ...turn, place: i + 1, behind }),
      );
    });
  };
  const tell = (release: string, send: (id: string) => Promise<void>): void => {
    outbox.push({ release, send });
  };
  const forget = (release: string): void => {
    for (const [environment, queue] of Object.entries(queues))
      announce(environment, leave(queue, release), queue);
  };
  const name = (): string => workflowInfo().workflowId.replace(/^application\//, '');

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
        const busy = Object.values(queues).find((q) => q.running !== null);
        if (busy?.running != null)
          throw failureError(failure('application_busy', { name: name(), release: busy.running }));
      },
    },
  );
  setHandler(messages.application, () => ({
    current: versions[0]!,
    versions,
    environments: (versions[0]?.application.environments ?? []).map((e) =>
      environmentAfter(e.name, queueOf(e.name), history),
    ),
    history,
  }));
  setHandler(messages.takeTurn, ({ release, environment, policy }) => {
    const before = queueOf(environment);
    if (policy === 'refuse' && before.running !== null && before.running !== release) {
      const refusal = { application: name(), environment, running: before.running };
      tell(release, (id) => getExternalWorkflowHandle(id).signal(messages.turnedAway, refusal));
      return;
    }
    const next = take(before, release);
    if (next === before) {
      // Asked twice: the answer may have been lost with a worker, so it is given again.
      announce(environment, next, { running: null, waiting: [] });
      return;
    }
    announce(environment, next, before);
    if (before.running !== null)
      tell(before.running, (id) => getExternalWorkflowHandle(id).signal(messages.ping));
  });
  setHandler(messages.endTurn, ({ release, environment, entry }) => {
    if (entry !== null) history = [entry, ...history].slice(0, keptHistory);
    const before = queueOf(environment);
    announce(environment, leave(before, release), before);
  });

  for (;;) {
    setCurrentDetails(describe(versions[0], queues));
    const waiting = Object.values(queues).some((q) => q.waiting.length > 0);
    const wanted = (): boolean => outbox.length > 0 || removed || workflowInfo().continueAsNewSuggested;
    const pauseMs = pingAfterMs(Date.now() - still);
    const summary = 'is the running release still there?';
    const woken = waiting ? await condition(wanted, pauseMs, { summary }) : await condition(wanted);
    if (woken === false) pingRunning(queues, tell);
    for (let notice = outbox.shift(); notice !== undefined; notice = outbox.shift()) {
      // A release that cannot be told anything has ended without saying so: its turn is over.
      await notice.send(releaseWorkflowId(notice.release)).catch((error: unknown) => {
        if (!hasHeardTooMuch(error)) forget(notice.release);
      });
    }
    if (removed) break;
    if (workflowInfo().continueAsNewSuggested && outbox.length === 0) {
      await condition(allHandlersFinished);
      // A notice that came meanwhile would be lost.
      if (outbox.length > 0) continue;
      await continueAsNew<typeof application>({ versions, queues, history });
    }
  }
  await condition(allHandlersFinished);
}
// It lives for years, so it follows the workers; releases are pinned by the worker's default. Unversioned workers refuse the option.
setWorkflowOptions(() => (isVersioned() ? { versioningBehavior: 'AUTO_UPGRADE' } : {}), application);

const isVersioned = (): boolean => (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';

/** Alive, but Temporal lets nobody send it one more signal. */
const hasHeardTooMuch = (error: unknown): boolean => error instanceof Error && /limit/i.test(error.message);

function pingRunning(
  queues: Readonly<Record<string, Queue>>,
  tell: (release: string, send: (id: string) => Promise<void>) => void,
): void {
  for (const { running, waiting } of Object.values(queues)) {
    if (running !== null && waiting.length > 0) {
      tell(running, (id) => getExternalWorkflowHandle(id).signal(messages.ping));
    }
  }
}

function versionOf(
  declared: Application,
  by: string,
  current: ApplicationVersion | undefined,
): ApplicationVersion {
  const declaredAt = new Date().toISOString();
  return { version: (current?.version ?? 0) + 1, declaredAt, by, application: declared };
}

function describe(current: ApplicationVersion | undefined, queues: Readonly<Record<string, Queue>>): string {
  const lines = Object.entries(queues).map(
    ([environment, q]) =>
      `- ${environment}: ${q.running ?? 'free'}${q.waiting.length > 0 ? `, waiting: ${q.waiting.join(', ')}` : ''}`,
  );
  const version =
    current === undefined
      ? ''
      : `Version ${current.version}, declared by ${current.by} at ${current.declaredAt}`;
  return [version, ...lines].join('\n\n');
}
