import { KubeConfig } from './kube-config.js';
import { describe, expect, it } from 'vitest';
import { Cluster } from './client.js';
import { Recent } from './recent.js';

function clusterOf(name: string): Cluster {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name, server: 'http://127.0.0.1:1', skipTLSVerify: true }, { name });
  return new Cluster(name, config);
}
const [a, b] = [clusterOf('a'), clusterOf('b')];

describe('what a worker has seen a moment ago', () => {
  it('is good for its time and no longer', () => {
    const recent = new Recent<string>(5_000);
    recent.keep(a, 'x', 'seen', 1_000);
    expect(recent.get(a, 'x', 6_000)).toBe('seen');
    expect(recent.get(a, 'x', 6_001)).toBeNull();
  });

  it('is of one cluster and key', () => {
    const recent = new Recent<string>(5_000);
    recent.keep(a, 'x', 'seen');
    expect(recent.get(b, 'x')).toBeNull();
    expect(recent.get(a, 'y')).toBeNull();
  });

  it('is forgotten when it was taken', () => {
    const recent = new Recent<string>(5_000);
    recent.keep(a, 'x', 'seen');
    expect(recent.take(a, 'x')).toBe('seen');
    expect(recent.take(a, 'x')).toBeNull();
  });

  it('is forgotten when there is too much of it, the oldest first', () => {
    const recent = new Recent<number>(60_000);
    for (let i = 0; i < 600; i++) recent.keep(a, `${i}`, i);
    expect(recent.get(a, '0')).toBeNull();
    expect(recent.get(a, '599')).toBe(599);
  });
});
