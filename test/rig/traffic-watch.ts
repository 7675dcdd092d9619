/** What became of a route and of the endpoints behind it, version by version, in the order in which the API server wrote them. */
import type { Kube, KubeObject } from '../../infra/local/kube.js';

export interface RouteVersion {
  /** Later ones have larger numbers, also those of other routes. */
  readonly version: number;
  readonly at: number;
  /** Weight of each Service, rule by rule; a rule for tagged requests is left out. */
  readonly weights: readonly Readonly<Record<string, number>>[];
  /** Services that tagged requests go to. */
  readonly tagged: readonly string[];
  /** Values of the tag that its rules ask for. */
  readonly tags: readonly string[];
  readonly generation: number;
  /** The latest generation that its controller says it has taken; 0: none. */
  readonly taken: number;
}

/** One version of a route or of an EndpointSlice. */
export interface TrafficEntry {
  readonly version: number;
  readonly at: number;
  readonly kind: 'route' | 'slice';
  readonly name: string;
  /** Null: it is gone. */
  readonly object: KubeObject | null;
}

interface Rule {
  readonly matches?: readonly {
    readonly headers?: readonly { readonly name: string; readonly value: string }[];
  }[];
  readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
}

export class TrafficWatch {
  private readonly entries: TrafficEntry[] = [];
  private readonly stopping = new AbortController();
  private readonly watches: Promise<void>[] = [];

  private constructor(
    private readonly kube: Kube,
    /** Name of the header that makes a rule one for tagged requests. */
    private readonly tag: string,
  ) {}

  /** Follows an HTTPRoute and every EndpointSlice of its namespace from now on. */
  static async start(kube: Kube, namespace: string, route: string, tag = 'x-lane'): Promise<TrafficWatch> {
    const watch = new TrafficWatch(kube, tag);
    const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes?fieldSelector=metadata.name%3D${route}`;
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    await Promise.all([watch.follow('route', routes), watch.follow('slice', slices)]);
    return watch;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.watches);
  }

  /** Every version of the route, oldest first; what only changed its status or notes is there as well. */
  get routes(): readonly RouteVersion[] {
    return this.ordered().flatMap(({ kind, object, at }) =>
      kind === 'route' && object !== null ? [readRoute(object, at, this.tag)] : [],
    );
  }

  /** How often P1 was broken, and how: at each version of the route or of an EndpointSlice. */
  get violations(): string[] {
    return violationsIn(this.ordered(), this.tag);
  }

  private ordered(): TrafficEntry[] {
    return this.entries.toSorted((a, b) => a.version - b.version);
  }

  private async follow(kind: TrafficEntry['kind'], path: string): Promise<void> {
    const { items, metadata } = await this.kube.get<{
      items: KubeObject[];
      metadata: { resourceVersion: string };
    }>(path);
    // What was there before is one state, in which the endpoints come first.
    for (const object of items) this.note(kind, object, false, kind === 'slice' ? 0 : 1);
    this.watches.push(this.watch(kind, path, metadata.resourceVersion));
  }

  private async watch(kind: TrafficEntry['kind'], path: string, from: string): Promise<void> {
    try {
      for await (const { type, object } of this.kube.watch(path, from, this.stopping.signal)) {
        if (type !== 'BOOKMARK') this.note(kind, object, type === 'DELETED');
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  private note(
    kind: TrafficEntry['kind'],
    object: KubeObject,
    gone: boolean,
    version = Number(object.metadata.resourceVersion),
  ): void {
    const { name } = object.metadata;
    this.entries.push({ version, at: Date.now(), kind, name, object: gone ? null : object });
  }
}

/** P1 at each version, oldest first: what is wrong with it, if anything. */
export function violationsIn(entries: readonly TrafficEntry[], tag: string): string[] {
  const ready = new Map<string, { readonly service: string; readonly count: number }>();
  let route: RouteVersion | null = null;
  return entries.flatMap(({ kind, name, object, at, version }) => {
    if (kind === 'route') route = object === null ? null : readRoute(object, at, tag);
    else if (object === null) ready.delete(name);
    else ready.set(name, endpointsOf(object));
    return route === null ? [] : broken(route, [...ready.values()]).map((w) => `at ${version}: ${w}`);
  });
}

/** What an HTTPRoute says; `tag` is the header of rules for tagged requests. */
export function readRoute(object: KubeObject, at: number, tag: string): RouteVersion {
  const { rules = [] } = object['spec'] as { readonly rules?: readonly Rule[] };
  const { parents = [] } = (object['status'] ?? {}) as {
    readonly parents?: readonly {
      readonly conditions?: readonly { readonly observedGeneration?: number }[];
    }[];
  };
  const tagsOf = (rule: Rule): string[] =>
    (rule.matches ?? []).flatMap((m) => (m.headers ?? []).flatMap((h) => (h.name === tag ? [h.value] : [])));
  const isTagged = (rule: Rule): boolean => tagsOf(rule).length > 0;
  return {
    version: Number(object.metadata.resourceVersion),
    at,
    weights: rules
      .filter((rule) => !isTagged(rule))
      .map((rule) => Object.fromEntries((rule.backendRefs ?? []).map((b) => [b.name, b.weight ?? 1]))),
    tagged: rules.filter(isTagged).flatMap((rule) => (rule.backendRefs ?? []).map((b) => b.name)),
    tags: rules.flatMap(tagsOf),
    generation: object.metadata.generation ?? 0,
    taken: Math.max(0, ...parents.flatMap((p) => p.conditions ?? []).map((c) => c.observedGeneration ?? 0)),
  };
}

function endpointsOf(slice: KubeObject): { readonly service: string; readonly count: number } {
  const endpoints = (slice['endpoints'] ?? []) as readonly {
    readonly conditions?: { readonly ready?: boolean };
  }[];
  const service = slice.metadata.labels?.['kubernetes.io/service-name'] ?? '';
  return { service, count: endpoints.filter((e) => e.conditions?.ready === true).length };
}

function broken(
  { weights, tagged }: RouteVersion,
  endpoints: readonly { readonly service: string; readonly count: number }[],
): string[] {
  const isReady = (service: string): boolean => endpoints.some((e) => e.service === service && e.count > 0);
  const used = [
    ...weights.flatMap((rule) => Object.keys(rule).filter((service) => rule[service]! > 0)),
    ...tagged,
  ];
  const sums = weights.flatMap((rule) => {
    const values = Object.values(rule);
    const sum = values.reduce((a, b) => a + b, 0);
    // One backend alone needs no share.
    const fits = values.length === 1 ? sum > 0 : sum === 100;
    return fits && values.every(Number.isInteger) ? [] : [`weights ${JSON.stringify(rule)}`];
  });
  return [
    ...used.filter((s) => !isReady(s)).map((s) => `"${s}" gets requests without a ready endpoint`),
    ...sums,
  ];
}
