/** Three applications that call each other, a -> b -> c, each behind a route of its own, and who answers a request through all of them. */
import type { Application, ReleaseInput, TrafficSettings } from '../../domain/application.js';
import type { Consumers } from '../../domain/consumers.js';
import type { Duration } from '../../domain/duration.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import type { RouteKind } from '../../infra/local/sample.js';
import type { StackInfo } from '../../infra/local/stack.js';
import { eventually } from './eventually.js';
import type { Snapshot } from './snapshot.js';
import { quick, World } from './world.js';

export interface ChainOptions {
  readonly a?: ReleaseInput;
  readonly b?: ReleaseInput;
  readonly c?: ReleaseInput;
  /** Of c. Default: default. */
  readonly cluster?: string;
  /** Whether the share of c, or of b and c, is moved at the route of a. Default false. */
  readonly edges?: boolean | 'of b too';
  /** Of a; those of the others are not declared. */
  readonly consumers?: Consumers;
  /** How long b takes for each request. Default 0. */
  readonly delayMs?: number;
  /** Headers of a request that a and b pass on, with commas between. Default: the tag's and baggage. */
  readonly passesOn?: string;
  /** Kind of their routes. Default gateway-api. */
  readonly router?: RouteKind;
  /** Where b and c are called, `http://host:port` of Istio's sidecar. Default: through the stack's ingress, as a is. */
  readonly mesh?: string;
  /** Whose worker serves it; it is closed last. */
  readonly beside?: World;
}

/** Of every application of a chain, where a test says nothing else: on a busy machine a request is on its way through all of them for long. */
export const chainDrain: Duration = '2s';
const unhurried: ReleaseInput = { ...quick, drain: chainDrain };

/** Tagged and untagged requests side by side. */
export interface Steady {
  readonly untagged: Load;
  readonly tagged: Load;
  readonly stop: () => Promise<void>;
}

export class Chain {
  private constructor(
    readonly a: World,
    readonly b: World,
    readonly c: World,
  ) {}

  /** All run v1 and are declared with who calls whom; their answers say which versions they came through. */
  static async create(stack: StackInfo, options: ChainOptions = {}): Promise<Chain> {
    const { delayMs = 0, passesOn, router = 'gateway-api', mesh, ...settings } = options;
    const inner = { ...stack, ingress: mesh ?? stack.ingress };
    const own = { router, mesh: mesh !== undefined };
    const beside = options.beside === undefined ? {} : { beside: options.beside };
    const third = await World.create(inner, { ...own, ...beside, name: 'c' });
    const env = (next: World): Record<string, string> => ({
      UPSTREAM: `http://${next.host}/`,
      INGRESS: inner.ingress,
      ...(passesOn === undefined ? {} : { PASSES_ON: passesOn }),
    });
    const owner = { beside: options.beside ?? third };
    const slow = { ...env(third), DELAY_MS: String(delayMs) };
    const second = await World.create(inner, { ...own, ...owner, name: 'b', imageEnv: slow });
    const first = await World.create(stack, { ...owner, router, name: 'a', imageEnv: env(second) });
    const chain = new Chain(first, second, third);
    await chain.settings(settings);
    return chain;
  }

  /** Declares all three anew. */
  async settings({
    a = {},
    b = {},
    c = {},
    cluster = 'default',
    edges = false,
    consumers,
  }: Omit<ChainOptions, 'delayMs' | 'passesOn' | 'beside'> = {}): Promise<void> {
    const away = edges === false ? {} : { edges: [this.a.applicationName] };
    await this.declare(this.c, { ...unhurried, ...c }, { traffic: away, cluster });
    await this.declare(
      this.b,
      { ...unhurried, ...b },
      { calls: this.c, traffic: edges === 'of b too' ? away : {} },
    );
    const told = consumers === undefined ? {} : { consumers };
    await this.declare(this.a, { ...unhurried, ...a }, { calls: this.b, ...told });
  }

  private async declare(
    world: World,
    release: ReleaseInput,
    more: {
      readonly calls?: World;
      readonly traffic?: Partial<TrafficSettings>;
      readonly consumers?: Consumers;
      readonly cluster?: string;
    },
  ): Promise<void> {
    const { calls, traffic: own = {}, cluster = 'default', ...rest } = more;
    const { traffic, environments, ...application } = world.application(release);
    const dependsOn = calls === undefined ? {} : { dependsOn: [calls.applicationName] };
    const told = { ...traffic!, chainHeader: 'x-versions', ...own };
    const placed = environments.map((environment) => ({ ...environment, cluster }));
    const declared = { ...application, ...dependsOn, ...rest, traffic: told, environments: placed };
    const { status, body } = await world.declare(declared satisfies Application);
    if (status >= 300) throw new Error(`${world.name} was not declared: ${JSON.stringify(body)}`);
  }

  /** Starts a release of a and c; answers its id. */
  release(a = 'v2', c = a): Promise<string> {
    const applications = [
      { name: this.a.applicationName, image: a },
      { name: this.c.applicationName, image: c },
    ];
    return this.a.release(a, { applications });
  }

  /** The same of b and c. */
  releaseBehind(version: string): Promise<string> {
    const applications = [this.b, this.c].map(({ applicationName: name }) => ({ name, image: version }));
    return this.a.release(version, { applications });
  }

  /** The same of all three. */
  releaseAll(version: string): Promise<string> {
    const applications = this.worlds.map(({ applicationName: name }) => ({ name, image: version }));
    return this.a.release(version, { applications });
  }

  /** What answers while a and c run that version. */
  answer(version: string, b = 'v1'): string {
    return `a ${version} -> b ${b} -> c ${version}`;
  }

  steady(requestsPerSecond = 15): Steady {
    // A busy machine is no failure.
    const timeoutMs = 20_000;
    const options = { url: this.a.stack.ingress, host: this.a.host, requestsPerSecond, timeoutMs };
    const untagged = startLoad(options);
    const tagged = startLoad({ ...options, headers: { 'x-lane': 'gray' } });
    const stop = async (): Promise<void> => void (await Promise.all([untagged.stop(), tagged.stop()]));
    return { untagged, tagged, stop };
  }

  /** The objects of a, b and c, as bytes. */
  snapshots(): Promise<Snapshot[]> {
    return Promise.all(this.worlds.map((world) => world.snapshot()));
  }

  async leftovers(): Promise<string[]> {
    return (await Promise.all(this.worlds.map((world) => world.leftovers()))).flat();
  }

  async close(): Promise<void> {
    for (const world of this.worlds) await world.close();
  }

  get worlds(): readonly [World, World, World] {
    return [this.a, this.b, this.c];
  }
}

/** Through which versions the answers since then came, each way once; a failed one as what it failed with. */
export const waysSince = (load: Load, since = 0): string[] =>
  [
    ...new Set(
      load
        .summary()
        .records.filter((record) => record.at >= since)
        .map((record) => record.failure ?? record.versions ?? 'nothing said'),
    ),
  ].toSorted();

/** Waits for some more answers. */
export const answered = (load: Load, since: number, least = 5): Promise<unknown> =>
  eventually('more answers', () => load.summary().records.filter((r) => r.at >= since).length >= least);
