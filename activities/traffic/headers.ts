/** Operations on headers (`set`, `add` and `remove`), whether their entries are in lists or in maps. Names do not tell upper from lower case. */
import type { Tag } from '../../domain/traffic.js';
import { objectOf, sameHeader, textOf } from './json.js';
import type { HeaderField, Json, JsonObject } from './router.js';

const verbs = ['set', 'add', 'remove'];

/** Those on the header. */
export const about = (operations: JsonObject, header: string): JsonObject =>
  filtered(operations, (name) => sameHeader(name, header), false);

/** Those on all others. */
export const beside = (operations: JsonObject, header: string): JsonObject =>
  filtered(operations, (name) => !sameHeader(name, header), true);

/** What the header is set to; null: it is not. */
export function valueOf(operations: JsonObject, header: string): string | null {
  const { set = null } = about(operations, header);
  return textOf(Array.isArray(set) ? objectOf(set[0])?.['value'] : Object.values(objectOf(set) ?? {})[0]);
}

/** The header is set, whatever was done to it. */
export function setting(
  operations: JsonObject,
  { header, value }: Tag,
  form: HeaderField['form'],
): JsonObject {
  const set = form === 'list' ? [{ name: header, value }] : { [header]: value };
  return together(beside(operations, header), { set });
}

/** The header is removed, whatever was done to it. */
export const removing = (operations: JsonObject, header: string): JsonObject =>
  together(beside(operations, header), { remove: [header] });

/** Both, which have no header in common. */
export function together(operations: JsonObject, more: JsonObject): JsonObject {
  const merged = Object.entries(more).map(([verb, what]): [string, Json] => {
    const before = operations[verb];
    return [
      verb,
      Array.isArray(what)
        ? [...(Array.isArray(before) ? before : []), ...what]
        : { ...objectOf(before), ...objectOf(what) },
    ];
  });
  return { ...operations, ...Object.fromEntries(merged) };
}

/** Lists and maps in which nothing is left are left out. */
function filtered(
  operations: JsonObject,
  keeps: (name: string | null) => boolean,
  others: boolean,
): JsonObject {
  const entries = Object.entries(operations).flatMap(([verb, what]): [string, Json][] => {
    if (!verbs.includes(verb)) return others ? [[verb, what]] : [];
    if (Array.isArray(what)) {
      const kept = what.filter((entry) => keeps(textOf(entry) ?? textOf(objectOf(entry)?.['name'])));
      return kept.length === 0 ? [] : [[verb, kept]];
    }
    const kept = Object.entries(objectOf(what) ?? {}).filter(([name]) => keeps(name));
    return kept.length === 0 ? [] : [[verb, Object.fromEntries(kept)]];
  });
  return Object.fromEntries(entries);
}
