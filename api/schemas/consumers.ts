/** How an application may say that what its gray track takes from message queues is kept apart. */
import { z } from '@hono/zod-openapi';
import { laneWords, unknownWords, type Consumers } from '../../domain/consumers.js';
import { fieldsOf, itemsOf, report, reportTwice, type Context } from './application-rules.js';
import { dnsLabel, someText, text } from './common.js';

const always = { when: () => true };

const laneVariable = z.strictObject({
  env: text(253)
    .regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, 'a name of a variable, such as CONSUMER_GROUP')
    .describe("Variable of the released container; only gray's pods get it."),
  value: someText(1_000)
    .exactOptional()
    .describe(
      'With {{stable}} (what stable has there), {{lane}} and {{tag}}. Default {{stable}}-{{lane}}, of a filter {{tag}}.',
    ),
});
export const consumersSchema = z
  .union(
    [
      z.literal('none'),
      z
        .array(
          z
            .strictObject({
              name: dnsLabel.describe('What people call it.'),
              group: laneVariable.exactOptional().describe('The consumer group.'),
              filter: laneVariable
                .exactOptional()
                .describe('The property of messages that it takes. With a group of its own.'),
              topic: laneVariable.exactOptional().describe('A topic of its own instead.'),
            })
            .superRefine(checkConsumer, always),
        )
        .min(1, 'at least one consumer, or none')
        .max(20, 'at most 20 consumers')
        .superRefine(checkConsumers, always),
    ],
    'none, or a list of consumers',
  )
  .describe(
    'How what gray takes from message queues is kept apart; none: it takes nothing. Absent: a lane is not verified.',
  ) satisfies z.ZodType<Consumers>;

/** A group of its own gets every message a second time, unless it takes only those of the lane. */
function checkConsumer(value: unknown, context: Context): void {
  const { group, filter, topic } = fieldsOf(value);
  if (topic !== undefined || (group !== undefined && filter !== undefined)) return;
  const message =
    group === undefined
      ? 'Nothing keeps this consumer apart.'
      : 'A group of its own without a filter gets every message a second time.';
  report(context, [], message, 'topic, or group with filter', 'Give both group and filter, or a topic.');
}

const variableKinds = ['group', 'filter', 'topic'] as const;

function checkConsumers(value: unknown, context: Context): void {
  const consumers = itemsOf(value).map(fieldsOf);
  const names = consumers.map((c) => c['name']);
  reportTwice(context, [], names, 'consumer', 'name');
  const known = new Map<string, string>();
  for (const [i, consumer] of consumers.entries()) {
    for (const kind of variableKinds) {
      const { env, value: given } = fieldsOf(consumer[kind]);
      if (typeof env !== 'string') continue;
      const says = `${kind} ${String(given)}`;
      if ((known.get(env) ?? says) !== says)
        report(
          context,
          [i, kind, 'env'],
          `Variable ${env} is given two different values.`,
          'the same value',
          'Name another variable, or give both the same value.',
        );
      known.set(env, says);
      for (const word of typeof given === 'string' ? unknownWords(given) : [])
        report(
          context,
          [i, kind, 'value'],
          `There is no variable {{${word}}}.`,
          laneWords.map((w) => `{{${w}}}`).join(', '),
          'Use one of these.',
        );
    }
  }
}
