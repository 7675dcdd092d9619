/** Reading JSON of unknown shape without trusting it. */
import type { Json, JsonObject } from './router.js';

export const listOf = (value: Json | undefined): readonly Json[] | null =>
  Array.isArray(value) ? value : null;

export function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return (listOf(value) ?? []).filter(
    (v): v is JsonObject => typeof v === 'object' && v !== null && !Array.isArray(v),
  );
}

export const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
export const numberOf = (value: Json | undefined): number | null =>
  typeof value === 'number' ? value : null;

export function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** Null: without the field. */
export const withWeight = (entry: JsonObject, weight: number | null): JsonObject =>
  weight === null ? without(entry, 'weight') : { ...entry, weight };
