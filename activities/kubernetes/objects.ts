/** Objects of Kubernetes: the fields that are read here; everything else passes through untouched. */
import { labels as ours } from '../../domain/ids.js';
import type { Labels, LabelSelector } from './selectors.js';

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly {
    readonly manager?: string;
    /** Such as status; absent: the object itself. */
    readonly subresource?: string;
    readonly time?: string;
    readonly fieldsV1?: unknown;
  }[];
  readonly [field: string]: unknown;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly [field: string]: unknown;
}

export interface PodTemplate {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: { readonly containers?: readonly Container[]; readonly [field: string]: unknown };
}

export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector?: LabelSelector;
    readonly paused?: boolean;
    readonly template: PodTemplate;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxUnavailable?: number | string;
        readonly maxSurge?: number | string;
      } | null;
    };
    readonly progressDeadlineSeconds?: number;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** One of an EndpointSlice. */
export interface Endpoint {
  readonly conditions?: { readonly ready?: boolean };
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Terminated {
  readonly exitCode?: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly imageID?: string;
  readonly image?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: Terminated;
}

export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly containers?: readonly Container[] };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export const podLabels = (deployment: Deployment): Labels => deployment.spec.template.metadata?.labels ?? {};

export const containersOf = (deployment: Deployment): readonly Container[] =>
  deployment.spec.template.spec?.containers ?? [];

/** Image of the container with that name, as it is spelled; undefined where there is none. */
export const imageOf = (deployment: Deployment, container: string): string | undefined =>
  containersOf(deployment).find((c) => c.name === container)?.image;

/** The digest that an image reference or an imageID ends in; null where it only has a tag. */
export const digestOf = (image: string | undefined): string | null =>
  /@(sha256:[0-9a-f]{64})$/.exec(image ?? '')?.[1] ?? null;

/** Whether two spellings surely name the same image: equal, or equal digests (a mirror may have changed the registry). */
export function sameImage(a: string | undefined, b: string): boolean {
  return a === b || (digestOf(a) !== null && digestOf(a) === digestOf(b));
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');

/** Whether a pod that the selector of a Deployment matches can be its own: stable's matches pods of batches too. */
export const isSameTrack = (pod: Pod, deployment: Deployment): boolean =>
  pod.metadata.labels?.[ours.lane] === deployment.metadata.labels?.[ours.lane];

/** A copy without one optional field. */
export const omit = <T extends object>(object: T, field: string): T =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== field)) as T;
