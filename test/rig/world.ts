/** What an end-to-end test works with: its own namespace, task queue and worker on the shared stack, and the real API. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client as TemporalClient } from '@temporalio/client';
import { createHandler, type Handler } from '../../api/main.js';
import type { Application, ReleaseInput } from '../../domain/application.js';
import { releaseWorkflowId } from '../../domain/ids.js';
import type { ReleaseEvent, ReleaseView } from '../../domain/release.js';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import { Kube, type KubeObject } from '../../infra/local/kube.js';
import {
  sampleHost,
  sampleObjects,
  sampleRoute,
  serviceHost,
  type RouteKind,
} from '../../infra/local/sample.js';
import type { StackInfo } from '../../infra/local/stack.js';
import { discovered } from '../../infra/local/stack/istio.js';
import { createClient } from '../../api/temporal/client.js';
import { lazyConnection } from '../../api/temporal/connection.js';
import { callApi, type Answer } from './answer.js';
import { eventually } from './eventually.js';
import { askIngress } from './ingress.js';
import { News, reaches } from './news.js';
import { replayAll } from './replay.js';
import { leftovers, snapshot, type Snapshot } from './snapshot.js';
import { WorkerProcess } from './worker-process.js';

export interface WorldOptions {
  /** Kind of the user's route. Default gateway-api. */
  readonly router?: RouteKind;
  /** The route is for those who call the Service, through Istio's sidecar; `istio` and `gateway-api` only. Default false. */
  readonly mesh?: boolean;
  /** More variables of the worker. */
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Of stable. Default 2. */
  readonly replicas?: number;
  /** Of the Deployment, the Service and the route. Default shop. */
  readonly name?: string;
  /** Of every image, beside `APP` and `VERSION`. */
  readonly imageEnv?: Readonly<Record<string, string>>;
  /** Whether a request is answered before the test begins; not so where nothing serves the route. Default true. */
  readonly served?: boolean;
  /** A world, or what is like one, whose worker serves this one too: many applications without many processes. It is closed last. */
  readonly beside?: Pick<World, 'taskQueue' | 'worker' | 'temporal' | 'api'>;
}

/** A Deployment, as its controller tells of it. */
interface Rolled {
  readonly metadata: { readonly generation: number };
  readonly status?: Readonly<
    Partial<Record<'observedGeneration' | 'updatedReplicas' | 'availableReplicas' | 'replicas', number>>
  >;
}

/** Fast settings: every weight is held for a moment and nothing is judged, unless a test says otherwise. */
export const quick: ReleaseInput = {
  steps: [10, 25, 50, 100].map((weight) => ({ weight, hold: '200ms' })),
  drain: '200ms',
  analysis: null,
  approval: { required: false },
  progressDeadline: '20s',
  rollbackDeadline: '20s',
};

export class World {
  readonly host: string;
  readonly kube: Kube;
  private readonly released: string[] = [];

  private constructor(
    readonly stack: StackInfo,
    readonly namespace: string,
    readonly name: string,
    readonly router: RouteKind,
    readonly taskQueue: string,
    readonly worker: WorkerProcess,
    readonly temporal: TemporalClient,
    readonly api: Handler,
    private readonly replicas: number,
    private readonly owned: boolean,
    private readonly imageEnv: Readonly<Record<string, string>>,
    private readonly mesh: boolean,
  ) {
    const named = { namespace, name: this.name, image: '' };
    this.host = mesh ? serviceHost(named) : sampleHost(named);
    this.kube = new Kube(stack.kubeUrl, stack.kubeToken);
  }

  /** A namespace with stable v1 running behind the user's route, images v1 to v3 pushed, and a worker that polls. */
  static async create(stack: StackInfo, options: WorldOptions = {}): Promise<World> {
    const id = randomBytes(4).toString('hex');
    const { beside, name = 'shop', mesh = false } = options;
    if (beside !== undefined) {
      const { taskQueue, worker, temporal, api } = beside;
      const { replicas = 2, imageEnv = {} } = options;
      const rest = [worker, temporal, api, replicas, false, imageEnv, mesh] as const;
      const world = new World(stack, `test-${id}`, name, options.router ?? 'gateway-api', taskQueue, ...rest);
      await world.setUp(options);
      return world;
    }
    const taskQueue = `queue-${id}`;
    const connection = lazyConnection({ address: stack.temporal.address });
    const worker = await WorkerProcess.create(stack, taskQueue, { ...options.workerEnv });
    const api = createHandler({
      TEMPORAL_ADDRESS: stack.temporal.address,
      // A profile of the machine's owner must not reach the tests.
      TEMPORAL_CONFIG_FILE: join(mkdtempSync(join(tmpdir(), 'sluice-world-')), 'none.toml'),
      SLUICE_TASK_QUEUE: taskQueue,
      SLUICE_LOG_LEVEL: 'silent',
    });
    const temporal = createClient({ connection });
    const router = options.router ?? 'gateway-api';
    const world = new World(
      stack,
      `test-${id}`,
      name,
      router,
      taskQueue,
      worker,
      temporal,
      api,
      options.replicas ?? 2,
      true,
      options.imageEnv ?? {},
      mesh,
    );
    await Promise.all([world.worker.start(), world.setUp(options)]);
    return world;
  }

  /** Ends the worker, replays every release that was started, removes the namespace. */
  async close(): Promise<void> {
    if (this.owned) await this.worker.kill('SIGKILL');
    await replayAll(this.temporal, this.released.map(releaseWorkflowId));
    await this.kube.delete(`/api/v1/namespaces/${this.namespace}`);
    this.kube.close();
    if (!this.owned) return;
    await this.api.close();
    await this.temporal.connection.close();
  }

  // --- the user's side ---

  /** `127.0.0.1:port/<namespace>/shop`: repository of this world's images. */
  get repository(): string {
    return `${this.stack.registry}/${this.namespace}/${this.name}`;
  }

  image(tag: string, env: Record<string, string> = {}): Promise<string> {
    const repository = `${this.namespace}/${this.name}`;
    return pushImage({
      registry: this.stack.registry,
      repository,
      tag,
      env: { APP: this.name, VERSION: tag, ...this.imageEnv, ...env },
    });
  }

  /** The user's own objects, in the order of sampleObjects, the route last. */
  objects(image = `${this.repository}:v1`): KubeObject[] {
    const labels = this.router === 'istio' || this.mesh ? discovered : {};
    const options = { namespace: this.namespace, name: this.name, image, replicas: this.replicas, labels };
    const route = sampleRoute(this.router, { ...options, gateway: this.stack.gateway, mesh: this.mesh });
    return [...sampleObjects(options), route] as KubeObject[];
  }

  snapshot(): Promise<Snapshot> {
    return snapshot(
      this.kube,
      this.objects().filter((o) => o.kind !== 'Namespace'),
    );
  }

  leftovers(): Promise<string[]> {
    return leftovers(this.kube, this.namespace);
  }

  private async setUp({ served = true }: WorldOptions): Promise<void> {
    await Promise.all(['v1', 'v2', 'v3'].map((tag) => this.image(tag)));
    await applyObjects(this.kube, this.objects());
    await this.stableAvailable();
    if (served) await this.served();
  }

  /** Requests get to stable: the data plane knows a pod only some time after it is available. Nothing here serves an Ingress. */
  private async served(): Promise<void> {
    if (this.router === 'ingress') return;
    // istiod may hold changes back, and on a busy machine for longer.
    await eventually(
      'stable to be served',
      async () => (await askIngress(this.stack.ingress, this.host)).statusCode === 200,
      60_000,
    );
  }

  stableAvailable(): Promise<unknown> {
    const path = `/apis/apps/v1/namespaces/${this.namespace}/deployments/${this.name}`;
    return eventually('stable to be available', async () => {
      const { metadata, status = {} } = await this.kube.get<Rolled>(path);
      const { observedGeneration = 0, updatedReplicas, availableReplicas, replicas } = status;
      // Else it tells of what was there before the last change.
      const isTold = observedGeneration >= metadata.generation;
      return isTold && [updatedReplicas, availableReplicas, replicas].every((n) => n === this.replicas);
    });
  }

  // --- Sluice ---

  application(release: ReleaseInput = quick): Application {
    return {
      name: this.applicationName,
      image: this.repository,
      workload: { name: this.name },
      traffic: {
        router: this.router,
        route: this.name,
        service: this.name,
        ...(this.router === 'ingress'
          ? { controller: 'higress' as const }
          : { entry: `${this.stack.ingress}/`, host: this.host }),
      },
      release,
      environments: [{ name: 'prod', type: 'prod', namespace: this.namespace }],
    };
  }

  /** Unique on the shared Temporal server. */
  get applicationName(): string {
    return this.namespace;
  }

  declare(application: object = this.application()): Promise<Answer> {
    return this.call('PUT', `/v1/applications/${this.applicationName}`, application);
  }

  /** Asks for a release of one tag; the answer as it came. */
  async request(image: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.call(
      'POST',
      '/v1/releases',
      { applications: [{ name: this.applicationName, image }], ...body },
      headers,
    );
    return this.replayed(answer);
  }

  /** Asks for the rollback of an ended release; the answer as it came. */
  async rollback(id: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.replayed(await this.call('POST', `/v1/releases/${id}/rollback`, body, headers));
  }

  /** A release that was taken is replayed at the end. */
  replayed(answer: Answer): Answer {
    const id = String(answer.body['id']);
    if (answer.status === 202 && !this.released.includes(id)) this.released.push(id);
    return answer;
  }

  /** Starts a release; answers its id. */
  async release(image: string, body: object = {}): Promise<string> {
    const answer = await this.request(image, body);
    if (answer.status !== 202) throw new Error(`The release was not taken: ${JSON.stringify(answer.body)}`);
    return String(answer.body['id']);
  }

  async view(id: string): Promise<ReleaseView> {
    const { status, body } = await this.call('GET', `/v1/releases/${id}`);
    if (status !== 200) throw new Error(`GET ${id}: ${status} ${JSON.stringify(body)}`);
    return body as unknown as ReleaseView;
  }

  async until(
    id: string,
    what: string,
    condition: (view: ReleaseView) => boolean,
    deadlineMs = 60_000,
  ): Promise<ReleaseView> {
    const view = (): Promise<ReleaseView> => this.view(id);
    const news = new News(this.temporal, releaseWorkflowId(id));
    return reaches(`release ${id} to be ${what}`, news, view, condition, deadlineMs);
  }

  ended(id: string, deadlineMs = 90_000): Promise<ReleaseView> {
    return this.until(id, 'ended', (view) => view.outcome !== null, deadlineMs);
  }

  /** `who`: name of the person; default tester. */
  steer(id: string, verb: string, body: object = { reason: 'test' }, who = 'tester'): Promise<Answer> {
    return this.call('POST', `/v1/releases/${id}/${verb}`, body, { 'sluice-actor': who });
  }

  async approve(id: string): Promise<Answer> {
    const { planHash } = await this.until(
      id,
      'waiting for approval',
      (v) => v.waitingOn?.approval !== undefined,
    );
    return this.steer(id, 'decisions', { decision: 'approve', reason: 'test', planHash });
  }

  events(id: string): Promise<readonly ReleaseEvent[]> {
    const handle = this.temporal.workflow.getHandle(releaseWorkflowId(id));
    return handle.query<readonly ReleaseEvent[], [number]>('events', 0);
  }

  async historyLength(id: string): Promise<number> {
    const { historyLength } = await this.temporal.workflow.getHandle(releaseWorkflowId(id)).describe();
    return historyLength;
  }

  /** Answer of the API: the status, the JSON body. */
  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return callApi(this.api, method, path, body, headers);
  }
}
