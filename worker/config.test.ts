import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workerConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
const refusal = (env: Record<string, string>): string => {
  try {
    workerConfig(env);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no refusal';
};

describe('workerConfig', () => {
  it('needs nothing', () => {
    expect(workerConfig({})).toEqual({
      taskQueue: 'sluice',
      clusters: [{ name: 'default' }],
      prometheus: { url: null, tokenFile: null },
      registry: { dockerConfig: null, insecure: [] },
      listen: { host: '127.0.0.1', port: 8081 },
      deployment: null,
      logLevel: 'info',
    });
  });

  it('takes all that it is told', () => {
    const config = workerConfig({
      SLUICE_TASK_QUEUE: 'queue',
      KUBECONFIG: '/kubeconfig',
      SLUICE_PROMETHEUS_URL: 'https://prometheus.example/x',
      SLUICE_PROMETHEUS_TOKEN_FILE: '/token',
      SLUICE_DOCKER_CONFIG: '/docker.json',
      SLUICE_INSECURE_REGISTRIES: 'registry:5000,other:5000',
      SLUICE_WORKER_LISTEN: '0.0.0.0:90',
      SLUICE_DEPLOYMENT: 'sluice',
      SLUICE_BUILD_ID: 'abc',
      SLUICE_LOG_LEVEL: 'error',
    });
    expect(config).toEqual({
      taskQueue: 'queue',
      clusters: [{ name: 'default', kubeconfig: '/kubeconfig' }],
      prometheus: { url: 'https://prometheus.example/x', tokenFile: '/token' },
      registry: { dockerConfig: '/docker.json', insecure: ['registry:5000', 'other:5000'] },
      listen: { host: '0.0.0.0', port: 90 },
      deployment: { name: 'sluice', buildId: 'abc' },
      logLevel: 'error',
    });
  });

  it('leaves a list of kubeconfigs to the library, which reads the variable itself', () => {
    expect(workerConfig({ KUBECONFIG: '/a:/b' }).clusters).toEqual([{ name: 'default' }]);
  });

  it('reads the clusters from a file, in their order', () => {
    const path = file(
      'clusters.yaml',
      '- name: default\n- name: east\n  kubeconfig: /east\n  context: main\n',
    );
    expect(workerConfig({ SLUICE_CLUSTERS_FILE: path, KUBECONFIG: '/other' }).clusters).toEqual([
      { name: 'default' },
      { name: 'east', kubeconfig: '/east', context: 'main' },
    ]);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['an empty queue', { SLUICE_TASK_QUEUE: '' }, /SLUICE_TASK_QUEUE: must not be empty/],
    ['an empty kubeconfig', { KUBECONFIG: '' }, /KUBECONFIG: must name a file/],
    [
      'an address of Prometheus that is none',
      { SLUICE_PROMETHEUS_URL: 'prometheus' },
      /SLUICE_PROMETHEUS_URL: must be an http/,
    ],
    [
      'Prometheus by something else than HTTP',
      { SLUICE_PROMETHEUS_URL: 'ftp://prometheus' },
      /SLUICE_PROMETHEUS_URL: must be an http/,
    ],
    ['an empty token file', { SLUICE_PROMETHEUS_TOKEN_FILE: '' }, /SLUICE_PROMETHEUS_TOKEN_FILE: must name/],
    ['an empty docker config', { SLUICE_DOCKER_CONFIG: '' }, /SLUICE_DOCKER_CONFIG: must name a file/],
    [
      'a registry with its scheme',
      { SLUICE_INSECURE_REGISTRIES: 'http://registry:5000' },
      /SLUICE_INSECURE_REGISTRIES: must be host:port/,
    ],
    ['a port alone', { SLUICE_WORKER_LISTEN: '8081' }, /SLUICE_WORKER_LISTEN: must be host:port/],
    ['a port that cannot be', { SLUICE_WORKER_LISTEN: 'x:70000' }, /SLUICE_WORKER_LISTEN: has a port above/],
    ['an unknown log level', { SLUICE_LOG_LEVEL: 'loud' }, /SLUICE_LOG_LEVEL: must be one of debug, info/],
    ['a deployment without a build', { SLUICE_DEPLOYMENT: 'x' }, /SLUICE_DEPLOYMENT and SLUICE_BUILD_ID/],
    ['a build without a deployment', { SLUICE_BUILD_ID: 'x' }, /SLUICE_DEPLOYMENT and SLUICE_BUILD_ID/],
    ['an empty build', { SLUICE_DEPLOYMENT: 'x', SLUICE_BUILD_ID: '' }, /SLUICE_BUILD_ID: must not be empty/],
    [
      'a clusters file that is not there',
      { SLUICE_CLUSTERS_FILE: '/nowhere' },
      /SLUICE_CLUSTERS_FILE.*ENOENT/,
    ],
    [
      'a clusters file that is no list',
      { SLUICE_CLUSTERS_FILE: file('map.yaml', 'name: default') },
      /SLUICE_CLUSTERS_FILE.*is not a list/,
    ],
    [
      'a clusters file with an unknown field',
      { SLUICE_CLUSTERS_FILE: file('field.yaml', '- name: a\n  kubconfig: /x') },
      /SLUICE_CLUSTERS_FILE.*kubconfig/,
    ],
    [
      'a clusters file that is no YAML',
      { SLUICE_CLUSTERS_FILE: file('broken.yaml', '- {') },
      /SLUICE_CLUSTERS_FILE.*neither YAML nor JSON/,
    ],
    [
      'a cluster that is named twice',
      { SLUICE_CLUSTERS_FILE: file('twice.yaml', '- name: a\n- name: a') },
      /SLUICE_CLUSTERS_FILE.*cluster "a" twice/,
    ],
  ])('names the variable for %s', (_, env, message) => {
    expect(refusal(env)).toMatch(message);
  });

  it('names every wrong variable at once, and repeats no value', () => {
    const message = refusal({
      SLUICE_PROMETHEUS_URL: 'me:password@prometheus',
      SLUICE_LOG_LEVEL: 'loud',
      SLUICE_TASK_QUEUE: '',
    });
    expect(message).toMatch(/SLUICE_TASK_QUEUE.*SLUICE_PROMETHEUS_URL.*SLUICE_LOG_LEVEL/);
    expect(message).not.toContain('password@');
  });
});
