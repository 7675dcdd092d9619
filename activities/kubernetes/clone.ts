/** What a copy for gray keeps of the original's metadata and labels. Pure. */
import { joinName, labels as ours } from '../../domain/ids.js';
import type { Target } from '../../domain/target.js';
import type { KubeObject, ObjectMeta } from './objects.js';
import type { Labels } from './selectors.js';

/** Tools that own an object by this label would take the clone for theirs and remove it. */
const ownership = ['app.kubernetes.io/instance'];
/** Written by controllers or by us for the original only. */
const foreignAnnotations =
  /^(deployment\.kubernetes\.io\/revision|kubectl\.kubernetes\.io\/last-applied|argocd\.argoproj\.io\/|sluice\.dev\/)/;

export type For = Pick<Target, 'application' | 'namespace' | 'lane'>;

/** Labels that every gray object of a release carries. */
export function ownLabels({
  target,
  release,
}: {
  readonly target: Pick<Target, 'application' | 'lane'>;
  readonly release: string;
}): Labels {
  return { [ours.release]: release, [ours.application]: target.application, [ours.lane]: target.lane };
}

/** Whether Sluice made it for this application; only such objects are ever changed or removed. */
export const isOwn = (object: KubeObject, application: string): boolean =>
  object.metadata.labels?.[ours.application] === application &&
  object.metadata.labels[ours.release] !== undefined;

/** Whether it is a copy of a policy for this very gray; one of an older worker does not say for which. */
export function isCopyFor(
  { metadata }: KubeObject,
  { application, namespace, gray, lane }: Pick<Target, 'application' | 'namespace' | 'gray' | 'lane'>,
): boolean {
  const { labels = {}, namespace: home = namespace } = metadata;
  return (
    isOwn({ metadata }, application) &&
    labels[ours.lane] === lane &&
    (labels[ours.workload] ?? gray) === gray &&
    labels[ours.namespace] === (home === namespace ? undefined : namespace)
  );
}

/** The labels of those keys with their new values, and only them. */
export function changedLabels(labels: Labels, keys: ReadonlySet<string>, lane: string): Labels {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => keys.has(key))
      .map(([key, value]) => [key, value === '' ? lane : joinName(value, lane)]),
  );
}

/** Only name, namespace, labels and annotations: the rest belongs to the original's life. */
export function cloneMetadata(
  metadata: ObjectMeta,
  {
    name,
    target,
    own,
    keys = new Set(),
    dropped,
  }: {
    readonly name: string;
    readonly target: For;
    readonly own: Labels;
    /** Labels that get the lane as a suffix. */
    readonly keys?: ReadonlySet<string>;
    /** Annotations that are left out. */
    readonly dropped?: RegExp;
  },
): ObjectMeta {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !foreignAnnotations.test(key) && dropped?.test(key) !== true,
  );
  const labels = metadata.labels ?? {};
  return {
    name,
    namespace: target.namespace,
    labels: {
      ...labels,
      ...changedLabels(labels, new Set([...keys, ...ownership]), target.lane),
      ...own,
    },
    ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
  };
}
