/** The worker's side of `sluice doctor`: asks every neighbour that releases need, and changes nothing. */
import { Context } from '@temporalio/activity';
import { releaseSettings, type Application, type Environment } from '../../domain/application.js';
import {
  clockCheck,
  failed,
  fine,
  type Errand,
  type ErrandReport,
  type HealthCheck,
} from '../../domain/diagnosis.js';
import { parseImage } from '../../domain/image.js';
import type { Target } from '../../domain/target.js';
import { homeOf } from '../../domain/traffic.js';
import type { Activities } from '../contract.js';
import { CatalogueError, fail } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { KubeError } from '../kubernetes/kube-error.js';
import { lookout, type Lookout } from '../kubernetes/observation.js';
import { observe } from '../kubernetes/observe.js';
import { rightsMissing } from '../kubernetes/rights.js';
import { deniedAtHome } from '../kubernetes/route-look.js';
import { neededRights, routeRights } from '../kubernetes/rules.js';
import { providerOf } from '../metrics/analyse.js';
import { shownAddress } from '../metrics/prometheus.js';
import { Registry, said, type RegistryDeps } from '../registry/client.js';
import { lookAtRoute } from '../traffic/activities.js';
import { resourceOf } from '../traffic/index.js';
import { look } from './place.js';
import { rightsChecks, welcomeRights } from './rights.js';
import { acceptanceCheck, servedCheck } from './routes.js';
import { seriesChecks } from './series.js';

export interface DiagnoseDeps extends RegistryDeps {
  readonly clusters: (name: string) => Cluster;
  readonly prometheusUrl: string | null;
  readonly prometheusTokenFile: string | null;
}

type Checks = readonly HealthCheck[];

export function diagnosisActivities(deps: DiagnoseDeps): Pick<Activities, 'diagnose'> {
  return {
    async diagnose(errand): Promise<ErrandReport> {
      const at = new Date().toISOString();
      const signal = Context.current().cancellationSignal;
      const looks =
        errand.application === null
          ? cluster(deps, errand, signal)
          : application(deps, errand, errand.application, signal);
      return { cluster: errand.cluster, at, checks: (await Promise.all(looks)).flat() };
    },
  };
}

function cluster(deps: DiagnoseDeps, { cluster: name }: Errand, signal: AbortSignal): Promise<Checks>[] {
  const reachable = look({ topic: 'cluster', subject: name, cluster: name }, signal, async (limit) => {
    const before = Date.now();
    const { version, clock } = await deps.clusters(name).about(limit);
    const after = Date.now();
    const seen = fine({ topic: 'cluster', subject: name }, `${version}, answered in ${after - before} ms`);
    // The header counts whole seconds.
    const read =
      clock === null
        ? []
        : [clockCheck(`API server of cluster ${name}`, { before: before - 1_000, read: clock, after })];
    return [seen, ...read];
  });
  return [reachable];
}

function application(
  deps: DiagnoseDeps,
  errand: Errand,
  spec: Application,
  signal: AbortSignal,
): Promise<Checks>[] {
  const here = spec.environments.filter((e) => (e.cluster ?? 'default') === errand.cluster);
  return [
    ...here.flatMap((e) => environment(deps, spec, e, signal)),
    ...(errand.registry ? [registry(deps, spec, signal)] : []),
  ];
}

function environment(
  deps: DiagnoseDeps,
  spec: Application,
  env: Environment,
  signal: AbortSignal,
): Promise<Checks>[] {
  const at = lookout(spec, env, { lane: null });
  const subject = `${spec.name} in ${env.name}`;
  const place = { subject, cluster: at.cluster, namespace: at.namespace };
  return [
    look({ topic: 'permissions', ...place }, signal, () => rights(deps, at)),
    look({ topic: 'application', ...place }, signal, () => workload(deps, at, subject)),
    ...(at.route === null
      ? []
      : [look({ topic: 'crds', ...place }, signal, (limit) => definitions(deps, at, limit))]),
    ...metrics(deps, at, subject, signal),
  ];
}

async function rights(deps: DiagnoseDeps, at: Lookout): Promise<Checks> {
  const needed = neededRights(at.route);
  const missing = await rightsMissing(deps.clusters(at.cluster), at.namespace, [...needed, ...welcomeRights]);
  const checks = rightsChecks(at, needed, missing);
  const { route } = at;
  if (route === null || homeOf(route) === at.namespace) return checks;
  const place = { cluster: at.cluster, namespace: homeOf(route) };
  const denied = await deniedAtHome(deps.clusters(at.cluster), route);
  return [...checks, ...rightsChecks(place, routeRights(route), denied)];
}

/** The same look as before a release. Rights are told by themselves. */
async function workload(deps: DiagnoseDeps, at: Lookout, subject: string): Promise<Checks> {
  const input = { application: at.application, environment: at.environment.name, lane: null };
  const { observation, problems } = await observe({ ...deps, lookAtRoute }, input);
  const others = problems.filter((p) => p.code !== 'cluster_denied' && p.code !== 'crd_missing');
  const routing = new Set(['route_unknown', 'route_unfit', 'lanes_collide']);
  const found = others.map((p) =>
    failed({ topic: routing.has(p.code) ? 'route' : 'application', subject }, p),
  );
  const ready = `Deployment "${at.deployment}": ${observation?.readyReplicas ?? 0} of ${observation?.replicas ?? 0} ready`;
  const first = `Deployment "${at.deployment}" does not exist yet; the first release makes it`;
  const fit =
    found.some((c) => c.topic === 'application') || observation === null
      ? []
      : [fine({ topic: 'application', subject }, observation.exists ? ready : first)];
  return [
    ...found,
    ...fit,
    ...(await acceptance(
      deps,
      at,
      subject,
      problems.map((p) => p.code),
    )),
  ];
}

/** What fits is also to be served: that is the controller's word. */
async function acceptance(
  deps: DiagnoseDeps,
  at: Lookout,
  subject: string,
  codes: readonly string[],
): Promise<Checks> {
  if (at.route === null || codes.some((c) => /^(route_|crd_|namespace_|cluster_)/.test(c))) return [];
  const resource = resourceOf(at.route.router);
  const object = await deps.clusters(at.cluster).get(resource, homeOf(at.route), at.route.route);
  return object === null ? [] : [acceptanceCheck(at.route, subject, object)];
}

async function definitions(deps: DiagnoseDeps, at: Lookout, signal: AbortSignal): Promise<Checks> {
  const kind = at.route!.router;
  const { group } = resourceOf(kind);
  try {
    const found = await deps.clusters(at.cluster).call('GET', `/apis/${group}`, { signal });
    const versions = (found['versions'] ?? []) as readonly { readonly version: string }[];
    return [
      servedCheck(
        kind,
        at.cluster,
        versions.map((v) => v.version),
      ),
    ];
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return [servedCheck(kind, at.cluster, null)];
    throw error;
  }
}

function metrics(deps: DiagnoseDeps, at: Lookout, subject: string, signal: AbortSignal): Promise<Checks>[] {
  const settings = releaseSettings(at.application, at.environment).analysis;
  if (settings === null || at.route === null) return [];
  const address = settings.prometheus ?? deps.prometheusUrl;
  const named = address === null ? '(none)' : shownAddress(address);
  const about = { topic: 'prometheus', subject: named, cluster: at.cluster } as const;
  return [
    look(about, signal, async (limit) => {
      const provider = providerOf(deps, settings);
      const away = await provider.ping(limit);
      if (away !== null) return [failed(about, away)];
      const before = Date.now();
      const clock = await provider.query('time()', null, limit);
      const after = Date.now();
      const read =
        clock.value === null
          ? []
          : [clockCheck(`Prometheus ${named}`, { before, read: clock.value * 1_000, after })];
      const series = await seriesChecks(subject, settings, sketch(at), provider, limit);
      return [fine({ topic: 'prometheus', subject: named }, 'answers'), ...read, ...series];
    }),
  ];
}

/** Only what queries are made of. */
function sketch(at: Lookout): Target {
  const { application: spec, environment: env, cluster: name, namespace, deployment, lane, gray, route } = at;
  const image = { requested: '', reference: '', digest: '', version: '' };
  return {
    application: spec.name,
    environment: env.name,
    cluster: name,
    namespace,
    deployment,
    container: '',
    strategy: 'gray',
    level: 0,
    lane,
    gray,
    image,
    stableImage: null,
    stableDigest: null,
    stableReplicas: 0,
    manifest: null,
    route,
    probe: null,
    progressDeadlineMs: 0,
    grayReplicas: 1,
  };
}

function registry(deps: DiagnoseDeps, { image }: Application, signal: AbortSignal): Promise<Checks> {
  const about = { topic: 'registry', subject: image, cluster: 'default' } as const;
  return look(about, signal, async (limit) => {
    const parsed = parseImage(image);
    if ('code' in parsed) throw new CatalogueError(parsed);
    const reply = await new Registry(deps).manifest('HEAD', parsed, limit);
    if (reply.status === 403) fail('registry_denied', { registry: parsed.registry, answer: said(reply) });
    const login = deps.dockerConfig === null ? 'without credentials' : 'with the credentials at hand';
    return [fine(about, `${parsed.registry} answers ${login}`)];
  });
}
