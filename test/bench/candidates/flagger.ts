/** Flagger with Istio: it makes the Services and the VirtualService itself. Its shortest interval is 10 s. */
import { join } from 'node:path';
import { freePorts } from '../../../infra/local/ports.js';
import { answers } from '../../../infra/local/stack/context.js';
import {
  applicationName,
  forAll,
  podTemplate,
  threshold,
  untilAll,
  weights,
  workload,
  type Candidate,
  type Outcome,
  type Place,
  type Running,
} from './candidate.js';

interface Canary {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string; readonly lastAppliedSpec?: string };
}

const intervalSeconds = 10;

export const flagger: Candidate = { agent: 'flagger', holdMs: intervalSeconds * 1_000, start };

async function start(place: Place): Promise<Running> {
  const { cluster, namespace, count } = place;
  const { procs, info, kube } = cluster;
  const [port] = await freePorts(1);
  await procs.add('controller', {
    command: cluster.peers.flagger!,
    args: [
      `-kubeconfig=${info.kubeconfig}`,
      `-namespace=${namespace}`,
      `-metrics-server=${info.prometheus}`,
      `-port=${port}`,
      '-mesh-provider=istio',
      '-enable-leader-election=false',
      '-control-loop-interval=1s',
    ],
    log: join(info.dir, `${namespace}.log`),
    ready: () => answers(`http://127.0.0.1:${port}/healthz`),
  });
  const list = `/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries`;
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  await kube.create(
    `/apis/flagger.app/v1beta1/namespaces/${namespace}/metrictemplates`,
    metric(info.prometheus),
  );
  await forAll(count, async (i) => {
    const name = applicationName(i);
    const spec = workload(name, place.image(1));
    await kube.create(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
    await kube.create(list, canary(name));
  });
  const canaries = async (): Promise<Canary[]> =>
    (await kube.get<{ items: Canary[] }>(`${list}?resourceVersion=0`)).items;
  const isIn = async (wanted: readonly string[], differs: (canary: Canary) => boolean): Promise<string[]> =>
    (await canaries())
      .filter((c) => !wanted.includes(c.status?.phase ?? '') || !differs(c))
      .map((c) => `${c.metadata.name} (${c.status?.phase ?? 'new'})`);
  await untilAll('canaries are initialised', 300_000, () => isIn(['Initialized'], () => true));
  /** Hash of the spec that was released last: a phase belongs to a new one once this has changed. */
  let applied = new Map<string, string>();
  const note = async (): Promise<void> => {
    applied = new Map((await canaries()).map((c) => [c.metadata.name, c.status?.lastAppliedSpec ?? '']));
  };
  await note();
  return {
    process: 'controller',
    pid: () => procs.pid('controller')!,
    async ask(i, version) {
      const name = applicationName(i);
      const template = podTemplate(name, place.image(version));
      await kube.patch(`${deployments}/${name}`, 'merge', { spec: { template } });
    },
    async ended(outcome, deadlineMs) {
      const isNew = (c: Canary): boolean => c.status?.lastAppliedSpec !== applied.get(c.metadata.name);
      await untilAll(`canaries are ${outcome}`, deadlineMs, () => isIn(phases[outcome], isNew));
      await note();
    },
    stop: () => Promise.resolve(),
  };
}

const phases = {
  promoted: ['Succeeded'],
  'rolled back': ['Failed'],
  either: ['Succeeded', 'Failed'],
} as const satisfies Record<Outcome, readonly string[]>;

const metric = (address: string): object => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'MetricTemplate',
  metadata: { name: 'success' },
  spec: { provider: { type: 'prometheus', address }, query: 'success' },
});

function canary(name: string): object {
  const success = {
    name: 'success',
    templateRef: { name: 'success' },
    thresholdRange: { min: threshold },
    interval: '1m',
  };
  return {
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: 80, targetPort: 8080 },
      analysis: {
        interval: `${intervalSeconds}s`,
        threshold: 1,
        stepWeights: weights,
        metrics: [success],
      },
    },
  };
}
