/** The schemas as JSON Schema, for /openapi.json, /schemas/application.json and editors: one source for checks and documents. */
import { z } from '@hono/zod-openapi';
import { applicationSchema } from './application.js';
import {
  decisionSchema,
  extensionSchema,
  newWeightSchema,
  releaseRequestSchema,
  rollbackPlanSchema,
  rollbackSchema,
  steeringSchema,
} from './release.js';
import { cleanSchema } from './environment.js';
import { views } from './views.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

const toDocument = (schema: z.ZodType, io: 'input' | 'output' = 'input'): JsonSchema =>
  Object.fromEntries(
    Object.entries(z.toJSONSchema(schema, { io, unrepresentable: 'any' })).filter(
      ([key]) => key !== '$schema',
    ),
  );

/** By the name that /openapi.json refers to them with. */
export const bodyDocuments = (): Readonly<Record<string, JsonSchema>> => ({
  Application: toDocument(applicationSchema),
  ReleaseRequest: toDocument(releaseRequestSchema),
  Rollback: toDocument(rollbackSchema),
  PlanRequest: {
    title: 'PlanRequest',
    description: 'A release, or the rollback of an ended one.',
    anyOf: [{ $ref: '#/components/schemas/ReleaseRequest' }, toDocument(rollbackPlanSchema)],
  },
  Clean: toDocument(cleanSchema),
  Decision: toDocument(decisionSchema),
  Steering: toDocument(steeringSchema),
  Extension: toDocument(extensionSchema),
  NewWeight: toDocument(newWeightSchema),
  ...Object.fromEntries(Object.entries(views).map(([name, view]) => [name, toDocument(view, 'output')])),
});

/** What editors read: "# yaml-language-server: $schema=<this>" on the first line of a YAML file. */
export function applicationDocument(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:sluice:application',
    ...toDocument(applicationSchema),
    description: 'An application as its team declares it to Sluice.',
  };
}
