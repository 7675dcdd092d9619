import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workerConfig } from './config.js';
import { createLogger } from './log.js';
import { registerSecrets, secretsOf } from './secrets.js';

const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
function file(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return join(folder, name);
}
const users = [
  { name: 'a', user: { token: 'kube-token' } },
  { name: 'b', user: { username: 'me', password: 'kube-password', 'client-key-data': 'a2V5LWRhdGE=' } },
];
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'x', cluster: { server: 'https://127.0.0.1:1' } }],
  users,
  contexts: [{ name: 'x', context: { cluster: 'x', user: 'a' } }],
  'current-context': 'x',
};
const basic = Buffer.from('me:basic-password').toString('base64');

describe('secretsOf', () => {
  it.each<[string, Record<string, string>, string[]]>([
    [
      'the token of Prometheus',
      { SLUICE_PROMETHEUS_TOKEN_FILE: file('token', 'prometheus-token\n') },
      ['prometheus-token'],
    ],
    [
      'the password in an address, as it is spelt and as it is meant',
      { SLUICE_PROMETHEUS_URL: 'http://me:pass%20word@127.0.0.1:9090' },
      ['pass%20word', 'pass word'],
    ],
    [
      'basic auth of a registry',
      { SLUICE_DOCKER_CONFIG: file('docker.json', { auths: { 'x:5000': { auth: basic } } }) },
      [basic, 'basic-password'],
    ],
    [
      'user and password of a registry, and the two as they are sent',
      { SLUICE_DOCKER_CONFIG: file('plain.json', { auths: { x: { username: 'me', password: 'word' } } }) },
      ['word', 'me:word'],
    ],
    [
      'tokens, passwords and keys of a kubeconfig',
      { KUBECONFIG: file('kubeconfig', kubeconfig) },
      ['kube-token', 'kube-password', 'a2V5LWRhdGE='],
    ],
    [
      'nothing of files that cannot be read',
      {
        SLUICE_PROMETHEUS_TOKEN_FILE: '/nowhere',
        SLUICE_DOCKER_CONFIG: file('broken.json', '{'),
      },
      [],
    ],
  ])('finds %s', (_, env, expected) => {
    expect(secretsOf(workerConfig({ KUBECONFIG: '/nowhere', ...env }))).toEqual(expected);
  });

  it('keeps them out of the log, by value', () => {
    const lines: string[] = [];
    const log = createLogger({ destination: { write: (line) => lines.push(line) } });
    const path = file('secret', 'a value of no known shape');
    registerSecrets(workerConfig({ SLUICE_PROMETHEUS_TOKEN_FILE: path, KUBECONFIG: '/nowhere' }));
    log.info({ note: 'it is: a value of no known shape.' }, 'x');
    expect(lines.join('')).toContain('it is: ***.');
  });
});
