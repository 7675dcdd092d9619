/** Where the demo plays: what is real, what is simulated, and how requests come in. */
import { readFileSync } from 'node:fs';
import { Cluster } from '../../../activities/kubernetes/client.js';
import { KubeError } from '../../../activities/kubernetes/kube-error.js';
import { Registry } from '../../../activities/registry/client.js';
import { resolveImage } from '../../../activities/registry/resolve.js';
import { pathOf } from '../apply.js';
import { pushImage } from '../images.js';
import type { KubeObject } from '../kube.js';
import { startLoad } from '../load.js';
import { startStack, type Stack } from '../stack.js';
import {
  declaration,
  host,
  name,
  tag,
  userObjects,
  versions,
  type Place,
  type Version,
} from './application.js';
import { Simulation } from './simulation.js';
import type { Loads } from './summary.js';

export interface Scene {
  readonly stack: Stack;
  /** Variables of Sluice that say where its neighbours are. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is released as v1, v2 and v3. */
  readonly tags: Readonly<Record<Version, string>>;
  readonly declaration: object;
  /** For people: what is not real here. Empty: everything is. */
  readonly notice: string;
  /** Pushes the images and applies what the user keeps in Git. */
  setUp(): Promise<void>;
  startRequests(): void;
  stopRequests(): Promise<Loads>;
  close(): Promise<void>;
}

export interface SceneOptions {
  readonly dir: string;
  readonly say: (line: string) => void;
}

const requestsPerSecond = 60;
const taggedPerSecond = 15;
const ownTags: Record<Version, string> = { v1: 'v1', v2: 'v2', v3: 'v3' };

/** Everything real: pods that answer, Envoy that splits, Prometheus that reads Envoy's counters. */
export async function realScene({ dir, say }: SceneOptions): Promise<Scene> {
  const stack = await startStack({ dir, pods: 'real', log: (line) => say(`  ${line}`) });
  const place: Place = {
    repository: `${stack.registry}/shop/web`,
    gateway: stack.gateway,
    entry: `${stack.ingress}/`,
  };
  const target = { url: stack.ingress, host };
  let stop: (() => Promise<Loads>) | undefined;
  return {
    stack,
    tags: ownTags,
    notice: '',
    environment: neighbours(stack, stack.kubeconfig),
    declaration: declaration(place),
    setUp: async () => {
      await pushOwnImages(stack);
      await apply(Cluster.fromFile('default', stack.kubeconfig), userObjects(place));
    },
    startRequests: () => {
      const untagged = startLoad({ ...target, requestsPerSecond });
      const tagged = startLoad({
        ...target,
        requestsPerSecond: taggedPerSecond,
        headers: { [tag.header]: tag.value },
      });
      stop = async () => {
        const [plain, lane] = await Promise.all([untagged.stop(), tagged.stop()]);
        return { untagged: plain, tagged: lane };
      };
    },
    stopRequests: async () => stop!(),
    close: () => stack.stop(),
  };
}

export interface UserCluster {
  readonly kubeconfig: string;
  /** Repository with three tags that the cluster can pull. */
  readonly repository: string;
  readonly tags: Readonly<Record<Version, string>>;
}

/** Simulated requests: on kwok's pods, or on the cluster that the user has. */
export async function simulatedScene({ dir, say }: SceneOptions, user: UserCluster | null): Promise<Scene> {
  const rates = new Map<string, { version: string; errorRate: number }>();
  let cluster: Cluster | undefined = user === null ? undefined : Cluster.fromFile('default', user.kubeconfig);
  const simulation = new Simulation({
    cluster: () => cluster!,
    versions: rates,
    requestsPerSecond,
    taggedPerSecond,
  });
  const { address, server } = await simulation.serve();
  const log = (line: string): void => say(`  ${line}`);
  const stack = await startStack({ dir, pods: 'simulated', log, scrape: address, cluster: user === null });
  const kubeconfig = user?.kubeconfig ?? stack.kubeconfig;
  cluster ??= Cluster.fromFile('default', kubeconfig);
  const repository = user?.repository ?? `${stack.registry}/shop/web`;
  const tags = user?.tags ?? ownTags;
  const place: Place = { repository, gateway: stack.gateway, entry: null };
  return {
    stack,
    tags,
    notice: `${user === null ? 'The pods are simulated by kwok, and so are' : 'On your cluster pods and routes are real; simulated are'} the requests and their counters: nobody really asks, nobody really answers.`,
    environment: neighbours(stack, kubeconfig),
    declaration: declaration(place),
    setUp: async () => {
      if (user === null) await pushOwnImages(stack);
      const registry = new Registry({ dockerConfig: null, insecureRegistries: [] });
      for (const [version, env] of Object.entries(versions)) {
        const { digest } = await resolveImage(registry, tags[version as Version], repository);
        rates.set(digest, { version, errorRate: 'ERROR_RATE' in env ? Number(env.ERROR_RATE) : 0 });
      }
      await apply(cluster, userObjects(place));
    },
    startRequests: () => simulation.start(),
    stopRequests: () => Promise.resolve(simulation.stop()),
    close: async () => {
      server.close();
      await stack.stop();
    },
  };
}

function neighbours(stack: Stack, kubeconfig: string): Record<string, string> {
  // Read once here, so that a wrong file is told before anything starts.
  readFileSync(kubeconfig);
  return {
    TEMPORAL_ADDRESS: stack.temporal.address,
    KUBECONFIG: kubeconfig,
    SLUICE_PROMETHEUS_URL: stack.prometheus,
  };
}

async function pushOwnImages(stack: Stack): Promise<void> {
  for (const [version, env] of Object.entries(versions)) {
    await pushImage({
      registry: stack.registry,
      repository: 'shop/web',
      tag: version,
      env: { APP: name, ...env },
    });
  }
}

/** Creates what is not there yet; what is there stays as it is. */
async function apply(cluster: Cluster, objects: readonly object[]): Promise<void> {
  for (const object of objects as KubeObject[]) {
    const path = pathOf(object);
    try {
      await cluster.call('POST', path.slice(0, path.lastIndexOf('/')), { body: object });
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404) {
        const what = `The cluster does not know ${object.kind} (${object.apiVersion}): install its CRDs first.`;
        throw new Error(what, { cause: error });
      }
      if (error.status !== 409) throw error;
    }
  }
}
