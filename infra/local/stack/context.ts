import type { Kube } from '../kube.js';
import type { Parts } from '../parts.js';
import type { ToolName } from '../tools/catalogue.js';

/** Where the parts of a stack are: plain data, good to hand to another process. */
export interface StackInfo {
  dir: string;
  pods: 'real' | 'simulated';
  kubeconfig: string;
  /** `https://127.0.0.1:<port>`; its certificate is its own. */
  kubeUrl: string;
  /** Bearer token of a member of `system:masters`. */
  kubeToken: string;
  /** JSON lines, one for each request to the API server, level Metadata. */
  auditLog: string;
  temporal: { address: string; ui: string; namespace: string };
  prometheus: string;
  /** `host:port`, plain HTTP; the first part of image names. */
  registry: string;
  /** Envoy's HTTP listener, for HTTPProxy and for the Gateway alike; send the Host header of the route. */
  ingress: string;
  /** Its HTTPS listener, for an HTTPProxy with TLS of its own; open while there is one. Ask for the host by SNI. */
  ingressTls: string;
  /** The one Gateway, for `parentRefs` of an HTTPRoute. */
  gateway: { namespace: string; name: string };
  /**
   * Envoy's own `/stats/prometheus`, which Prometheus scrapes each second. Requests are
   * `envoy_cluster_upstream_rq{envoy_cluster_name="<namespace>_<service>_<service port>", envoy_response_code="200"}`.
   */
  envoyStats: string;
}

export const portNames = [
  ...(['etcd', 'etcdPeer', 'kube', 'controllers', 'scheduler', 'kwok', 'kubelet'] as const),
  ...(['temporal', 'temporalUi', 'temporalHttp', 'temporalMetrics', 'registry', 'prometheus'] as const),
  ...(['xds', 'contourHealth', 'contourMetrics', 'contourDebug', 'stats', 'envoyAdmin'] as const),
  ...(['ingress', 'ingressTls'] as const),
] as const;

/** What the functions that start the parts are given. */
export interface StackContext {
  info: StackInfo;
  procs: Parts;
  kube: Kube;
  tools: Record<ToolName, string>;
  port: Record<(typeof portNames)[number], number>;
  /** Addresses of this stack's pods. */
  podCidr: string;
  /** Default: `temporal.db` in the folder. */
  temporalFile?: string;
}

/** Rejects unless the URL answers 200. */
export async function answers(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
  return text;
}
