import { setTimeout as delay } from 'node:timers/promises';
import { KubeError, type Kube } from '../kube.js';
import { containerEnv } from './env.js';
import { pullImage, type PulledImage } from './image.js';
import type { Container, ContainerStatus, Pod } from './pod.js';
import { startApp, type App } from './sample-app.js';

export interface ContainerOptions {
  kube: Kube;
  pod: Pod;
  container: Container;
  address: string;
  ingress: string;
  /** Ends the container. */
  signal: AbortSignal;
  /** Called after each change of `status`. */
  changed: () => void;
}

const firstBackOffMs = 1000;
const longestBackOffMs = 10_000;

/** One container of a pod: pulls, starts, crashes, starts again, as its image's environment says. */
export class RunningContainer {
  status: ContainerStatus;
  readonly #options: ContainerOptions;
  #apps: App[] = [];

  constructor(options: ContainerOptions) {
    const { pod, container } = options;
    this.#options = options;
    const before = pod.status?.containerStatuses?.find((status) => status.name === container.name);
    this.status = {
      name: container.name,
      image: container.image,
      imageID: '',
      ready: false,
      started: false,
      restartCount: before?.restartCount ?? 0,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: before?.lastState ?? {},
    };
  }

  /** Runs until it has completed or `signal` ends it; never rejects for the latter. */
  async run(): Promise<void> {
    try {
      const image = await this.#pull();
      const env = { ...image.env, ...(await this.#environment()) };
      for (let backOff = firstBackOffMs; await this.#runOnce(image, env); backOff = nextBackOff(backOff)) {
        await this.#wait('CrashLoopBackOff', `back-off ${backOff} ms restarting failed container`, backOff);
        this.status.restartCount++;
      }
    } catch (error) {
      if (!this.#options.signal.aborted) throw error;
    }
  }

  drain(): void {
    for (const app of this.#apps) app.drain();
  }

  lastRequestAt(): number {
    return Math.max(0, ...this.#apps.map((app) => app.lastRequestAt()));
  }

  close(): void {
    for (const app of this.#apps.splice(0)) app.close();
  }

  async #pull(): Promise<PulledImage> {
    const { image } = this.#options.container;
    for (let backOff = firstBackOffMs; ; backOff = nextBackOff(backOff)) {
      try {
        return await pullImage(image);
      } catch (error) {
        const message = `failed to pull image "${image}": ${(error as Error).message}`;
        this.#set({ state: { waiting: { reason: 'ErrImagePull', message } } });
        await this.#sleep(backOff / 2);
        await this.#wait(
          'ImagePullBackOff',
          `Back-off pulling image "${image}": ErrImagePull: ${message}`,
          backOff / 2,
        );
      }
    }
  }

  async #environment(): Promise<Record<string, string>> {
    const { kube, pod, container } = this.#options;
    for (let backOff = firstBackOffMs; ; backOff = nextBackOff(backOff)) {
      try {
        return await containerEnv(kube, pod, container);
      } catch (error) {
        // An API server that is away says nothing about the configuration.
        if (isAway(error)) await this.#sleep(backOff);
        else await this.#wait('CreateContainerConfigError', (error as Error).message, backOff);
      }
    }
  }

  /** @returns whether it crashed and is to be started again */
  async #runOnce(image: PulledImage, env: Record<string, string>): Promise<boolean> {
    const { pod, container, address, ingress, signal } = this.#options;
    const startedAt = new Date().toISOString();
    const restartPolicy = pod.spec.restartPolicy ?? 'Always';
    this.#set({ imageID: image.id, started: true, state: { running: { startedAt } } }, false);
    if (env.CRASH !== undefined) {
      this.#terminate(startedAt, 1, env.CRASH);
      return restartPolicy !== 'Never';
    }
    if (restartPolicy !== 'Always') {
      await this.#sleep(Number(env.START_MS ?? 0));
      this.#terminate(startedAt, 0, env.TERMINATION_MESSAGE);
      return false;
    }
    const ports = container.ports?.map((one) => one.containerPort) ?? [8080];
    const isReady = (): boolean => this.status.ready;
    const options = { env, pod: pod.metadata.name, address, ingress, isReady };
    if (env.START_MS) this.#options.changed();
    await this.#sleep(Number(env.START_MS ?? 0));
    this.#apps = await Promise.all(ports.map((port) => startApp({ ...options, port })));
    if (signal.aborted) this.close();
    else this.#set({ ready: env.NEVER_READY === undefined });
    return false;
  }

  #terminate(startedAt: string, exitCode: number, message: string | undefined): void {
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const terminated = {
      exitCode,
      reason,
      startedAt,
      finishedAt: new Date().toISOString(),
      ...(message && { message }),
    };
    this.#set({ ready: false, started: false, state: { terminated } });
  }

  async #wait(reason: string, message: string, ms: number): Promise<void> {
    const { terminated } = this.status.state;
    const lastState = terminated ? { terminated } : this.status.lastState;
    this.#set({ started: false, state: { waiting: { reason, message } }, lastState });
    await this.#sleep(ms);
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#options;
    if (ms > 0) await delay(ms, undefined, { signal });
    signal.throwIfAborted();
  }

  #set(changes: Partial<ContainerStatus>, tell = true): void {
    this.status = { ...this.status, ...changes };
    if (tell) this.#options.changed();
  }
}

const nextBackOff = (backOff: number): number => Math.min(backOff * 2, longestBackOffMs);

/** The API server does not answer, or cannot; anything else is about what was asked for. */
const isAway = (error: unknown): boolean =>
  error instanceof KubeError ? error.status >= 500 : (error as NodeJS.ErrnoException).syscall !== undefined;
