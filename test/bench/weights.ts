/** Weights of the new version, as a watch of the VirtualServices sees them. */
import type { Kube, KubeList, KubeObject } from '../../infra/local/kube.js';

export interface Seen {
  /** Milliseconds since 1970, when the watch's event arrived here. */
  readonly at: number;
  readonly weight: number;
}

interface Destination {
  readonly destination?: { readonly host?: string };
  readonly weight?: number;
}

export interface VirtualService extends KubeObject {
  spec: { http?: { route?: Destination[] }[] };
}

/** Percent on the new version: of the first rule with several destinations, the one that is called canary or gray. */
export function weightOf({ spec }: VirtualService): number {
  const rules = spec.http ?? [];
  const rule = rules.find((one) => (one.route?.length ?? 0) > 1) ?? rules[0];
  const fresh = rule?.route?.find(({ destination }) => /-(canary|gray)\b/.test(destination?.host ?? ''));
  return fresh?.weight ?? 0;
}

/** Times between two weights that follow each other on the way up, up to `last`: how long each was held. */
export function holdsOf(seen: readonly Seen[], last: number): number[] {
  const up = seen.filter(({ weight }) => weight > 0 && weight <= last);
  return up.slice(1).map(({ at }, i) => at - up[i]!.at);
}

/** When the first weight came, or null. */
export const firstWeightAt = (seen: readonly Seen[]): number | null =>
  seen.find(({ weight }) => weight > 0)?.at ?? null;

/** When all traffic was back, after `from`; null where it never was. */
export const returnedAt = (seen: readonly Seen[], from: number): number | null =>
  seen.find(({ at, weight }) => at > from && weight === 0)?.at ?? null;

export class WeightWatch {
  private seen = new Map<string, Seen[]>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly kube: Kube,
    private readonly namespace: string,
  ) {
    void this.run();
  }

  /** By name of the VirtualService, since the last `clear`. */
  get all(): ReadonlyMap<string, readonly Seen[]> {
    return this.seen;
  }

  of(name: string): readonly Seen[] {
    return this.seen.get(name) ?? [];
  }

  clear(): void {
    this.seen = new Map();
  }

  close(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const path = `/apis/networking.istio.io/v1/namespaces/${this.namespace}/virtualservices`;
    while (!signal.aborted) {
      try {
        const list = await this.kube.get<KubeList<VirtualService>>(path);
        for (const item of list.items) this.note(item);
        const from = list.metadata.resourceVersion;
        for await (const { type, object } of this.kube.watch<VirtualService>(path, from, signal))
          if (type === 'ADDED' || type === 'MODIFIED') this.note(object);
      } catch {
        // Listed and watched again; a hole would show as weights that are missing.
      }
    }
  }

  private note(object: VirtualService): void {
    const { name } = object.metadata;
    const list = this.seen.get(name) ?? [];
    this.seen.set(name, list);
    const weight = weightOf(object);
    if (list.at(-1)?.weight !== weight) list.push({ at: Date.now(), weight });
  }
}
