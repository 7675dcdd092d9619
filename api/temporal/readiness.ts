/** Whether a release could run now: Temporal answers, has the search attributes, and a worker works. */
import type { Failure } from '../../domain/failures.js';
import { failure } from '../../domain/failures.js';
import { applicationWorkflowId } from '../../domain/ids.js';
import * as messages from '../../workflows/messages.js';
import { serverMs, type TemporalAccess } from './access.js';
import { applicationNames } from './applications.js';
import { countPollers, failureFrom, isTimeout, missingAttributes } from './errors.js';

const answerMs = 2_000;

/** Null: ready. */
export async function unreadiness(access: TemporalAccess): Promise<Failure | null> {
  const { client } = access;
  try {
    const pollers = await client.withDeadline(Date.now() + serverMs, () => countPollers(access));
    const missing = await missingSearchAttributes(access);
    if (missing.length > 0) return missingAttributes(missing);
    return pollers > 0 && (await answers(access)) ? null : failure('worker_missing', undefined);
  } catch (error) {
    return failureFrom(error, 'server');
  }
}

/** Temporal remembers a dead worker for a while, so one question is asked that only a living one answers. */
async function answers(access: TemporalAccess): Promise<boolean> {
  const [name] = await applicationNames(access, 1, access.taskQueue);
  if (name === undefined) return true;
  const handle = access.client.workflow.getHandle(applicationWorkflowId(name));
  try {
    await access.client.withDeadline(Date.now() + answerMs, () => handle.query(messages.application));
    return true;
  } catch (error) {
    return !isTimeout(error);
  }
}

/** Types of the registered ones by name, as the Temporal CLI spells them. Throws what Temporal throws. */
export async function attributeTypes({
  client,
  namespace,
}: TemporalAccess): Promise<Readonly<Record<string, string>>> {
  const { customAttributes } = await client.withDeadline(Date.now() + serverMs, () =>
    client.connection.operatorService.listSearchAttributes({ namespace }),
  );
  return Object.fromEntries(
    Object.entries(customAttributes).map(([name, type]) => [name, typeNames[type] ?? `number ${type}`]),
  );
}

/** By their numbers in the protocol. */
const typeNames: Readonly<Record<number, string>> = {
  1: 'Text',
  2: 'Keyword',
  3: 'Int',
  4: 'Double',
  5: 'Bool',
  6: 'Datetime',
  7: 'KeywordList',
};

async function missingSearchAttributes(access: TemporalAccess): Promise<readonly string[]> {
  try {
    const registered = await attributeTypes(access);
    return Object.values(messages.searchAttributes).filter((name) => !(name in registered));
  } catch {
    // Not every account may ask; a start will tell.
    return [];
  }
}
