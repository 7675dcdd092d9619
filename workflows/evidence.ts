/** Evidence that stays small: the view of a release is one payload, for which Temporal allows 2 MB. Pure. */
import type { Finding } from '../activities/contract.js';
import type { Application } from '../domain/application.js';
import { declaredDeployments } from '../domain/declared.js';
import type { Plan } from '../domain/plan.js';
import type { Evidence } from '../domain/release.js';

/** Characters of JSON that one piece, and all pieces of a release, may have. */
export const pieceLimit = 50_000;
export const totalLimit = 800_000;

interface Piece {
  readonly evidence: Evidence;
  readonly size: number;
}

/** Keeps what a release leaves behind; when it is too much, the oldest data goes, never the line that says what it was. */
export class EvidenceBox {
  private pieces: readonly Piece[] = [];

  add(found: readonly Evidence[]): void {
    this.pieces = [...this.pieces, ...found.map((evidence) => piece(evidence, pieceLimit))];
    let over = this.pieces.reduce((sum, { size }) => sum + size, 0) - totalLimit;
    this.pieces = this.pieces.map((old) => {
      if (over <= 0) return old;
      const shorter = piece(old.evidence, 0);
      over -= old.size - shorter.size;
      return shorter;
    });
  }

  all(): readonly Evidence[] {
    return this.pieces.map(({ evidence }) => evidence);
  }
}

function piece(evidence: Evidence, limit: number): Piece {
  const size = sizeOf(evidence);
  if (size <= limit || isLeftOut(evidence.data)) return { evidence, size };
  const shorter = {
    ...evidence,
    summary: evidence.summary.slice(0, 1_000),
    data: { leftOut: `${size} characters, more than a release may keep` },
  };
  return { evidence: shorter, size: sizeOf(shorter) };
}

const sizeOf = (evidence: Evidence): number => JSON.stringify(evidence).length;

const isLeftOut = (data: unknown): boolean => typeof data === 'object' && data !== null && 'leftOut' in data;

/** Deployments as they are declared, and how those that are there differ. */
export function declaredFindings(plan: Plan, applications: readonly Application[], at: string): Finding[] {
  const declared = declaredDeployments(plan, applications).map((d) => ({
    at,
    kind: 'manifest',
    summary: `Deployment of ${d.application} as declared for ${d.environment}`,
    data: d.manifest,
  }));
  const drift = plan.stages.flatMap((stage) =>
    Object.entries(stage.drift ?? {}).map(([application, data]) => ({
      at,
      kind: 'drift',
      summary: `Deployment of ${application} in ${stage.environment} differs from what is declared`,
      data,
    })),
  );
  return [...declared, ...drift];
}
