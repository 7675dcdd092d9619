/** The order of the test files. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes longest, so that none of it is left alone at the end, and beside what needs the processors what waits. The others come after
 * them, each as vitest likes.
 */
const first = [
  'faults/kill',
  'e2e/workload',
  'e2e/people',
  'e2e/rollback',
  'e2e/waiting',
  'e2e/steering',
  'e2e/abort',
  'e2e/neighbours-kubernetes',
  'e2e/routers',
  'e2e/lane',
  'e2e/istio',
  'faults/lane',
  'faults/member',
  'e2e/examples',
  'e2e/shared-lane',
  'e2e/contour-lane',
  'e2e/batches',
  'e2e/blue-green',
  'e2e/gray-removed',
  'e2e/policies',
  'e2e/baggage',
  'faults/storm',
  'e2e/metrics',
  'e2e/release',
  'e2e/clusters',
  'faults/away',
  'e2e/neighbours-metrics',
  'faults/decisions',
  'e2e/compensations',
  'e2e/supersede',
  'faults/clock',
  'e2e/admission',
  'e2e/traffic-promise',
  'faults/terminated',
  'e2e/stack-parts',
  'faults/long-history',
  'faults/queue',
  'faults/versions',
  'e2e/autoscaling',
  'e2e/room',
  'e2e/needs-attention',
  'e2e/doctor',
  'e2e/cli',
].map((name) => `/test/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = first.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? first.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
