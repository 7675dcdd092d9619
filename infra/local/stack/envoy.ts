/** How an Envoy of the stack is started, and what one of Istio's is told. */

/** @param config path of its bootstrap */
export function envoyArgs(config: string): string[] {
  return ['-c', config, '--concurrency', '2', '--disable-hot-restart', '--log-level', 'warning'];
}

/** An Istio proxy. */
export interface IstioProxy {
  /** `router`: a gateway. */
  kind: 'router' | 'sidecar';
  /** Of its pod; a Gateway selects by them. */
  labels: Record<string, string>;
  namespace: string;
  /** Port of its admin page. */
  admin: number;
  /** Port of istiod's discovery service, without TLS. */
  xds: number;
  /** More of its node's metadata. Default: none. */
  metadata?: Record<string, string>;
}

/** Its bootstrap: everything by delta discovery on one stream, as Istio's own agent sets it up. */
export function bootstrap({ kind, labels, namespace, admin, xds, metadata }: IstioProxy): object {
  const at = (port: number): object => ({
    socket_address: { address: '127.0.0.1', port_value: port },
  });
  const source = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  const cluster = 'xds-grpc';
  const id = `${kind}~127.0.0.1~edge.${namespace}~${namespace}.svc.cluster.local`;
  return {
    node: { id, cluster: 'sluice', metadata: { LABELS: labels, NAMESPACE: namespace, ...metadata } },
    admin: { address: at(admin) },
    dynamic_resources: {
      lds_config: source,
      cds_config: source,
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: cluster } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: cluster,
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: cluster,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(xds) } }] }],
          },
        },
      ],
    },
  };
}
