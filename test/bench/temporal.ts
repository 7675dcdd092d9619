/** What a release of Sluice leaves in Temporal: events, and actions that a cloud would bill. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { actionKinds, actionsOf, heartbeatsIn, totalOf, type ActionKind } from './actions.js';
import type { SluiceRunning } from './candidates/sluice.js';
import type { Cluster } from './cluster.js';
import { mean } from './statistics.js';

export interface TemporalCost {
  /** Means for one release, of those that were looked at. */
  readonly events: number;
  readonly actions: number;
  readonly byKind: Readonly<Record<ActionKind | 'heartbeat', number>>;
}

/** More say no more. */
const most = 20;

/** Counts what happens from here to the end. */
export class TemporalWatch {
  private constructor(
    private readonly cluster: Cluster,
    private readonly heartbeats: number,
    private readonly from: number,
  ) {}

  static async begin(cluster: Cluster): Promise<TemporalWatch> {
    return new TemporalWatch(cluster, heartbeatsIn(await cluster.temporalMetrics()), Date.now());
  }

  /** `releases`: how many there were. */
  async end(running: SluiceRunning, releases: number): Promise<TemporalCost> {
    // The last signal to the application may be on its way.
    await delay(500);
    const heartbeats = (heartbeatsIn(await this.cluster.temporalMetrics()) - this.heartbeats) / releases;
    const looked = await Promise.all(
      running.workflows.slice(0, most).map(async (id, i) => {
        const own = await historyOf(running.temporal, id);
        const application = await historyOf(running.temporal, running.applicationWorkflow(i));
        const share = application.filter((event) => millisecondsOf(event.eventTime) >= this.from);
        return { events: own.length, actions: [actionsOf(own), actionsOf(share)] };
      }),
    );
    const byKind = Object.fromEntries(
      actionKinds.map((kind) => [
        kind,
        mean(looked.map(({ actions }) => actions.reduce((n, a) => n + a[kind], 0))),
      ]),
    ) as Record<ActionKind, number>;
    return {
      events: mean(looked.map(({ events }) => events)),
      actions: totalOf(byKind) + heartbeats,
      byKind: { ...byKind, heartbeat: heartbeats },
    };
  }
}

async function historyOf(temporal: Client, id: string) {
  return (await temporal.workflow.getHandle(id).fetchHistory()).events ?? [];
}

function millisecondsOf(
  time: { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined,
): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1_000_000;
}
