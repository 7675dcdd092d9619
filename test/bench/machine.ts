/** On what, and of what, the figures are. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { catalogue, peerCatalogue } from '../../infra/local/tools/catalogue.js';

export function machine(): Record<string, string | number> {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    'memory GiB': Math.round(totalmem() / 2 ** 30),
    Linux: release(),
    Node: process.versions.node,
  };
}

export function versions(root: string): Record<string, string> {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string };
  return {
    Sluice: version,
    'Argo Rollouts': peerCatalogue['rollouts-controller'].version,
    Flagger: peerCatalogue.flagger.version,
    Kubernetes: catalogue['kube-apiserver'].version,
    etcd: catalogue.etcd.version,
    kwok: catalogue.kwok.version,
    'Temporal CLI': catalogue.temporal.version,
  };
}
