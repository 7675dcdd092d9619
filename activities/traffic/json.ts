/** Reading JSON of unknown shape without trusting it. */
import type { Json, JsonObject } from './router.js';

export const objectOf = (value: unknown): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;

export const objectsOf = (value: unknown): readonly JsonObject[] =>
  (Array.isArray(value) ? value : []).map(objectOf).filter((v) => v !== null);

export const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
export const numberOf = (value: Json | undefined): number | null =>
  typeof value === 'number' ? value : null;

export function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** Empty: without the field. */
export const withObject = (object: JsonObject, key: string, value: JsonObject): JsonObject =>
  Object.keys(value).length === 0 ? without(object, key) : { ...object, [key]: value };

/** Null: without the field. */
export const withWeight = (entry: JsonObject, weight: number | null): JsonObject =>
  weight === null ? without(entry, 'weight') : { ...entry, weight };

/** Names of headers do not tell upper from lower case. */
export const sameHeader = (a: string | null, b: string): boolean => a?.toLowerCase() === b.toLowerCase();
