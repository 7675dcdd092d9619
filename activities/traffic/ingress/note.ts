/** What a release notes on its canary Ingresses: enough to tell late writers off, and what others changed. */
import { canonicalJson, labels } from '../../../domain/ids.js';
import type { Tag } from '../../../domain/traffic.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { objectOf, textOf } from '../json.js';

export interface Note {
  readonly release: string;
  /** Number of the newest write. */
  readonly seq: number;
  /** As in the note on a route, see footprint.ts. */
  readonly closed?: 'guard' | 'restore';
  /** Gray has had requests, or may have. */
  readonly carried?: true;
  readonly tag: Tag | null;
  /** Hash of this Ingress as that write left it. */
  readonly left: string;
  /** Hash of what it was made from: rules and annotations of the user's Ingress. */
  readonly from: string;
}

/** Null where there is none, or none that can be read. */
export function noteOf(object: KubeObject): Note | null {
  try {
    const found = objectOf(JSON.parse(object.metadata.annotations?.[labels.footprint] ?? 'null'));
    const { release, seq, closed, carried, left, from } = found ?? {};
    if (typeof release !== 'string' || typeof seq !== 'number') return null;
    if (typeof left !== 'string' || typeof from !== 'string') return null;
    const tag = objectOf(found?.['tag']);
    const [header, value] = [textOf(tag?.['header']), textOf(tag?.['value'])];
    return {
      release,
      seq,
      left,
      from,
      tag: header === null || value === null ? null : { header, value },
      ...(closed === 'guard' || closed === 'restore' ? { closed } : {}),
      ...(carried === true ? { carried } : {}),
    };
  } catch {
    return null;
  }
}

export const noteText = (note: Note): string => canonicalJson(note);

/** Whether some release made it. */
export const isMade = ({ metadata }: KubeObject): boolean => metadata.labels?.[labels.release] !== undefined;

export const isOf = ({ metadata }: KubeObject, release: string): boolean =>
  metadata.labels?.[labels.release] === release;
