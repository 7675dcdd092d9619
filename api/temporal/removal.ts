/** An application is forgotten: not while it is released, nor while something is left of it that is easier to remove now. */
import type { Application } from '../../domain/application.js';
import { failure } from '../../domain/failures.js';
import { applicationWorkflowId } from '../../domain/ids.js';
import * as messages from '../../workflows/messages.js';
import { throwFailure } from '../problems.js';
import type { TemporalAccess } from './access.js';
import { readApplication } from './applications.js';
import { workerCall } from './errors.js';
import { look, statesOf } from './leftovers.js';

export interface RemovalOrder {
  readonly by: string;
  /** Whether what is left of it is left there. */
  readonly force: boolean;
}

/** Throws `application_busy` and `application_left`. What cannot be looked at does not stand in the way. */
export async function removeApplication(
  access: TemporalAccess,
  name: string,
  { by, force }: RemovalOrder,
): Promise<void> {
  const view = await readApplication(access, name);
  if (!force) await refuseLeft(access, view.current.application);
  const unknown = () => failure('application_unknown', { name, known: [] });
  const handle = access.client.workflow.getHandle(applicationWorkflowId(name));
  for (const release of await lostIn(access, view))
    await workerCall(access, unknown, () => handle.signal(messages.lost, { release }));
  await workerCall(access, unknown, () => handle.executeUpdate(messages.remove, { args: [{ by }] }));
}

async function refuseLeft(access: TemporalAccess, application: Application): Promise<void> {
  const errands = application.environments.map(({ name: environment, cluster = 'default' }) => ({
    cluster,
    environment,
    applications: [application],
  }));
  const { leftovers } = await look(access, errands, []);
  const states = await statesOf(access, leftovers);
  const [first, ...others] = leftovers.filter(({ release }) => states.get(release) !== 'running');
  if (first === undefined) return;
  const { environment } = first.target;
  const there = [first, ...others].filter(({ target }) => target.environment === environment);
  const objects = there.flatMap((one) => [...(one.route === null ? [] : [one.route]), ...one.objects]);
  throwFailure(failure('application_left', { name: application.name, environment, objects }));
}

/** Those that hold it and were ended by force, so that they did not say that their turn is over. */
async function lostIn(
  access: TemporalAccess,
  { environments }: messages.ApplicationView,
): Promise<readonly string[]> {
  const holders = environments.flatMap(({ running, queue }) => [running ?? [], queue].flat());
  const states = await statesOf(
    access,
    holders.map((release) => ({ release })),
  );
  return [...states].flatMap(([release, state]) => (state === 'running' ? [] : [release]));
}
