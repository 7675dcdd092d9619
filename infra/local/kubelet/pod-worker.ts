import { setTimeout as delay } from 'node:timers/promises';
import { KubeError, type Kube } from '../kube.js';
import type { PodAddresses } from './addresses.js';
import { RunningContainer } from './container.js';
import { podPath, type Pod } from './pod.js';
import { podStatus } from './status.js';

export interface WorkerOptions {
  kube: Kube;
  addresses: PodAddresses;
  ingress: string;
  /** Whether a proxy may still send requests to this address. */
  isRouted: (address: string) => Promise<boolean>;
  log: (message: string, pod: Pod, detail?: unknown) => void;
}

/** A pod that goes serves at least this long after it is no longer ready, and until no proxy leads to it. */
const drainMs = 1500;
/** And until nobody has asked for this long. */
const quietMs = 300;
/** How often that is looked at. */
const lookMs = 100;

/** The life of one pod on the node, from its first sight to its removal. */
export class PodWorker {
  readonly #address: string;
  readonly #ended = new AbortController();
  readonly #containers: RunningContainer[];
  #pod: Pod;
  #terminating = false;
  #dirty = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: WorkerOptions,
    pod: Pod,
  ) {
    const { addresses, kube, ingress } = options;
    this.#pod = pod;
    this.#address = pod.status?.podIP ? addresses.keep(pod.status.podIP) : addresses.take();
    const common = { kube, pod, address: this.#address, ingress, signal: this.#ended.signal };
    this.#containers = pod.spec.containers.map(
      (container) => new RunningContainer({ ...common, container, changed: () => this.#changed() }),
    );
    for (const container of this.#containers) {
      container.run().catch((error: unknown) => options.log('container failed', pod, String(error)));
    }
    this.update(pod);
  }

  /** Takes a newer version of the pod: begins to end it once it is being deleted. */
  update(pod: Pod): void {
    const gates = JSON.stringify(pod.status?.conditions) !== JSON.stringify(this.#pod.status?.conditions);
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp && !this.#terminating) {
      this.#terminating = true;
      void this.#terminate();
    } else if (gates && pod.spec.readinessGates) this.#changed();
  }

  /** The pod is gone from the API server: nothing of it goes on. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    for (const container of this.#containers) container.close();
    this.options.addresses.release(this.#address);
  }

  async #terminate(): Promise<void> {
    for (const container of this.#containers) container.drain();
    const graceMs = (this.#pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
    this.#changed();
    await this.#writing;
    const begun = Date.now();
    while (Date.now() < begun + graceMs && !this.#ended.signal.aborted && (await this.#isNeeded(begun))) {
      await delay(lookMs);
    }
    await this.#remove();
  }

  async #isNeeded(begun: number): Promise<boolean> {
    const last = Math.max(0, ...this.#containers.map((container) => container.lastRequestAt()));
    if (Date.now() < Math.max(begun + drainMs, last + quietMs)) return true;
    return this.options.isRouted(this.#address);
  }

  async #remove(): Promise<void> {
    const preconditions = { uid: this.#pod.metadata.uid };
    for (;;) {
      try {
        await this.options.kube.delete(podPath(this.#pod), { gracePeriodSeconds: 0, preconditions });
        return this.end();
      } catch (error) {
        // 409: another pod of that name already.
        if (error instanceof KubeError && [404, 409].includes(error.status)) return this.end();
        if (this.#ended.signal.aborted) return;
        await delay(200);
      }
    }
  }

  /** Writes the status once more; changes that come meanwhile are written together. */
  #changed(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#dirty = false;
      const statuses = this.#containers.map((container) => container.status);
      const status = podStatus(this.#pod, statuses, this.#address, this.#terminating);
      try {
        const { uid } = this.#pod.metadata;
        await this.options.kube.patch(`${podPath(this.#pod)}/status`, 'strategic', {
          metadata: { uid },
          status,
        });
        return;
      } catch (error) {
        // 404 and 409: the pod is gone, or another has its name.
        if (error instanceof KubeError && [404, 409].includes(error.status)) return;
        this.options.log('status not written', this.#pod, String(error));
        await delay(200);
      }
    }
  }
}
