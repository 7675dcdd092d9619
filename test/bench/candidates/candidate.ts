/** What is measured: something that releases applications by moving the weights of their VirtualServices. */
import type { Cluster } from '../cluster.js';

export const candidateNames = ['sluice', 'argo', 'argo-tuned', 'flagger'] as const;
export type CandidateName = (typeof candidateNames)[number];

/** The weights of every release, and how long each is held. */
export const weights = [10, 20, 30, 40, 50] as const;
export const holdMs = 3_000;
/** What the metric has to answer at least; it answers 100, or 50 once the bench breaks it. */
export const threshold = 95;

export interface Place {
  readonly cluster: Cluster;
  /** Of this candidate at this size alone. */
  readonly namespace: string;
  /** How many applications there are; they are called app-0, app-1 ... */
  readonly count: number;
  /** Of each application. Default 2. */
  readonly pods?: number;
  /** Reference by digest of the nth version. */
  readonly image: (version: number) => string;
}

export interface Candidate {
  /** Part of the user agent of its requests to the API server. */
  readonly agent: string;
  /** What it was asked to hold a weight for, milliseconds. Flagger's shortest is 10 s. */
  readonly holdMs: number;
  /** Starts its processes and installs version 1 of every application; resolves when all are ready to be released. */
  readonly start: (place: Place) => Promise<Running>;
}

export type Outcome = 'promoted' | 'rolled back' | 'either';

export interface Running {
  /** Name among the cluster's processes of the controller or worker, whose CPU and memory count. */
  readonly process: string;
  readonly pid: () => number;
  /** Asks for a release; resolves when it was taken. */
  readonly ask: (index: number, version: number) => Promise<void>;
  /** Resolves when every release that was asked for last has ended so. Throws at the deadline, naming what was found. */
  readonly ended: (outcome: Outcome, deadlineMs: number) => Promise<void>;
  /** Gives up what it holds; its processes are ended by the cluster. */
  readonly stop: () => Promise<void>;
}

export const applicationName = (index: number): string => `app-${index}`;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

const labels = (name: string): Record<string, string> => ({ app: name });

export function podTemplate(name: string, image: string): object {
  const container = { name: 'app', image, ports: [{ containerPort: 8080, name: 'http' }] };
  return { metadata: { labels: labels(name) }, spec: { containers: [container] } };
}

/** The fields that a Deployment and a Rollout share. */
export const workload = (name: string, image: string, replicas = 2): object => ({
  replicas,
  selector: { matchLabels: labels(name) },
  template: podTemplate(name, image),
});

export const service = (name: string, application = name): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: labels(application), ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
});

/** One rule that sends to these hosts with these weights. */
export const virtualService = (name: string, hosts: Readonly<Record<string, number>>): Manifest => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name },
  spec: {
    hosts: [name],
    http: [
      {
        name: 'primary',
        route: Object.entries(hosts).map(([host, weight]) => ({ destination: { host }, weight })),
      },
    ],
  },
});

/** At most twenty at once, in the order of their numbers. */
export async function forAll(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const walk = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 20 }, walk));
}

/** Asks twice a second until `what` holds for all; `found` answers what does not yet, for the error. */
export async function untilAll(
  what: string,
  deadlineMs: number,
  found: () => Promise<readonly string[]>,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const left = await found();
    if (left.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`${what}: not after ${deadlineMs / 1_000} s for ${left.length}, such as ${left[0]}`);
    await pause(500);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
