/**
 * Every version of every route, EndpointSlice and Deployment of a cluster, through restarts of its API server: while that is away
 * nobody writes, so only what was written in the moment of its end can be missed, and then the next version is seen.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KubeError, type Kube, type KubeList, type KubeObject } from '../../../infra/local/kube.js';
import { readRoute, violationsIn, type RouteVersion } from '../../rig/traffic-watch.js';

const kinds = {
  route: '/apis/gateway.networking.k8s.io/v1/httproutes',
  slice: '/apis/discovery.k8s.io/v1/endpointslices',
  deployment: '/apis/apps/v1/deployments',
} as const;
type Kind = keyof typeof kinds;

export interface Entry {
  readonly version: number;
  /** When it was seen, and since when it may have been so without being seen; epoch ms. */
  readonly at: number;
  readonly earliest: number;
  readonly kind: Kind;
  readonly name: string;
  /** Null: it is gone. */
  readonly object: KubeObject | null;
}

export interface WatchedDeployment extends KubeObject {
  metadata: KubeObject['metadata'] & { uid: string; generation: number };
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
  };
}

export type WatchedRoute = RouteVersion &
  Pick<Entry, 'version' | 'earliest'> & {
    /** When its controller had taken it, or a later one; epoch ms, Infinity: it has not. */
    readonly takenAt: number;
  };

const tag = 'x-lane';
/** What a watch brings so soon after it was opened again may be as old as its end. */
const catchUpMs = 2_000;

export class ClusterWatch {
  private readonly entries = new Map<string, Entry[]>();
  private readonly known = new Map<string, number>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[] = [];
  /** How often a watch ended and was opened again. */
  reopened = 0;

  private constructor(private readonly kube: Kube) {}

  static async start(kube: Kube): Promise<ClusterWatch> {
    const watch = new ClusterWatch(kube);
    for (const kind of ['slice', 'route', 'deployment'] as const) {
      // What was there before is one state, in which the endpoints come first.
      const from = await watch.list(kind, Date.now(), kind === 'route' ? 1 : 0);
      watch.running.push(watch.follow(kind, from));
    }
    return watch;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  /** Of one namespace, in the order in which they were written. */
  of(namespace: string): readonly Entry[] {
    return (this.entries.get(namespace) ?? []).toSorted((a, b) => a.version - b.version);
  }

  /** P1: what was wrong with a route or with the endpoints behind it, version by version. */
  violations(namespace: string): string[] {
    const traffic = this.of(namespace).flatMap(({ kind, ...rest }) =>
      kind === 'deployment' ? [] : [{ kind, ...rest }],
    );
    return violationsIn(traffic, tag).map((what) => `${namespace} ${what}`);
  }

  /** Versions of the route, without those that only changed its status or its notes. */
  routes(namespace: string): readonly WatchedRoute[] {
    const all = this.of(namespace).flatMap(({ kind, object, at, version, earliest }) =>
      kind === 'route' && object !== null ? [{ ...readRoute(object, at, tag), version, earliest }] : [],
    );
    const text = ({ weights, tagged }: RouteVersion): string => JSON.stringify([weights, tagged]);
    return all.flatMap((r, i) => {
      if (i > 0 && text(r) === text(all[i - 1]!)) return [];
      const takenAt = all.slice(i).find((later) => later.taken >= r.generation)?.at;
      return [{ ...r, takenAt: takenAt ?? Number.POSITIVE_INFINITY }];
    });
  }

  private async follow(kind: Kind, begin: string): Promise<void> {
    const { signal } = this.stopping;
    let from: string | null = begin;
    let lost = 0;
    while (!signal.aborted) {
      try {
        from ??= await this.list(kind, lost);
        const opened = Date.now();
        for await (const { type, object } of this.kube.watch(kinds[kind], from, signal)) {
          if (type === 'ERROR') throw new KubeError(410, JSON.stringify(object));
          from = object.metadata.resourceVersion ?? from;
          const earliest = lost > 0 && Date.now() - opened < catchUpMs ? lost : Date.now();
          if (type !== 'BOOKMARK') this.note(kind, object, type === 'DELETED', earliest);
        }
        lost = Date.now();
      } catch (error) {
        if (signal.aborted) return;
        lost = Math.max(lost, Date.now() - catchUpMs);
        // Anything but a lost connection: it is too old to go on from there.
        if (error instanceof KubeError && error.status === 410) from = null;
      }
      this.reopened++;
      await delay(30);
    }
  }

  /** Notes what is new since it was last looked at, and what is gone; answers where to watch from. */
  private async list(kind: Kind, earliest: number, as?: number): Promise<string> {
    const { items, metadata } = await this.kube.get<KubeList<KubeObject>>(kinds[kind]);
    const present = new Set(items.map((o) => keyOf(kind, o)));
    for (const [key, version] of this.known) {
      if (!key.startsWith(`${kind}/`) || present.has(key) || version < 0) continue;
      const [, namespace, name] = key.split('/') as [string, string, string];
      const gone = { apiVersion: '', kind: '', metadata: { name, namespace } };
      this.note(kind, { ...gone, metadata: { ...gone.metadata, ...metadata } }, true, earliest);
    }
    for (const object of items) this.note(kind, object, false, earliest, as);
    return metadata.resourceVersion;
  }

  /** `as`: its place among the versions, where that is not its own. */
  private note(kind: Kind, object: KubeObject, gone: boolean, earliest: number, as?: number): void {
    const { name, namespace = '', resourceVersion } = object.metadata;
    const version = Number(resourceVersion);
    const key = keyOf(kind, object);
    if (Math.abs(this.known.get(key) ?? 0) === version) return;
    this.known.set(key, gone ? -version : version);
    const entry = {
      version: as ?? version,
      at: Date.now(),
      earliest,
      kind,
      name,
      object: gone ? null : object,
    };
    const list = this.entries.get(namespace);
    if (list === undefined) this.entries.set(namespace, [entry]);
    else list.push(entry);
  }
}

const keyOf = (kind: Kind, { metadata }: KubeObject): string =>
  `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
