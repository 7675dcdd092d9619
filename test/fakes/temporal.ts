/** The API's view of Temporal with answers that a test gives; what is not given fails loudly. */
import type { Temporal } from '../../api/temporal/temporal.js';

export function temporalAnswering(answers: Partial<Temporal>): () => Promise<Temporal> {
  const whole = new Proxy(answers, {
    get(target, name) {
      // A promise asks every value whether it is one too.
      if (name in target || name === 'then') return target[name as keyof Temporal];
      throw new Error(`This test does not expect Temporal to be asked for ${String(name)}.`);
    },
  });
  return () => Promise.resolve(whole as Temporal);
}
