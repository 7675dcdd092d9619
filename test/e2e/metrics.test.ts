import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Activities, AnalyseInput, AnalyseResult } from '../../activities/contract.js';
import { Cluster } from '../../activities/kubernetes/client.js';
import { resources } from '../../activities/kubernetes/resources.js';
import { metricsActivities } from '../../activities/metrics/analyse.js';
import { prometheus } from '../../activities/metrics/prometheus.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from '../../activities/traffic/routes.js';
import type { AnalysisSettings } from '../../domain/analysis.js';
import { defaultAnalysis } from '../../domain/application.js';
import type { Target } from '../../domain/target.js';
import type { SharingKind, RouteTarget } from '../../domain/traffic.js';
import { applyObjects } from '../../infra/local/apply.js';
import { pushImage } from '../../infra/local/images.js';
import { Kube, type KubeObject } from '../../infra/local/kube.js';
import { startLoad, type Load } from '../../infra/local/load.js';
import { until } from '../../infra/local/parts.js';
import { sampleHost, sampleObjects, sampleRoute, type SampleOptions } from '../../infra/local/sample.js';
import { exampleTarget } from '../fakes/target.js';
import { patiently } from '../rig/patiently.js';

const stack = inject('stack');
const kube = new Kube(stack.kubeUrl, stack.kubeToken);
const cluster = Cluster.fromFile('default', stack.kubeconfig);
const namespace = 'metrics-test';
const release = 'metrics-test';
const never = new AbortController().signal;
const settings: AnalysisSettings = {
  ...defaultAnalysis,
  metrics: [
    { name: 'errors', builtin: 'error-rate', max: 1 },
    { name: 'p99', builtin: 'latency-p99', max: 5_000 },
    {
      name: 'own',
      counts: {
        total:
          'sum(increase(envoy_cluster_upstream_rq{envoy_cluster_name="{{namespace}}_{{service}}_{{port}}"}[{{window}}]))',
        errors:
          'sum(increase(envoy_cluster_upstream_rq{envoy_cluster_name="{{namespace}}_{{service}}_{{port}}",envoy_response_code=~"5.."}[{{window}}])) or on() vector(0)',
      },
      max: 1,
    },
  ],
  interval: '1s',
  window: '8s',
};

const loads: Load[] = [];
afterEach(() => Promise.all(loads.splice(0).map((load) => load.stop())));
beforeAll(async () => {
  await applyObjects(kube, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
});
afterAll(async () => {
  await kube.delete(`/api/v1/namespaces/${namespace}`);
  kube.close();
});

/** Stable and gray of one application behind the real Envoy, gray with the weight and environment that are said. */
async function released(
  name: string,
  router: SharingKind,
  gray: number,
  env: Record<string, string>,
): Promise<Target> {
  const stable = await deploy(name, 'v1', {});
  await deploy(`${name}-gray`, 'v2', env);
  await applyObjects(kube, [sampleRoute(router, { ...stable, gateway: stack.gateway })]);
  const route: RouteTarget = {
    router,
    cluster: 'default',
    namespace,
    route: name,
    stableService: name,
    grayService: `${name}-gray`,
    port: 80,
  };
  const traffic = { gray, tag: null };
  await patiently(() => prepareRoute(cluster, { release, route, seq: 1 }, never));
  await patiently(() => setTraffic(cluster, { release, route, seq: 2, traffic }, never));
  loads.push(startLoad({ url: stack.ingress, host: sampleHost(stable), requestsPerSecond: 60 }));
  return { ...exampleTarget(), application: name, namespace, deployment: name, gray: `${name}-gray`, route };
}

async function deploy(name: string, version: string, env: Record<string, string>): Promise<SampleOptions> {
  const image = { registry: stack.registry, repository: name, tag: version };
  const digest = await pushImage({ ...image, env: { VERSION: version, ...env } });
  const options = { namespace, name, image: `${stack.registry}/${name}@${digest}`, replicas: 1 };
  await applyObjects(kube, sampleObjects(options));
  await until(`${name} runs what it should`, async () => {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const { metadata, status } = await kube.get<Deployment>(path);
    expect(status).toMatchObject({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 });
    expect(status.observedGeneration).toBe(metadata.generation);
  });
  return options;
}

interface Deployment extends KubeObject {
  metadata: KubeObject['metadata'] & { generation: number };
  status: { observedGeneration?: number };
}

async function analysed(
  target: Target,
  durationMs: number,
  more: Partial<AnalysisSettings> = {},
  since?: string,
): Promise<AnalyseResult> {
  const { analyse } = metricsActivities({
    prometheusUrl: stack.prometheus,
    prometheusTokenFile: null,
    returnToStable: async ({ routes: [route], seq }, id, signal) => {
      await returnToStable(cluster, { route: route!, seq, release: id }, signal);
    },
  });
  const input: AnalyseInput = {
    release,
    target,
    settings: { ...settings, ...more },
    until: new Date(Date.now() + durationMs).toISOString(),
    guard: { routes: [target.route!], seq: 2 },
    ...(since === undefined ? {} : { since }),
  };
  const info = { currentAttemptScheduledTimestampMs: Date.now() };
  const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
  return environment.run<[AnalyseInput], AnalyseResult, Activities['analyse']>(analyse, input);
}

describe('an analysis of what the real Envoy counted', () => {
  it('passes a good version, by every kind of query', async () => {
    const target = await released('good', 'gateway-api', 50, {});
    const result = await analysed(target, 8_000);
    expect(result.why).toMatch(/check\(s\) passed$/);
    expect(result).toMatchObject({ verdict: 'pass', trafficRestored: false });
    const last = result.tally.last!.measurements;
    expect(last.map((m) => m.verdict)).toEqual(['pass', 'pass', 'pass']);
    // Half of 60 requests a second, counted over 8 seconds, whichever way it is asked.
    for (const { total } of [last[0]!, last[2]!]) {
      expect(total).toBeGreaterThan(150);
      expect(total).toBeLessThan(330);
    }
    expect(last[1]!.value).toBeGreaterThan(0);
    expect(JSON.stringify(result.findings[0]!.data)).toContain(`${namespace}_good_80`);
  });

  it('fails a bad version and has put traffic back before it says so', async () => {
    const target = await released('bad', 'contour', 50, { ERROR_RATE: '0.2' });
    const result = await analysed(target, 60_000);
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: true });
    expect(result.why).toMatch(/errors is \d+(\.\d+)? % .*above 1 %/);
    const failed = result.tally.last!.measurements[0]!.value!;
    expect(failed).toBeGreaterThan(10);
    expect(failed).toBeLessThan(30);
    const proxy = await cluster.get(resources.httpproxies, namespace, 'bad');
    const { routes } = proxy!['spec'] as { routes: { services: { name: string; weight?: number }[] }[] };
    const gray = routes.flatMap((r) => r.services).filter((s) => s.name === 'bad-gray');
    expect(gray.every((s) => s.weight === 0)).toBe(true);
  });

  it('fails a version of which nothing but errors is known', async () => {
    const target = await released('broken', 'contour', 50, { ERROR_RATE: '1' });
    const result = await analysed(target, 60_000);
    expect(result).toMatchObject({ verdict: 'fail', trafficRestored: true });
    expect(result.why).toMatch(/errors is 100 %/);
  });

  it('counts exactly what a new version answered, also before Prometheus had seen it twice', async () => {
    const target = await released('burst', 'contour', 100, {});
    const [load] = loads;
    await until('gray has answered', async () => expect(load!.summary().byVersion.v2).toBeGreaterThan(30));
    const { byVersion } = await load!.stop();
    const source = prometheus({ address: stack.prometheus, tokenFile: null });
    await until('Prometheus has seen the last request', async () => {
      const query = `sum(envoy_cluster_upstream_rq{envoy_cluster_name="${namespace}_burst-gray_80"})`;
      expect((await source.query(query, new Date())).value).toBe(byVersion.v2);
    });
    const result = await analysed(target, 0, { window: '1m', metrics: [settings.metrics[0]!] });
    expect(result.verdict).toBe('pass');
    expect(result.tally.last!.measurements[0]!.total).toBe(byVersion.v2);
  });

  it('does not blame a version for what an earlier one of the same name has answered', async () => {
    const metrics = [settings.metrics[0]!];
    const source = prometheus({ address: stack.prometheus, tokenFile: null });
    const counter = `sum(envoy_cluster_upstream_rq{envoy_cluster_name="${namespace}_again-gray_80"})`;
    const counted = async (): Promise<number> => (await source.query(counter, new Date())).value ?? 0;
    const bad = await released('again', 'contour', 100, { ERROR_RATE: '1' });
    // Several scrapes: the window begins a moment before `middle`, and its counter has to be there by then.
    await until('the bad version has answered', async () => expect(await counted()).toBeGreaterThan(200));
    const middle = Date.now();
    await until('it has answered more', async () => expect(await counted()).toBeGreaterThan(320));
    await patiently(() => restoreRoute(cluster, { release, route: bad.route! }, never));
    await until('Envoy has forgotten it', async () => expect(await counted()).toBe(0));

    const since = new Date().toISOString();
    const good = await released('again', 'contour', 100, {});
    await until('the good version has answered', async () => expect(await counted()).toBeGreaterThan(100));
    const window = `${Date.now() - middle}ms`;
    expect(await analysed(good, 0, { metrics, window }, since)).toMatchObject({ verdict: 'pass' });
    // Without knowing when the track began, the window reaches back to the earlier one.
    expect(await analysed(good, 0, { metrics, window })).toMatchObject({ verdict: 'fail' });
  });

  it('is inconclusive without traffic on gray, and leaves the weights', async () => {
    const target = await released('idle', 'contour', 0, {});
    const result = await analysed(target, 2_000);
    expect(result).toMatchObject({ verdict: 'inconclusive', trafficRestored: false });
    expect(result.why).toMatch(/errors: no data: the proxy has counted no request yet/);
    expect(result.tally.failures).toBe(0);
  });

  it('says which query Prometheus refused, and stays inconclusive', async () => {
    const target = { ...exampleTarget(), namespace };
    const result = await analysed(target, 0, {
      metrics: [{ name: 'x', value: 'sum(', max: 1, minRequests: 0 }],
    });
    expect(result.verdict).toBe('inconclusive');
    expect(result.why).toMatch(/refused the query: bad_data/);
  });

  it('answers what is asked as one, each part by itself', async () => {
    const source = prometheus({ address: stack.prometheus, tokenFile: null });
    const parts = [
      'sum(vector(3))',
      'max(timestamp(nothing_of_the_kind))',
      'vector(1) or vector(2)',
      'vector(0) / 0',
    ];
    const answers = await source.together(parts, new Date());
    expect(answers.map(({ value }) => value)).toEqual([3, null, 1, null]);
    expect(answers.map(({ raw }) => raw === '[]')).toEqual([false, true, false, false]);
  });

  it('answers a ping', async () => {
    expect(await prometheus({ address: stack.prometheus, tokenFile: null }).ping()).toBeNull();
  });
});
