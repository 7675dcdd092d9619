/** How what runs differs from what the last release left there. Pure. */
import type { GrayTrack, Live, LiveWorkload, Released } from './environment.js';

/** What should be there. */
export interface Expectation {
  readonly deployment: string;
  /** Null: nothing was released there, so nothing is expected of stable. */
  readonly released: Pick<Released, 'release' | 'digest'> | null;
  /** Id of the release at work; null: none is. */
  readonly running: string | null;
}

/** One sentence for each difference. What a release at work does to stable is no drift: it may be half-way. */
export function driftOf(expected: Expectation, { stable, gray }: Live): readonly string[] {
  const own = stableDrift(expected, stable);
  const tracks = gray.flatMap((track) => grayDrift(expected, track));
  return [...(own === null ? [] : [own]), ...tracks];
}

function stableDrift(
  { deployment, released, running }: Expectation,
  stable: LiveWorkload | null,
): string | null {
  if (released === null) return null;
  if (stable === null) return `the Deployment ${deployment} is gone`;
  if (running !== null || stable.digest === released.digest) return null;
  const left = `not what release ${released.release} left (${released.digest})`;
  if (stable.image === null) return `the Deployment ${deployment} has no container to be released, ${left}`;
  return `runs ${namedImage(stable.image, stable.digest)}, ${left}`;
}

function namedImage(image: string, digest: string | null): string {
  if (digest === null) return `${image} with a digest that is not known`;
  return image.endsWith(digest) ? image : `${image} (${digest})`;
}

function grayDrift({ running }: Expectation, { name, release }: GrayTrack): string[] {
  const stands = `a gray Deployment ${name} of release ${release} stands although`;
  if (running === null) return [`${stands} no release is at work`];
  return release === running ? [] : [`${stands} release ${running} is at work`];
}
