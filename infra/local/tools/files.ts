import { createHash } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { moduleFolder } from './build.js';
import { cacheFolder, publish } from './cache.js';
import { downloadText } from './download.js';

/** A file of another project that the stack uses in place: from its Go module, else from its official repository. */
interface SourceFile {
  module: string;
  version: string;
  path: string;
  /** `owner/name@tag` of the repository that the module is made from. */
  repository: string;
  sha256: string;
}

const contour = { module: 'github.com/projectcontour/contour', version: 'v1.33.6' };
const argo = {
  module: 'github.com/argoproj/argo-rollouts',
  version: 'v1.10.1',
  repository: 'argoproj/argo-rollouts@v1.10.1',
};
const kwok = { module: 'sigs.k8s.io/kwok', version: 'v0.8.0' };

const files = {
  'contour-crds': {
    ...contour,
    path: 'examples/contour/01-crds.yaml',
    repository: 'projectcontour/contour@v1.33.6',
    sha256: 'c02ed88146211c84edcafb718191f403ab35d8a9c6593bdc244338d20e8461b2',
  },
  'gateway-api-crds': {
    ...contour,
    path: 'examples/gateway/00-crds.yaml',
    repository: 'projectcontour/contour@v1.33.6',
    sha256: '3e7a27e4456ff3d68606a6a8516306aaff354d6f0950b32bb31930669b7bf8b8',
  },
  'istio-crds': {
    module: 'istio.io/api',
    version: 'v1.31.1',
    path: 'kubernetes/customresourcedefinitions.gen.yaml',
    repository: 'istio/api@v1.31.1',
    sha256: 'c0ad59e008658765412badb836e73a523a355e3d792a32ad3c0711a728be5aff',
  },
  // Those of the peers are for `npm run bench` alone.
  'argo-rollout-crd': argoDefinition(
    'rollout',
    '1562decc7b3720c31cbe382eeb62b6fbfd236f8e81a1f98644a9774d1e7d7933',
  ),
  'argo-analysis-run-crd': argoDefinition(
    'analysis-run',
    'bd5fc4bdabe5fb4e7655bdd5e670244bad5d1757aa52f729a193a5fa6e6a729a',
  ),
  'argo-analysis-template-crd': argoDefinition(
    'analysis-template',
    'bb41aa62329355c5ffb38031822b4515cc2f60c5a94fcae5df6099ddbf8c5a08',
  ),
  'argo-cluster-analysis-template-crd': argoDefinition(
    'cluster-analysis-template',
    'e9689a6f2566acca3c4580c8756963535289ca5092f9fd92727b5770ea0fea68',
  ),
  'argo-experiment-crd': argoDefinition(
    'experiment',
    'a5dcd79b08bcfdd0c134cf8ca2ccd2e347a13864256c3e3a4748407ac0ad4b4d',
  ),
  'flagger-crds': {
    module: 'github.com/fluxcd/flagger',
    version: 'v1.36.1',
    path: 'artifacts/flagger/crd.yaml',
    repository: 'fluxcd/flagger@v1.36.1',
    sha256: '64a2daef9dc9d248a98347f186c225e521a2dc1d63e83f8d5ff15be424a0e85f',
  },
  'kwok-pod-ready': kwokStage(
    'pod/fast/pod-ready',
    '4d04a22c1b9dc6adcd4da90b32ce85687ba0058e15ca1eebcfa7cd64201d4148',
  ),
  'kwok-pod-complete': kwokStage(
    'pod/fast/pod-complete',
    '86b800597419abbd7d8c43b0dfc4782643cfcfcfc8ac617f1e79e4e3a68533b2',
  ),
  'kwok-pod-delete': kwokStage(
    'pod/fast/pod-delete',
    'a83bc287bfc7a4f1e3748e01761186128a4042e38b304195e984111ce5626cef',
  ),
  'kwok-node-initialize': kwokStage(
    'node/fast/node-initialize',
    'bb38f752d90248528b579a0ae8f0f660ff3428457eb5c1ebe6345c3246cc7ee5',
  ),
  'kwok-node-heartbeat': kwokStage(
    'node/heartbeat/node-heartbeat',
    '3d0823211c5eac43601e89ee4d0afdab0e71a6a39e742bc0ea007ebcfded8bb9',
  ),
} as const satisfies Record<string, SourceFile>;

function argoDefinition(name: string, sha256: string): SourceFile {
  return { ...argo, path: `manifests/crds/${name}-crd.yaml`, sha256 };
}

function kwokStage(path: string, sha256: string): SourceFile {
  return { ...kwok, path: `kustomize/stage/${path}.yaml`, repository: 'kubernetes-sigs/kwok@v0.8.0', sha256 };
}

export type FileName = keyof typeof files;
export const fileNames = Object.keys(files) as FileName[];

/** The YAML documents of a pinned file, kept as JSON in the cache folder, because parsing a megabyte of YAML takes seconds. */
export async function ensureDocuments(name: FileName): Promise<unknown[]> {
  const file: SourceFile = files[name];
  const cached = join(cacheFolder(), 'files', `${name}-${file.version}.json`);
  const present = await access(cached).then(
    () => true,
    () => false,
  );
  if (!present) {
    const documents = parseAllDocuments(await verifiedText(name, file)).map(
      (document) => document.toJS() as unknown,
    );
    await publish(cached, async (folder) => {
      const path = join(folder, 'documents.json');
      await writeFile(path, JSON.stringify(documents.filter((document) => document !== null)));
      return path;
    });
  }
  return JSON.parse(await readFile(cached, 'utf8')) as unknown[];
}

async function verifiedText(name: FileName, file: SourceFile): Promise<string> {
  const text = await sourceText(name, file);
  const sum = createHash('sha256').update(text).digest('hex');
  if (sum !== file.sha256)
    throw new Error(`${name} ${file.version} has checksum ${sum}, pinned is ${file.sha256}`);
  return text;
}

async function sourceText(name: FileName, file: SourceFile): Promise<string> {
  const module = `${file.module}@${file.version}`;
  const url = `https://raw.githubusercontent.com/${file.repository.replace('@', '/')}/${file.path}`;
  const reasons: string[] = [];
  const failed = (way: string) => (error: Error) => void reasons.push(`  ${way}: ${error.message}`);
  const text =
    (await moduleFolder(module)
      .then((folder) => readFile(join(folder, file.path), 'utf8'))
      .catch(failed(`go module ${module}`))) ?? (await downloadText(url).catch(failed('download')));
  if (text === undefined) throw new Error(`${name} cannot be had:\n${reasons.join('\n')}`);
  return text;
}
