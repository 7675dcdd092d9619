/** What the pods behind a Service run, as the API server tells it, through a whole release. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject } from '../../infra/local/kube.js';
import type { World } from '../rig/world.js';

interface Pod extends KubeObject {
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly imageID: string }[];
  };
}

export interface Extremes {
  /** Ready pods behind the Service at any look. */
  readonly least: number;
  /** Pods that are not on their way out, ready or not. */
  readonly most: number;
}

const lookMs = 25;

/** Looks at them all the time, because an event tells of one pod and what counts is all of them together. */
export class PodWatch {
  private readonly ended = new AbortController();
  private least = Number.POSITIVE_INFINITY;
  private most = 0;
  private looking: Promise<void> = Promise.resolve();

  private constructor(
    private readonly world: World,
    private readonly versions: ReadonlyMap<string, string>,
  ) {}

  static async start(world: World): Promise<PodWatch> {
    const tags = ['v1', 'v2', 'v3'];
    const digests = await Promise.all(tags.map(async (tag) => (await world.image(tag)).split('@').at(-1)!));
    const watch = new PodWatch(world, new Map(tags.map((tag, i) => [digests[i]!, tag])));
    watch.looking = watch.look();
    return watch;
  }

  /** Ready pods behind the Service by version. */
  async now(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const pod of (await this.pods()).filter(isReady)) {
      const id = pod.status?.containerStatuses?.[0]?.imageID ?? '';
      const version = [...this.versions].find(([digest]) => id.endsWith(digest))?.[1] ?? id;
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  }

  async stop(): Promise<Extremes> {
    this.ended.abort();
    await this.looking;
    return { least: this.least, most: this.most };
  }

  private async look(): Promise<void> {
    while (!this.ended.signal.aborted) {
      const pods = await this.pods();
      this.least = Math.min(this.least, pods.filter(isReady).length);
      this.most = Math.max(this.most, pods.length);
      await delay(lookMs);
    }
  }

  /** All that the Service of stable selects and that nobody has deleted. */
  private async pods(): Promise<readonly Pod[]> {
    const selector = encodeURIComponent(`app=${this.world.name}`);
    const path = `/api/v1/namespaces/${this.world.namespace}/pods?labelSelector=${selector}`;
    const { items } = await this.world.kube.get<{ items: Pod[] }>(path);
    return items.filter((pod) => pod.metadata['deletionTimestamp'] === undefined);
  }
}

const isReady = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');
