/** The tag that a backend puts on its requests or takes off, where the route stamps it; whatever else it does to headers stays. */
import { canonicalJson } from '../../domain/ids.js';
import type { Tag } from '../../domain/traffic.js';
import { headersSaying } from './baggage.js';
import { about, beside, removing, setting, together, valueOf } from './headers.js';
import { without } from './json.js';
import type { JsonObject, Origin, Router } from './router.js';

/** Its requests get the tag. Without stamps: as it is, here and below. */
export function stamped({ headers }: Router, entry: JsonObject, stamps: Tag | undefined): JsonObject {
  if (stamps === undefined) return entry;
  const set = (operations: JsonObject, tag: Tag): JsonObject => setting(operations, tag, headers.form);
  return headers.withOperations(entry, headersSaying(stamps).reduce(set, headers.operations(entry)));
}

/** Its requests lose the tag. */
export function cleared({ headers }: Router, entry: JsonObject, stamps: Tag | undefined): JsonObject {
  if (stamps === undefined) return entry;
  const remove = (operations: JsonObject, { header }: Tag): JsonObject => removing(operations, header);
  return headers.withOperations(entry, headersSaying(stamps).reduce(remove, headers.operations(entry)));
}

export const isStamped = ({ headers }: Router, entry: JsonObject, { header, value }: Tag): boolean =>
  valueOf(headers.operations(entry), header) === value;

export function isCleared({ headers }: Router, entry: JsonObject, { header }: Tag): boolean {
  const { remove, ...others } = about(headers.operations(entry), header);
  return remove !== undefined && Object.keys(others).length === 0;
}

/** What the stable backend does to headers, for its `Origin`. */
export const headersOf = (
  { headers }: Router,
  entry: JsonObject,
  stamps: Tag | undefined,
): Pick<Origin, 'headers'> => (stamps === undefined ? {} : { headers: entry[headers.name] ?? null });

/**
 * The stable backend does to the tag again what it did before the release; what others made of its headers meanwhile stays. Where nobody
 * noted how it was it goes on taking the tag off: that may be the user's own, and lets nobody into a lane.
 */
export function uncleared(
  router: Router,
  entry: JsonObject,
  was: Origin['headers'],
  stamps: Tag | undefined,
): JsonObject {
  if (stamps === undefined || was === undefined) return entry;
  const { headers } = router;
  const found = was === null ? without(entry, headers.name) : { ...entry, [headers.name]: was };
  const isUntouched = [found, cleared(router, found, stamps)].some((one) => isSame(one, entry));
  if (isUntouched) return found;
  const before = headers.operations(found);
  return headersSaying(stamps)
    .filter((said) => isCleared(router, entry, said))
    .reduce((left, { header }) => {
      const others = beside(headers.operations(left), header);
      return headers.withOperations(left, together(others, about(before, header)));
    }, entry);
}

const isSame = (a: JsonObject, b: JsonObject): boolean => canonicalJson(a) === canonicalJson(b);
