import { describe, expect, it } from 'vitest';
import { kinds } from './kinds.js';
import { isReady } from './objects.js';

const metadata = {
  name: 'web',
  uid: 'u1',
  resourceVersion: '7',
  labels: { app: 'web' },
  annotations: { owner: 'team', 'kubectl.kubernetes.io/last-applied-configuration': '{"huge":true}' },
  managedFields: [{ manager: 'kubectl' }],
};

describe('what is kept of an object', () => {
  it('of a Deployment is all that gray is cloned from', () => {
    const spec = { replicas: 2, template: { spec: { containers: [{ name: 'app', env: [{ name: 'A' }] }] } } };
    const { managedFields: _, annotations: __, ...rest } = metadata;
    expect(kinds.deployments.slim({ metadata, spec, status: { replicas: 2 } })).toEqual({
      metadata: { ...rest, annotations: { owner: 'team' } },
      spec,
      status: { replicas: 2 },
    });
  });

  it('of a pod is what tells whether it is ready, and why not', () => {
    const pod = kinds.pods.slim({
      metadata,
      spec: { nodeName: 'n1', volumes: [{}], containers: [{ name: 'app', image: 'web:v1', env: [{}] }] },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 'x' }],
        containerStatuses: [
          { name: 'app', ready: true, restartCount: 1, containerID: 'x', imageID: 'web@sha' },
        ],
      },
    });
    expect(isReady(pod)).toBe(true);
    expect(pod).toEqual({
      metadata: { name: 'web', uid: 'u1', resourceVersion: '7', labels: { app: 'web' } },
      spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'web:v1' }] },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'app', ready: true, restartCount: 1, imageID: 'web@sha' }],
      },
    });
  });

  it('of an EndpointSlice is whether its endpoints are ready, and their pods; not known stays not known', () => {
    const endpoints = [
      { addresses: ['10.0.0.1'], conditions: { ready: false } },
      { addresses: ['10.0.0.2'], targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u2' } },
    ];
    expect(kinds.endpointslices.slim({ metadata, endpoints })['endpoints']).toEqual([
      { conditions: { ready: false } },
      { conditions: { ready: undefined }, targetRef: { kind: 'Pod', name: 'web-1' } },
    ]);
  });
});
