/** P1: traffic goes only to a track with ready endpoints. */
import { grayReplicas, type AnyRoute, type Traffic } from '../../domain/traffic.js';
import { uptimeMs } from '../clock.js';
import type { Behind } from '../contract.js';
import { fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import type { KubeObject } from '../kubernetes/objects.js';
import { heardSlices, readyIn, sliceChange, slicesOf } from '../kubernetes/slices.js';
import { asked } from './change.js';

/** Ready endpoints of both tracks. */
export interface Ready {
  readonly stable: number;
  readonly gray: number;
}

/** Between two looks without a word. */
const lookMs = 200;

/**
 * What is known of the endpoints of a route while it is changed. What a track carries already may be changed by what the shared watch
 * has heard within the last seconds, as proxies hear of it too. Where requests go to a track for the first time, or all of them, the
 * API server is asked.
 */
export class Endpoints {
  private asked: Promise<Ready> | null = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly route: AnyRoute,
    private readonly signal: AbortSignal,
  ) {}

  /** Asks beside what else is to be done, where nothing was heard; a failure waits until the answer is needed. */
  begin(): void {
    if (this.heard() === null) this.sure().catch(() => undefined);
  }

  recent(): Ready | Promise<Ready> {
    return this.heard() ?? this.sure();
  }

  /** As the API server answers it, once. */
  sure(): Promise<Ready> {
    return (this.asked ??= asked(this.cluster, this.route, this.ask()));
  }

  /** The same, but when gray has so many, or at `until` (by `uptimeMs`): its pods are ready, but the cluster may not have told of it. */
  async sureOfGray(until: number, least = 1): Promise<Ready> {
    for (;;) {
      const isLate = uptimeMs() >= until;
      if (isLate || (this.heard()?.gray ?? least) >= least) {
        const ready = await this.sure();
        if (isLate || ready.gray >= least) return ready;
        this.asked = null;
      }
      const { namespace, grayService: service } = this.route;
      await sliceChange(this.cluster, { namespace, service }, lookMs, this.signal);
    }
  }

  private async ask(): Promise<Ready> {
    const { namespace, stableService, grayService } = this.route;
    const items = await slicesOf(this.cluster, namespace, [stableService, grayService], this.signal);
    return { stable: countReady(items, stableService), gray: countReady(items, grayService) };
  }

  private heard(): Ready | null {
    const { namespace, stableService, grayService } = this.route;
    const slices = heardSlices(this.cluster, namespace);
    if (slices === null) return null;
    const count = (service: string): number => countReady(slices(service), service);
    return { stable: count(stableService), gray: count(grayService) };
  }
}

/** How long after its pods a Service may have its endpoints: moments, but seconds where the cluster's controllers have just begun, or are busy. */
export const lagMs = 10_000;
/** The same of a gray that was made larger: some of it has them already. Two of these are less than an attempt of the activity may take. */
export const grownLagMs = 5_000;

/** The first of those whose gray has no ready endpoint: by what the shared watch has heard, and where that is none, by the API server. */
export async function unreadyOf(
  cluster: Cluster,
  behind: readonly Behind[],
  signal: AbortSignal,
): Promise<Behind | undefined> {
  const gray = await Promise.all(
    behind.map(async ({ route, grown }) => {
      const endpoints = new Endpoints(cluster, route, signal);
      if (grown !== undefined) return (await endpoints.sureOfGray(uptimeMs() + grownLagMs, grown)).gray;
      const heard = await endpoints.recent();
      return heard.gray > 0 ? heard.gray : (await endpoints.sure()).gray;
    }),
  );
  return behind.find((_, i) => gray[i] === 0);
}

export const countReady = (slices: readonly KubeObject[], service: string): number =>
  readyIn(slices, service).length;

/** Refuses traffic to a track that cannot answer. */
export function requireReady(ready: Ready, route: AnyRoute, traffic: Traffic): void {
  if ((traffic.gray > 0 || traffic.tag !== null) && ready.gray === 0) {
    fail('endpoints_missing', { track: 'gray', service: route.grayService });
  }
  if (traffic.gray < 100 && ready.stable === 0)
    fail('endpoints_missing', { track: 'stable', service: route.stableService });
}

/** Refuses a share that is more than gray's part of what is ready now: an autoscaler may have changed stable since gray was sized. */
export function requireSize({ stable, gray }: Ready, route: AnyRoute, weight: number): void {
  const needed = grayReplicas(stable, weight);
  if (weight === 0 || gray >= needed) return;
  fail('gray_too_small', { service: route.grayService, ready: gray, needed, weight, stable });
}
