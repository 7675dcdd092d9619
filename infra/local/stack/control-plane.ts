import { generateKeyPairSync } from 'node:crypto';
import { writeFile, mkdir, access } from 'node:fs/promises';
import { join } from 'node:path';
import { Kube } from '../kube.js';
import { until } from '../parts.js';
import { answers, type StackContext, type StackInfo } from './context.js';
import { flags } from './flags.js';

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/** Starts etcd and the API server, with token authentication, RBAC and an audit log. */
export async function startControlPlane({ info, procs, kube, tools, port }: StackContext): Promise<void> {
  const pki = await writePki(info);
  const policy = join(info.dir, 'audit-policy.json');
  await writeFile(policy, JSON.stringify(auditPolicy));

  const etcd = `http://127.0.0.1:${port.etcd}`;
  const peer = `http://127.0.0.1:${port.etcdPeer}`;
  await procs.add('etcd', {
    command: tools.etcd,
    args: flags({
      'data-dir': join(info.dir, 'etcd'),
      'unsafe-no-fsync': true,
      'listen-client-urls': etcd,
      'advertise-client-urls': etcd,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
    }),
    log: join(info.dir, 'etcd.log'),
    ready: () => answers(`${etcd}/readyz`),
  });
  await procs.add('kube-apiserver', {
    command: tools['kube-apiserver'],
    args: flags({
      'etcd-servers': etcd,
      'secure-port': port.kube,
      'bind-address': '127.0.0.1',
      // Endpoints refuse loopback addresses; nothing connects to this one.
      'advertise-address': '192.0.2.2',
      'cert-dir': pki,
      'service-account-key-file': join(pki, 'sa.pub'),
      'service-account-signing-key-file': join(pki, 'sa.key'),
      'service-account-issuer': 'https://kubernetes.default.svc',
      'token-auth-file': join(pki, 'tokens.csv'),
      'authorization-mode': 'Node,RBAC',
      'service-cluster-ip-range': '10.96.0.0/16',
      'allow-privileged': true,
      'audit-policy-file': policy,
      'audit-log-path': info.auditLog,
    }),
    log: join(info.dir, 'kube-apiserver.log'),
    ready: () => kube.get('/readyz'),
  });
}

/** Starts the controller manager and the scheduler; ready when pods can be made. */
export async function startControllers({ info, procs, kube, tools, port }: StackContext): Promise<void> {
  const common = {
    kubeconfig: info.kubeconfig,
    'leader-elect': false,
    'bind-address': '127.0.0.1',
    'kube-api-qps': 500,
    'kube-api-burst': 1000,
  };
  const healthz = async (number: number): Promise<void> => {
    const client = new Kube(`https://127.0.0.1:${number}`, '');
    await client.get('/healthz').finally(() => client.close());
  };
  await Promise.all([
    procs.add('kube-controller-manager', {
      command: tools['kube-controller-manager'],
      args: flags({
        ...common,
        'secure-port': port.controllers,
        'service-account-private-key-file': join(info.dir, 'pki', 'sa.key'),
        'concurrent-deployment-syncs': 20,
        'concurrent-replicaset-syncs': 20,
        // 15 s by default: too long for a test to wait.
        'horizontal-pod-autoscaler-sync-period': '1s',
        controllers: '*,-nodeipam,-service-lb-controller',
      }),
      log: join(info.dir, 'kube-controller-manager.log'),
      ready: () => healthz(port.controllers),
    }),
    procs.add('kube-scheduler', {
      command: tools['kube-scheduler'],
      args: flags({ ...common, 'secure-port': port.scheduler }),
      log: join(info.dir, 'kube-scheduler.log'),
      ready: () => healthz(port.scheduler),
    }),
  ]);
  // A pod is refused until its service account is there.
  await until('the default service account exists', () =>
    kube.get('/api/v1/namespaces/default/serviceaccounts/default'),
  );
}

async function writePki(info: StackInfo): Promise<string> {
  const pki = join(info.dir, 'pki');
  await mkdir(pki, { recursive: true });
  await writeFile(join(pki, 'tokens.csv'), `${info.kubeToken},admin,admin,"system:masters"\n`);
  const present = await access(join(pki, 'sa.key')).then(
    () => true,
    () => false,
  );
  if (!present) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(pki, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
      mode: 0o600,
    });
    await writeFile(join(pki, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  }
  return pki;
}

/** Writes a kubeconfig for the admin; `url` where the API server is reached at another address than inside. */
export async function writeKubeconfig(
  info: StackInfo,
  path = info.kubeconfig,
  url = info.kubeUrl,
): Promise<void> {
  const name = 'local';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: info.kubeToken } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
