/** What a test sees of a release from outside: its history as it grows, and its route as it changes. */
import type { Client } from '@temporalio/client';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { KubeObject } from '../../infra/local/kube.js';
import type { World } from '../rig/world.js';

const pollMs = 20_000;
/** gRPC codes: a deadline that passed, a workflow that is not there yet. */
const timedOut = [1, 4];
const notFound = 5;

/** Waits until the history has so many events, or has its last. */
export async function reachesEvent(client: Client, id: string, count: number): Promise<void> {
  const execution = { workflowId: releaseWorkflowId(id) };
  let nextPageToken: Uint8Array = new Uint8Array();
  for (let seen = 0; ;) {
    const token = nextPageToken;
    try {
      const answer = await client.withDeadline(Date.now() + pollMs, () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace: 'default',
          execution,
          waitNewEvent: true,
          nextPageToken: token,
        }),
      );
      seen += answer.history?.events?.length ?? 0;
      if (seen >= count) return;
      nextPageToken = answer.nextPageToken ?? new Uint8Array();
      if (nextPageToken.length === 0) return;
    } catch (error) {
      const { code } = error as { code?: number };
      if (code === notFound) await new Promise((resolve) => setTimeout(resolve, 10));
      else if (code === undefined || !timedOut.includes(code)) throw error;
    }
  }
}

interface HttpRoute extends KubeObject {
  metadata: KubeObject['metadata'] & { generation: number };
  spec: { rules: { matches?: { headers?: unknown[] }[]; backendRefs: Backend[] }[] };
}

interface Backend {
  name: string;
  weight?: number;
}

/** Every state that the API server had of a world's HTTPRoute while it was watched. */
export class RouteWatch {
  private readonly states = new Map<number, number>();
  private readonly ending = new AbortController();
  private watching: Promise<void> = Promise.resolve();

  private constructor(private readonly world: World) {}

  static async start(world: World): Promise<RouteWatch> {
    const watch = new RouteWatch(world);
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${world.namespace}/httproutes`;
    const list = await world.kube.get<{ metadata: { resourceVersion: string }; items: HttpRoute[] }>(path);
    list.items.forEach((route) => watch.note(route));
    const { signal } = watch.ending;
    watch.watching = (async () => {
      for await (const event of world.kube.watch<HttpRoute>(path, list.metadata.resourceVersion, signal)) {
        if (event.type === 'ERROR') throw new Error(JSON.stringify(event.object));
        if (event.type !== 'BOOKMARK') watch.note(event.object);
      }
    })();
    watch.watching.catch(() => undefined);
    return watch;
  }

  /** Ends it, once it has seen the generation that the route has now. */
  async stop(): Promise<{ readonly weights: readonly number[]; readonly writes: number }> {
    const { namespace, name, kube } = this.world;
    const now = await kube.get<HttpRoute>(
      `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/${name}`,
    );
    const until = Date.now() + 10_000;
    while (!this.states.has(now.metadata.generation)) {
      if (Date.now() > until) throw new Error('The watch of the route ended before the route was settled.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.ending.abort();
    const weights = [...this.states].toSorted(([a], [b]) => a - b).map(([, weight]) => weight);
    return { weights: weights.filter((w, i) => w !== weights[i - 1]), writes: weights.length - 1 };
  }

  private note(route: HttpRoute): void {
    if (route.metadata.name === this.world.name) this.states.set(route.metadata.generation, grayOf(route));
  }
}

/** Percent of untagged requests that the route sends to gray. */
function grayOf({ spec }: HttpRoute): number {
  const untagged = spec.rules.filter((r) => (r.matches ?? []).every((m) => m.headers === undefined));
  const backends = untagged.at(-1)?.backendRefs ?? [];
  const sum = (of: readonly Backend[]): number => of.reduce((total, b) => total + (b.weight ?? 1), 0);
  return (100 * sum(backends.filter((b) => b.name.endsWith('-gray')))) / sum(backends);
}
