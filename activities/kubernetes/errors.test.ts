import { describe, expect, it } from 'vitest';
import { CatalogueError } from '../failure.js';
import { KubeError } from './kube-error.js';
import { kubeFailure } from './errors.js';

const context = { cluster: 'c1', namespace: 'shop', what: 'Deployment "web"' };
const mapped = (status: number, message: string, retryAfter: number | null = null): CatalogueError =>
  kubeFailure(new KubeError(status, '', message, retryAfter), context) as CatalogueError;

describe('an answer of Kubernetes', () => {
  it.each([
    ['a login that failed', 401, 'Unauthorized', 'cluster_denied', /may not log in to the API server/],
    [
      'a missing right',
      403,
      'deployments.apps "web" is forbidden: User "system:x" cannot patch resource "deployments" in API group "apps"',
      'cluster_denied',
      /may not patch deployments in namespace "shop" of cluster "c1"/,
    ],
    ['a refusal without its words', 403, 'Forbidden', 'cluster_denied', /may not touch Deployment "web"/],
    ['a quota', 403, 'exceeded quota: small, requested: pods=1', 'cluster_refused', /exceeded quota: small/],
    [
      'a webhook',
      403,
      'admission webhook "p" denied the request: no',
      'cluster_refused',
      /denied the request: no/,
    ],
    [
      'a webhook with its own status',
      400,
      'admission webhook "p" denied: no',
      'cluster_refused',
      /denied: no/,
    ],
    [
      'an admission policy that says Forbidden',
      403,
      `deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: not on Fridays`,
      'cluster_refused',
      /denied request: not on Fridays/,
    ],
    [
      'a limit range',
      403,
      'pods "web-1" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
      'cluster_refused',
      /maximum cpu usage/,
    ],
    ['Pod Security', 403, 'violates PodSecurity "restricted"', 'cluster_refused', /violates PodSecurity/],
    [
      'a field',
      422,
      'spec.x: Invalid value',
      'cluster_refused',
      /refused Deployment "web": 422 spec.x: Invalid/,
    ],
    [
      'a Service that gets no address because etcd is away',
      422,
      'Service "web-gray" is invalid: spec.clusterIPs: Invalid value: [""]: failed to allocate IP: rpc error: code = Unavailable desc = error reading from server: EOF',
      'cluster_unreachable',
      /cannot be reached: Deployment "web": 422/,
    ],
    [
      'a rival',
      409,
      'the object has been modified',
      'internal',
      /somebody else was faster with Deployment "web"/,
    ],
    ['a throttle', 429, 'too many requests', 'cluster_unreachable', /429 too many requests/],
    [
      'a webhook that does not answer',
      500,
      'Internal error occurred: failed calling webhook "p.example.com": failed to call webhook: connection refused',
      'admission_unreachable',
      /failed calling webhook "p.example.com"/,
    ],
    ['an API server in trouble', 500, 'etcdserver: request timed out', 'cluster_unreachable', /etcdserver/],
  ])('%s', (_, status, message, code, words) => {
    const { failure } = mapped(status, message);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(words);
    expect(failure.retryable).toBe(
      ['cluster_unreachable', 'admission_unreachable', 'internal'].includes(code),
    );
  });

  it('that says when to come again is kept', () => {
    expect(mapped(429, 'later', 3).retryAfterMs).toBe(3_000);
    expect(mapped(503, 'later').retryAfterMs).toBeUndefined();
  });

  it('that is none passes through', () => {
    const error = new TypeError('x');
    expect(kubeFailure(error, context)).toBe(error);
  });
});
