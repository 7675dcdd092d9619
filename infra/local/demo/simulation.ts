/** Requests that nobody sends: counters as Envoy would have them, from where the route really points and what really runs there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '../../../activities/kubernetes/client.js';
import type { KubeObject } from '../../../activities/kubernetes/objects.js';
import { resources } from '../../../activities/kubernetes/resources.js';
import { summarise, type LoadRecord } from '../load.js';
import { name, namespace } from './application.js';
import type { Loads } from './summary.js';

export interface SimulationOptions {
  readonly cluster: () => Cluster;
  /** What a digest is called and how often it answers with an error, 0 to 1. */
  readonly versions: ReadonlyMap<string, { readonly version: string; readonly errorRate: number }>;
  readonly requestsPerSecond: number;
  readonly taggedPerSecond: number;
}

const tickMs = 200;
type Track = 'stable' | 'gray';

/** Looks at the cluster five times a second and answers as many requests as were due since. */
export class Simulation {
  private readonly counts = new Map<string, number>();
  private readonly untagged: LoadRecord[] = [];
  private readonly tagged: LoadRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  private due = 0;
  private asked = 0;

  constructor(private readonly options: SimulationOptions) {}

  /** Serves its counters; answers host:port, which Prometheus scrapes in Envoy's place. */
  async serve(): Promise<{ readonly address: string; readonly server: Server }> {
    const server = createServer((_, response) =>
      response.setHeader('content-type', 'text/plain').end(this.page()),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
  }

  start(): void {
    let looking = false;
    this.timer = setInterval(() => {
      if (looking) return;
      looking = true;
      void this.tick().finally(() => (looking = false));
    }, tickMs);
  }

  stop(): Loads {
    clearInterval(this.timer);
    const whole = (records: LoadRecord[]) => ({ ...summarise(records), resent: 0 });
    return { untagged: whole(this.untagged), tagged: whole(this.tagged) };
  }

  private async tick(): Promise<void> {
    const { requestsPerSecond, taggedPerSecond } = this.options;
    const cluster = this.options.cluster();
    const [route, stable, gray] = await Promise.all([
      cluster.get(resources.httproutes, namespace, name),
      cluster.get(resources.deployments, namespace, name),
      cluster.get(resources.deployments, namespace, `${name}-gray`),
    ]);
    if (route === null || stable === null) return;
    const { weight, isTagged } = splitOf(route);
    this.due += (requestsPerSecond * tickMs) / 1000;
    for (; this.due >= 1; this.due--) {
      // Spread evenly, so that ten percent are every tenth request.
      const toGray =
        Math.floor((this.asked * weight) / 100) !== Math.floor(((this.asked + 1) * weight) / 100);
      this.asked++;
      this.untagged.push(this.answer(toGray ? 'gray' : 'stable', toGray ? gray : stable));
    }
    for (let i = 0; i < (taggedPerSecond * tickMs) / 1000; i++) {
      this.tagged.push(this.answer(isTagged ? 'gray' : 'stable', isTagged ? gray : stable));
    }
  }

  private answer(track: Track, deployment: KubeObject | null): LoadRecord {
    const running = this.options.versions.get(digestOf(deployment));
    const version = running?.version ?? 'nothing';
    const key = `${track}/total`;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    const rate = running?.errorRate ?? 1;
    const fails = Math.floor(count * rate) !== Math.floor((count - 1) * rate);
    const status = fails ? 500 : 200;
    this.counts.set(`${track}/${status}`, (this.counts.get(`${track}/${status}`) ?? 0) + 1);
    return { at: Date.now(), tookMs: 1, status, version, ...(fails ? { failure: String(status) } : {}) };
  }

  private page(): string {
    const services: Record<Track, string> = { stable: name, gray: `${name}-gray` };
    const lines = (['stable', 'gray'] as const).flatMap((track) =>
      [200, 500].map((status) => {
        const labels = `envoy_cluster_name="${namespace}_${services[track]}_80",envoy_response_code="${status}"`;
        return `envoy_cluster_upstream_rq{${labels}} ${this.counts.get(`${track}/${status}`) ?? 0}`;
      }),
    );
    return `# TYPE envoy_cluster_upstream_rq counter\n${lines.join('\n')}\n`;
  }
}

interface Rule {
  readonly matches?: readonly { readonly headers?: readonly unknown[] }[];
  readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
}

/** Share of gray in the last rule, which is for everything, and whether some rule is for tagged requests. */
function splitOf(route: KubeObject): { weight: number; isTagged: boolean } {
  const rules = (route['spec'] as { rules?: readonly Rule[] }).rules ?? [];
  const isTagged = rules.some((r) => r.matches?.some((m) => (m.headers ?? []).length > 0));
  const gray = rules.at(-1)?.backendRefs?.find((b) => b.name === `${name}-gray`);
  return { weight: gray?.weight ?? 0, isTagged };
}

function digestOf(deployment: KubeObject | null): string {
  const spec = deployment?.['spec'] as
    | { template?: { spec?: { containers?: { image?: string }[] } } }
    | undefined;
  return spec?.template?.spec?.containers?.[0]?.image?.split('@')[1] ?? '';
}
