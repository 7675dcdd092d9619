/** Whether Envoy knows what the API server has, by objects that say nothing else. */
import { applyObjects } from '../../../infra/local/apply.js';
import type { Stack } from '../../../infra/local/stack.js';
import { eventually } from '../../rig/eventually.js';
import { askIngress } from '../../rig/ingress.js';

const host = 'marker.stack.local';
const name = 'marker';
const longestMs = 60_000;
const mostEndpoints = 5;

export class Marker {
  private count = 0;

  constructor(private readonly stack: Pick<Stack, 'info' | 'kube'>) {}

  /**
   * What was written before now is known to Envoy: Contour has caught up with the API server, for whose routes and endpoints it looks apart
   * and ever less often, and Envoy is connected to Contour again, for each of its clusters apart.
   */
  async known(): Promise<void> {
    const { ingress, gateway, envoyStats } = this.stack.info;
    const count = ++this.count;
    const word = `word-${count}.local`;
    const endpoints = (count % mostEndpoints) + 1;
    await eventually('the marker to be written', () =>
      applyObjects(this.stack.kube, this.objects(word, endpoints)).then(() => true),
    );
    await eventually(
      'Envoy to know the route of the marker',
      async () => (await askIngress(ingress, host)).headers.location?.includes(word),
      longestMs,
    );
    const admin = new URL(envoyStats).origin;
    const cluster = `cluster\\.${gateway.namespace}_${name}_80\\.membership_total`;
    const size = async (): Promise<boolean> => (await stats(admin, cluster)).join() === String(endpoints);
    await eventually('Envoy to know the endpoints of the marker', size, longestMs);
    const isConnected = async (): Promise<boolean> =>
      (await stats(admin, 'control_plane\\.connected_state')).every((state) => state === 1);
    await eventually('Envoy to be connected to Contour', isConnected, longestMs);
  }

  private objects(word: string, endpoints: number): object[] {
    const { gateway } = this.stack.info;
    const metadata = { name, namespace: gateway.namespace };
    const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: word, statusCode: 302 } };
    const pods = {
      matches: [{ path: { type: 'Exact', value: '/pods' } }],
      backendRefs: [{ name, port: 80 }],
    };
    return [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ port: 1 }],
        // Of the range for documentation: nobody asks them anything.
        endpoints: Array.from({ length: endpoints }, (_, i) => ({ addresses: [`192.0.2.${i + 1}`] })),
      },
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata,
        spec: { parentRefs: [gateway], hostnames: [host], rules: [pods, { filters: [redirect] }] },
      },
    ];
  }
}

/** Values of Envoy's counters and gauges whose names match. */
async function stats(admin: string, filter: string): Promise<readonly number[]> {
  const answer = await fetch(`${admin}/stats?format=json&filter=${encodeURIComponent(filter)}`);
  const { stats: found } = (await answer.json()) as { stats: readonly { readonly value?: number }[] };
  return found.flatMap(({ value }) => value ?? []);
}
