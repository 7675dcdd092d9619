/** The tag as a member of W3C baggage (https://www.w3.org/TR/baggage/), which tracing libraries pass on by themselves. Pure. */
import type { Enter } from '../../domain/enter.js';
import type { Tag } from '../../domain/traffic.js';
import { escaped } from './conditions.js';

export const baggageHeader = 'baggage';

/** The headers that say the tag. A whole header is put on or taken off: of a list that comes from outside nothing can be trusted. */
export const headersSaying = (tag: Tag): readonly Tag[] =>
  tag.baggage === undefined ? [tag] : [tag, { header: baggageHeader, value: `${tag.baggage}=${tag.value}` }];

/** Who goes to gray besides those with the header of the tag. */
export function waysBeside({ baggage, value }: Tag, enter: Enter = []): Enter {
  if (baggage === undefined) return enter;
  const regex = `(.*,)?\\s*${escaped(baggage)}\\s*=\\s*${escaped(value)}\\s*([,;].*)?`;
  return [...enter, [{ header: baggageHeader, regex }]];
}
