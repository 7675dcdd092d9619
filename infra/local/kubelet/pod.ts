import type { KubeObject } from '../kube.js';

/** The fields of a Pod that the agent reads or writes. */
export interface Pod extends KubeObject {
  metadata: KubeObject['metadata'] & { uid: string; namespace: string };
  spec: {
    nodeName?: string;
    hostname?: string;
    restartPolicy?: 'Always' | 'OnFailure' | 'Never';
    readinessGates?: { conditionType: string }[];
    containers: Container[];
  };
  status?: {
    phase?: string;
    podIP?: string;
    startTime?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface Container {
  name: string;
  image: string;
  ports?: { containerPort: number }[];
  env?: EnvVar[];
  envFrom?: { prefix?: string; configMapRef?: OptionalRef; secretRef?: OptionalRef }[];
}

export interface OptionalRef {
  name: string;
  optional?: boolean;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    configMapKeyRef?: OptionalRef & { key: string };
    secretKeyRef?: OptionalRef & { key: string };
    fieldRef?: { fieldPath: string };
  };
}

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  ready: boolean;
  started: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
}

export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: { exitCode: number; reason: string; message?: string; startedAt: string; finishedAt: string };
}

export const podPath = ({ metadata }: Pod): string =>
  `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
