/** The queries that need no PromQL from the user: what each router's proxy counts. All of them 5xx for errors, milliseconds for p99. */
import type { RouterKind } from '../../domain/traffic.js';

export type Track = 'stable' | 'gray';

/** Whose requests are counted. */
export interface Subject {
  readonly router: RouterKind;
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly track: Track;
}

export interface BuiltinQueries {
  readonly total: string;
  readonly errors: string;
  readonly p99: string;
  /** Seconds since the newest sample; empty where nothing was ever counted. */
  readonly age: string;
}

/** `window` as Prometheus spells durations, e.g. 1m. */
export function builtinQueries(subject: Subject, window: string): BuiltinQueries {
  const { requests, failed, buckets } = selectors(subject);
  const born = subject.track === 'gray';
  return {
    total: count(requests, window, born),
    errors: count(failed, window, born),
    p99: `histogram_quantile(0.99, sum by (le) (${born ? grown(buckets, window) : `increase(${buckets}[${window}])`}))`,
    age: `time() - max(timestamp(${requests}))`,
  };
}

export interface Selectors {
  readonly requests: string;
  readonly failed: string;
  readonly buckets: string;
}

/** The series themselves, as Prometheus selects them. */
export function selectors(subject: Subject): Selectors {
  const { router, namespace, service, port } = subject;
  switch (router) {
    // All are Contour's Envoy, which names a cluster <namespace>_<service>_<port>.
    case 'gateway-api':
    case 'contour':
    case 'contour-include': {
      const cluster = `envoy_cluster_name=${quoted(`${namespace}_${service}_${port}`)}`;
      return {
        requests: `envoy_cluster_upstream_rq{${cluster}}`,
        failed: `envoy_cluster_upstream_rq{${cluster},envoy_response_code=~"5.."}`,
        buckets: `envoy_cluster_upstream_rq_time_bucket{${cluster}}`,
      };
    }
    // Reported by the caller's proxy, which also sees the requests that no pod lived to answer.
    case 'istio': {
      const to = `reporter="source",destination_service_namespace=${quoted(namespace)},destination_service_name=${quoted(service)}`;
      return {
        requests: `istio_requests_total{${to}}`,
        failed: `istio_requests_total{${to},response_code=~"5.."}`,
        buckets: `istio_request_duration_milliseconds_bucket{${to}}`,
      };
    }
  }
}

/** Requests in the window. No series of errors means no errors; that nothing is counted at all shows in the age. */
function count(selector: string, window: string, born: boolean): string {
  const increase = born
    ? `(sum(increase(${selector}[${window}]) and ${selector} offset ${window}) or on() vector(0)) + (sum(${selector} unless ${selector} offset ${window}) or on() vector(0))`
    : `sum(increase(${selector}[${window}])) or on() vector(0)`;
  return increase;
}

/** increase() needs two samples and so never sees with what value a series began; for one born in the window that is its value. */
function grown(selector: string, window: string): string {
  return `(increase(${selector}[${window}]) and ${selector} offset ${window}) or (${selector} unless ${selector} offset ${window})`;
}

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
