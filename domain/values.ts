/** Free-form values of templates. Pure. */
import type { Values } from './application.js';

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One over the other, map by map; lists and scalars of `above` win whole. */
export function mergedValues(below: Values, above: Values): Values {
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(
    keys.map((key) => {
      const [under, over] = [below[key], above[key]];
      if (!Object.hasOwn(above, key)) return [key, under];
      return [key, isMap(under) && isMap(over) ? mergedValues(under, over) : over];
    }),
  );
}
