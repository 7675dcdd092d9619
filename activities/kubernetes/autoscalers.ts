/** HorizontalPodAutoscalers, which choose what they scale by its name. Pure. */
import type { KubeObject } from './objects.js';

interface Spec {
  readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string };
  /** Kubernetes' default 1. */
  readonly minReplicas?: number;
}

const specOf = (autoscaler: KubeObject): Spec => autoscaler['spec'] ?? {};

/** Whether it scales the Deployment of that name; the pods of another, whatever their labels, it never counts. */
export function scalesDeployment(autoscaler: KubeObject, name: string): boolean {
  const { scaleTargetRef } = specOf(autoscaler);
  return scaleTargetRef?.kind === 'Deployment' && scaleTargetRef.name === name;
}

/** Those that scale the Deployment of that name; a ScaledObject of KEDA has one too. */
export const autoscalersOf = (autoscalers: readonly KubeObject[], name: string): readonly KubeObject[] =>
  autoscalers.filter((a) => scalesDeployment(a, name));

/** What people should know of an autoscaler of stable when gray takes its traffic. */
export function autoscalerWarnings(
  autoscalers: readonly KubeObject[],
  workload: string,
  replicas: number,
): string[] {
  return autoscalersOf(autoscalers, workload).map((a) => {
    const least = specOf(a).minReplicas ?? 1;
    const shrinking =
      least < replicas
        ? ` While gray carries the traffic it may leave stable ${least} of ${replicas} pods, which then get all of it back: ` +
          'keep its steps shorter than behavior.scaleDown.stabilizationWindowSeconds, or raise minReplicas.'
        : '';
    return `HorizontalPodAutoscaler "${a.metadata.name}" scales ${workload}: gray has none, it is sized at each weight from what stable has then.${shrinking}`;
  });
}
