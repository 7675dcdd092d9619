/** The Deployments that applications declare: a manifest, or what their template rendered. Pure. */
import { workloadSettings, type Application } from './application.js';
import { maskManifest } from './mask.js';
import type { Plan } from './plan.js';

export interface DeclaredDeployment {
  readonly application: string;
  readonly environment: string;
  /** Secrets masked. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** The container whose image is released: as declared, else the only one, else the one named like the application. */
export const releasedContainer = (
  known: readonly string[],
  { container, application }: { readonly container: string | null | undefined; readonly application: string },
): string => container ?? (known.length === 1 ? known[0] : undefined) ?? application;

/** In the order of the plan; those of applications that declare none are left out. */
export function declaredDeployments(
  { stages }: Pick<Plan, 'stages'>,
  applications: readonly Application[],
): DeclaredDeployment[] {
  return stages.flatMap((stage) =>
    stage.targets.flatMap(({ application: name, environment: where }): DeclaredDeployment[] => {
      const application = applications.find((a) => a.name === name);
      const environment = application?.environments.find((e) => e.name === where);
      if (application === undefined || environment === undefined) return [];
      const { manifest } = workloadSettings(application, environment);
      return manifest === undefined
        ? []
        : [{ application: name, environment: where, manifest: maskManifest(manifest) }];
    }),
  );
}

/** A plan as people see it: secrets of its manifests masked. Its hash is that of the whole. */
export const shownPlan = (plan: Plan): Plan => ({
  ...plan,
  stages: plan.stages.map((stage) => ({
    ...stage,
    targets: stage.targets.map((target) => ({ ...target, manifest: maskManifest(target.manifest) })),
  })),
});
