/** All that is broken on purpose: a stack of its own, Sluice as processes, and applications under real requests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection, type Client } from '@temporalio/client';
import { startStack, type Stack } from '../../../infra/local/stack.js';
import { createClient } from '../../../api/temporal/client.js';
import { ApiProcess, PatientClient } from '../../rig/api-process.js';
import { eventually } from '../../rig/eventually.js';
import { askIngress } from '../../rig/ingress.js';
import { KubeProxy } from '../../rig/kube-proxy.js';
import type { NodeProcess } from '../../rig/node-process.js';
import { WorkerProcess } from '../../rig/worker-process.js';
import { World } from '../../rig/world.js';
import { Away } from './away.js';
import { ClusterWatch } from './cluster-watch.js';
import { Disk } from './disk.js';
import { Marker } from './marker.js';

const clock = new URL('../../rig/stepped-clock.mjs', import.meta.url).href;
const taskQueue = 'fleet';

export interface FleetOptions {
  readonly applications: number;
  /** More variables of the workers. */
  readonly workerEnv?: Readonly<Record<string, string>>;
}

export class Fleet {
  readonly away = new Away();
  readonly worlds: World[] = [];
  /** Processes that ended although nobody ended them; who runs them starts them again, and so does this. */
  readonly exits: string[] = [];
  private readonly marker: Marker;
  private watching: ClusterWatch | undefined;
  private readonly wanted = new Set<NodeProcess>();
  private supervision: NodeJS.Timeout | undefined;

  private constructor(
    readonly dir: string,
    readonly stack: Stack,
    readonly disk: Disk,
    /** Between the workers and the API server. */
    readonly proxy: KubeProxy,
    readonly workers: readonly WorkerProcess[],
    readonly api: ApiProcess,
    readonly client: PatientClient,
    readonly temporal: Client,
  ) {
    this.marker = new Marker(stack);
  }

  static async start({ applications, workerEnv = {} }: FleetOptions): Promise<Fleet> {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
    const disk = await Disk.mount(join(dir, 'disk'));
    const temporalFile = join(disk.dir, 'temporal.db');
    const stack = await startStack({ dir: join(dir, 'stack'), pods: 'real', temporalFile });
    const proxy = await KubeProxy.start(stack);
    const clockOf = (name: string): Record<string, string> => ({
      NODE_OPTIONS: `--import=${clock}`,
      SLUICE_TEST_CLOCK: join(dir, name),
    });
    const env = { ...workerEnv, KUBECONFIG: proxy.kubeconfig, ...clockOf('worker.clock') };
    const workers = await Promise.all([1, 2].map(() => WorkerProcess.create(stack.info, taskQueue, env)));
    const api = await ApiProcess.create(stack, taskQueue, clockOf('api.clock'));
    const connection = await Connection.connect({ address: stack.temporal.address });
    const client = new PatientClient(api.url);
    const temporal = createClient({ connection });
    const fleet = new Fleet(dir, stack, disk, proxy, workers, api, client, temporal);
    await Promise.all([fleet.stepClock('worker', 0), fleet.stepClock('api', 0)]);
    await Promise.all([...workers, api].map((process) => fleet.run(process)));
    fleet.supervision = setInterval(() => fleet.supervise(), 200);
    await fleet.settle(applications);
    fleet.watching = await ClusterWatch.start(stack.kube);
    return fleet;
  }

  /** What the API server has had, from when every application was ready. */
  get watch(): ClusterWatch {
    if (this.watching === undefined) throw new Error('The fleet is not ready yet.');
    return this.watching;
  }

  /** Starts it, and from now on again when it ends by itself. */
  async run(process: NodeProcess): Promise<void> {
    if (!process.running) await process.start();
    this.wanted.add(process);
  }

  /** From now on it may end. */
  let(process: NodeProcess): void {
    this.wanted.delete(process);
  }

  /** The wall clock of all processes of a kind is so many milliseconds ahead of what it should be. */
  async stepClock(kind: 'worker' | 'api', ms: number): Promise<void> {
    await writeFile(join(this.dir, `${kind}.clock`), String(ms));
  }

  /** Each application answers through Envoy. */
  async served(): Promise<void> {
    await Promise.all(
      this.worlds.map(({ host }) =>
        eventually(
          `${host} to be served`,
          async () => (await askIngress(this.stack.ingress, host)).statusCode === 200,
        ),
      ),
    );
  }

  /** What is written now is known to Envoy. */
  caughtUp(): Promise<void> {
    return this.marker.known();
  }

  async stop(): Promise<void> {
    clearInterval(this.supervision);
    this.wanted.clear();
    await Promise.all([...this.workers, this.api].map((process) => process.kill('SIGKILL')));
    await this.watching?.stop();
    await this.proxy.close();
    await this.temporal.connection.close();
    await this.stack.stop();
    await this.disk.unmount();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async settle(count: number): Promise<void> {
    const { temporal, client: api } = this;
    const beside = { taskQueue, worker: this.workers[0]!, temporal, api };
    while (this.worlds.length < count) {
      const few = Math.min(5, count - this.worlds.length);
      const made = Array.from({ length: few }, () => World.create(this.stack.info, { beside }));
      this.worlds.push(...(await Promise.all(made)));
    }
    await this.served();
  }

  private supervise(): void {
    for (const process of this.wanted) {
      if (process.running) continue;
      this.exits.push(process.log.slice(-600));
      void process.spawn();
    }
  }
}
