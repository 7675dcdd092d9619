/** The images of a release: asked for once, at its start. */
import type { Failure } from '../domain/failures.js';
import type { PlannedApplication } from '../domain/plan.js';
import type { ResolvedImage } from '../domain/target.js';
import type { ReleaseRequest, WayBack } from '../domain/release.js';
import { quickly } from './activities.js';
import { failureOf } from './failures.js';
import type { Run } from './run.js';

/** How long a neighbour that is away is waited for: while somebody waits for the answer, and while nobody does. */
export const patience = { attendedMs: 10_000, unattendedMs: 5 * 60_000 } as const;

/** What was asked for, by application and image; a release keeps the digests to its end. */
export type Images = ReadonlyMap<string, ResolvedImage>;
const keyOf = (application: string, image: string): string => `${application} ${image}`;

/** Undefined where it was not resolved. */
export const resolvedImage = (run: Run, images: Images, name: string): ResolvedImage | undefined =>
  images.get(keyOf(name, run.inputs.request.applications.find((a) => a.name === name)!.image));

export async function resolveImages(run: Run): Promise<{ images: Images; problems: readonly Failure[] }> {
  const images = new Map<string, ResolvedImage>();
  const problems: Failure[] = [];
  const { applications, wayBack } = run.inputs.request;
  for (const [i, { name, image }] of applications.entries()) {
    const repository = run.inputs.applications[i]!.image;
    for (const asked of wayBack === undefined ? [image] : imagesBack(wayBack, name)) {
      const summary = `digest of ${asked}`;
      try {
        const input = { image: asked, repository };
        const options = { patienceMs: patience.attendedMs, summary };
        images.set(keyOf(name, asked), await quickly('resolveImage', 'default', input, options));
      } catch (error) {
        const found = failureOf(error);
        problems.push(wayBack === undefined ? { ...found, pointer: `/applications/${i}/image` } : found);
      }
    }
  }
  return { images, problems };
}

/** Each once. */
const imagesBack = ({ stages }: WayBack, application: string): readonly string[] => [
  ...new Set(stages.filter((s) => s.application === application).map((s) => s.image)),
];

/** Null where one of them was not resolved. */
export function imagesOf(
  { applications, wayBack }: ReleaseRequest,
  name: string,
  images: Images,
): Pick<PlannedApplication, 'image' | 'images'> | null {
  const resolved = (asked: string): ResolvedImage | undefined => images.get(keyOf(name, asked));
  const image = resolved(applications.find((a) => a.name === name)!.image);
  if (image === undefined) return null;
  if (wayBack === undefined) return { image };
  const stages = wayBack.stages.filter((s) => s.application === name);
  return {
    image,
    images: Object.fromEntries(stages.map((s) => [s.environment, resolved(s.image) ?? image])),
  };
}
