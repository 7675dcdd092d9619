/** The candidates by name, and what each needs. */
import type { PeerName } from '../../../infra/local/tools/catalogue.js';
import type { FileName } from '../../../infra/local/tools/files.js';
import { argo } from './argo.js';
import type { Candidate, CandidateName } from './candidate.js';
import { flagger } from './flagger.js';
import { sluice } from './sluice.js';

/** @param profile folder for samples of Sluice's worker */
export function candidateOf(name: CandidateName, profile: string | null = null): Candidate {
  switch (name) {
    case 'sluice':
      return sluice({ profile });
    case 'argo':
      return argo();
    case 'argo-tuned':
      // Its client's default is 40 requests a second.
      return argo(['--qps', '1000', '--burst', '2000']);
    case 'flagger':
      return flagger;
  }
}

interface Needs {
  readonly peers: readonly PeerName[];
  readonly definitions: readonly FileName[];
}

const ofArgo: Needs = {
  peers: ['rollouts-controller'],
  definitions: [
    'argo-rollout-crd',
    'argo-analysis-run-crd',
    'argo-analysis-template-crd',
    'argo-cluster-analysis-template-crd',
    'argo-experiment-crd',
  ],
};
const ofFlagger: Needs = { peers: ['flagger'], definitions: ['flagger-crds'] };

/** The binaries and custom resources of these candidates. */
export function needsOf(names: readonly CandidateName[]): Needs {
  const needs = [
    ...(names.some((name) => name.startsWith('argo')) ? [ofArgo] : []),
    ...(names.includes('flagger') ? [ofFlagger] : []),
  ];
  return {
    peers: needs.flatMap(({ peers }) => peers),
    definitions: needs.flatMap(({ definitions }) => definitions),
  };
}
