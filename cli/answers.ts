/** What the API answers, where domain/ does not already say it. Only what the CLI reads. */
import type { ApplicationVersion } from '../domain/application.js';
import type { DeclaredDeployment } from '../domain/declared.js';
import type { Plan } from '../domain/plan.js';
import type { Phase, ReleaseView } from '../domain/release.js';

/** RFC 9457 problem details, with a code of the failure catalogue. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly remedy?: string;
  readonly errors?: readonly ProblemField[];
}

export interface ProblemField {
  /** JSON pointer into the body. */
  readonly pointer: string;
  readonly message: string;
  /** As short JSON; "nothing" where the field is missing. */
  readonly found?: string;
  readonly expected?: string;
  readonly remedy?: string;
  /** The known key or value that is most like what was found. */
  readonly nearest?: string;
}

/** Answer of PUT /v1/applications/{name}; 201 where it is new. */
export type Declared = ApplicationVersion & { readonly created: boolean; readonly changed: boolean };

/** Answer of POST /v1/plans. */
export interface PlanAnswer {
  readonly plan: Plan;
  /** What would change in the clusters, for people. */
  readonly changes: readonly string[];
  /** Deployments as they are declared. Absent: an older API. */
  readonly manifests?: readonly DeclaredDeployment[];
}

/** Answer of POST /v1/releases. */
export interface Accepted {
  readonly id: string;
  readonly phase: Phase;
  readonly planHash: string | null;
  readonly url?: string;
}

/** Answer of GET /v1/releases/{id}; partial: no worker answered, so only what Temporal itself knows. */
export type ReleaseAnswer = ReleaseView & { readonly partial?: boolean };

/** One row of GET /v1/releases. */
export interface ReleaseRow {
  readonly id: string;
  readonly phase: Phase;
  readonly applications: readonly string[];
  readonly environment: string | null;
  readonly weight: number;
  readonly waitingOn: string | null;
  readonly initiator: string;
  /** The ended release that it undoes; null: an ordinary release. Absent: an older API. */
  readonly rollbackOf?: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

/** One row of GET /v1/applications. */
export interface ApplicationRow {
  readonly name: string;
  readonly image: string;
  readonly version: number;
  readonly environments: readonly string[];
  /** What it was made of; null: it was written by hand. Absent: an older API. */
  readonly template?: string | null;
  /** Where a release is at work, and how many wait for it. Absent: an older API. */
  readonly busy?: readonly {
    readonly environment: string;
    readonly running: string;
    readonly waiting: number;
  }[];
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Of the next page; null after the last. */
  readonly cursor: string | null;
}
