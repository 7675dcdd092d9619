/** The kinds that may be watched for many releases at once, and what of each object is worth keeping. Pure. */
import {
  type KubeObject,
  type ObjectMeta,
  omit,
  type Container,
  type ContainerStatus,
  type Deployment,
  type Endpoint,
  type Pod,
} from './objects.js';
import { resources, type Resource } from './resources.js';

export interface Kind<T extends KubeObject> {
  readonly resource: Resource;
  /** The object without what nobody reads. */
  readonly slim: (object: KubeObject) => T;
}

/** What kubectl applied last is the whole object once more. */
const appliedLast = 'kubectl.kubernetes.io/last-applied-configuration';

function slimMetadata(metadata: ObjectMeta): ObjectMeta {
  const rest = omit(metadata, 'managedFields');
  const { annotations } = metadata;
  return annotations?.[appliedLast] === undefined
    ? rest
    : { ...rest, annotations: omit(annotations, appliedLast) };
}

/** Only what identifies it, and its labels. */
function identity({
  name,
  uid,
  resourceVersion,
  labels,
  deletionTimestamp,
  creationTimestamp,
}: ObjectMeta): ObjectMeta {
  const known = { uid, resourceVersion, labels, deletionTimestamp, creationTimestamp };
  const there = Object.entries(known).filter(([, value]) => value !== undefined);
  return { name, ...(Object.fromEntries(there) as Partial<ObjectMeta>) };
}

/** Its spec is kept whole: gray is a clone of it. */
const slimDeployment = (object: KubeObject): Deployment =>
  ({ ...object, metadata: slimMetadata(object.metadata) }) as Deployment;

function slimPod(object: KubeObject): Pod {
  const { metadata, spec, status } = object as Pod;
  const containers = (spec?.containers ?? []).map(({ name, image }): Container =>
    image === undefined ? { name } : { name, image },
  );
  return {
    metadata: identity(metadata),
    spec: { ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }), containers },
    ...(status === undefined ? {} : { status: slimStatus(status) }),
  };
}

type PodStatus = NonNullable<Pod['status']>;

function slimStatus(status: PodStatus): PodStatus {
  const { phase, reason, message, conditions, containerStatuses, initContainerStatuses } = status;
  const known = {
    phase,
    reason,
    message,
    conditions: conditions?.map((c) => ({
      type: c.type,
      status: c.status,
      reason: c.reason,
      message: c.message,
    })),
    containerStatuses: containerStatuses?.map(slimContainer),
    initContainerStatuses: initContainerStatuses?.map(slimContainer),
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as PodStatus;
}

function slimContainer({
  name,
  ready,
  restartCount,
  imageID,
  state,
  lastState,
}: ContainerStatus): ContainerStatus {
  const known = { name, ready, restartCount, imageID, state, lastState };
  const there = Object.entries(known).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as unknown as ContainerStatus;
}

/** Of an endpoint only whether it is ready, and its pod. */
function slimSlice(object: KubeObject): KubeObject {
  const endpoints = (object['endpoints'] ?? []) as readonly Endpoint[];
  return {
    metadata: identity(object.metadata),
    endpoints: endpoints.map(({ conditions, targetRef }) => ({
      conditions: { ready: conditions?.ready },
      ...(targetRef === undefined ? {} : { targetRef: { kind: targetRef.kind, name: targetRef.name } }),
    })),
  };
}

/** For what is copied: all but what grows with every write. */
export const slimWhole = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: slimMetadata(object.metadata),
});

/** The spec of these says all. */
const slimSpec = (object: KubeObject): KubeObject => ({
  metadata: identity(object.metadata),
  spec: object['spec'],
});

export const kinds = {
  deployments: { resource: resources.deployments, slim: slimDeployment },
  pods: { resource: resources.pods, slim: slimPod },
  endpointslices: { resource: resources.endpointslices, slim: slimSlice },
  budgets: { resource: resources.poddisruptionbudgets, slim: slimSpec },
  autoscalers: { resource: resources.horizontalpodautoscalers, slim: slimSpec },
} as const satisfies Record<string, Kind<KubeObject>>;
