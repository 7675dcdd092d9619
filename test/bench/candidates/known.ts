/** The candidates by name, and what each needs. */
import type { PeerName } from '../../../infra/local/tools/catalogue.js';
import type { FileName } from '../../../infra/local/tools/files.js';
import type { Candidate, CandidateName } from './candidate.js';
import { sluice } from './sluice.js';

export function candidateOf(name: CandidateName): Candidate {
  switch (name) {
    case 'sluice':
      return sluice();
    case 'argo':
    case 'argo-tuned':
    case 'flagger':
      throw new Error('not yet');
  }
}

export function peersOf(_names: readonly CandidateName[]): { peers: PeerName[]; definitions: FileName[] } {
  return { peers: [], definitions: [] };
}
