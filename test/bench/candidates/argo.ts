/** Argo Rollouts with a VirtualService of Istio and a background analysis, as its documentation shows it. */
import { join } from 'node:path';
import { freePorts } from '../../../infra/local/ports.js';
import { answers } from '../../../infra/local/stack/context.js';
import {
  applicationName,
  forAll,
  holdMs,
  podTemplate,
  service,
  threshold,
  untilAll,
  virtualService,
  weights,
  workload,
  type Candidate,
  type Outcome,
  type Place,
  type Running,
} from './candidate.js';

interface Rollout {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: {
    readonly phase?: string;
    readonly observedGeneration?: string;
    readonly stableRS?: string;
    readonly currentPodHash?: string;
  };
}

/** @param flags further flags of the controller */
export function argo(flags: readonly string[] = []): Candidate {
  return { agent: 'rollouts-controller', holdMs, start: (place) => start(place, flags) };
}

async function start(place: Place, flags: readonly string[]): Promise<Running> {
  const { cluster, namespace, count } = place;
  const { procs, info, kube } = cluster;
  const [health, metrics] = await freePorts(2);
  await cluster.createNamespace('argo-rollouts');
  await procs.add('controller', {
    command: cluster.peers['rollouts-controller']!,
    args: [
      `--kubeconfig=${info.kubeconfig}`,
      `--namespace=${namespace}`,
      `--healthzPort=${health}`,
      `--metricsPort=${metrics}`,
      '--leader-elect=false',
      '--namespaced',
      ...flags,
    ],
    env: { POD_NAMESPACE: 'argo-rollouts' },
    log: join(info.dir, `${namespace}.log`),
    ready: () => answers(`http://127.0.0.1:${health}/healthz`),
  });
  const list = `${base(namespace)}/rollouts`;
  await install(place);
  const until = (what: string, deadlineMs: number, holds: (rollout: Rollout) => boolean): Promise<void> =>
    untilAll(what, deadlineMs, async () => {
      const { items } = await kube.get<{ items: Rollout[] }>(`${list}?resourceVersion=0`);
      return items.filter((r) => !holds(r)).map((r) => `${r.metadata.name} (${r.status?.phase ?? 'new'})`);
    });
  await until('rollouts are healthy', 300_000, (r) => r.status?.phase === 'Healthy');
  return {
    process: 'controller',
    pid: () => procs.pid('controller')!,
    async ask(i, version) {
      const name = applicationName(i);
      const template = podTemplate(name, place.image(version));
      await kube.patch(`${list}/${name}`, 'merge', { spec: { template } });
    },
    ended: (outcome, deadlineMs) => until(`rollouts are ${outcome}`, deadlineMs, endedAs(outcome)),
    stop: () => Promise.resolve(),
  };

  async function install({ image }: Place): Promise<void> {
    await kube.create(`${base(namespace)}/analysistemplates`, analysis(info.prometheus));
    await forAll(count, async (i) => {
      const name = applicationName(i);
      const hosts = { [`${name}-stable`]: 100, [`${name}-canary`]: 0 };
      for (const host of Object.keys(hosts))
        await kube.create(`/api/v1/namespaces/${namespace}/services`, service(host, name));
      const routes = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
      await kube.create(routes, virtualService(name, hosts));
      await kube.create(list, rollout(name, image(1)));
    });
  }
}

const base = (namespace: string): string => `/apis/argoproj.io/v1alpha1/namespaces/${namespace}`;

/** A phase of the spec before is told from one of this spec by the generation that the controller has seen. */
function endedAs(outcome: Outcome): (rollout: Rollout) => boolean {
  return ({ metadata, status }) => {
    if (Number(status?.observedGeneration) !== metadata.generation) return false;
    const promoted = status?.phase === 'Healthy' && status.stableRS === status.currentPodHash;
    return (
      (promoted && outcome !== 'rolled back') || (status?.phase === 'Degraded' && outcome !== 'promoted')
    );
  };
}

function analysis(address: string): object {
  const metric = {
    name: 'success',
    interval: '1s',
    failureLimit: 0,
    successCondition: `result[0] >= ${threshold}`,
    provider: { prometheus: { address, query: 'success' } },
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'success' },
    spec: { metrics: [metric] },
  };
}

function rollout(name: string, image: string): object {
  const canary = {
    stableService: `${name}-stable`,
    canaryService: `${name}-canary`,
    trafficRouting: { istio: { virtualService: { name, routes: ['primary'] } } },
    // From the first weight on, as the other candidates.
    analysis: { templates: [{ templateName: 'success' }], startingStep: 1 },
    steps: weights.flatMap((weight) => [
      { setWeight: weight },
      { pause: { duration: `${holdMs / 1_000}s` } },
    ]),
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name },
    spec: { ...workload(name, image), strategy: { canary } },
  };
}
