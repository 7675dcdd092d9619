/** What was asked for becomes the inputs of a release workflow. */
import type { Actor } from '../domain/approval.js';
import { releaseSettings, type Application } from '../domain/application.js';
import type { Calls } from '../domain/chain.js';
import { circleIn, edgeProblems, edgesOf } from '../domain/edge.js';
import { failure } from '../domain/failures.js';
import { environmentsOf, stageNames } from '../domain/plan.js';
import type { ReleaseInputs, ReleaseRequest } from '../domain/release.js';
import { environmentsBefore, passesIn } from '../domain/stage-order.js';
import type { ApplicationView } from '../workflows/messages.js';
import { requireRole } from './auth.js';
import { withManifests } from './manifests.js';
import { nearest } from './nearest.js';
import { problemOf, ProblemError, throwFailure } from './problems.js';
import type { Temporal } from './temporal/temporal.js';

/** The request with its applications as they are declared now. */
export async function releaseInputs(
  api: Pick<Temporal, 'readApplication'>,
  id: string,
  body: Omit<ReleaseRequest, 'initiator'>,
  actor: Actor,
  planOnly: boolean,
): Promise<ReleaseInputs> {
  if (body.override === true) requireRole(actor, 'approver');
  const views = await Promise.all(body.applications.map(({ name }, i) => asDeclared(api, name, i)));
  const applications = views.map(({ current }, i) =>
    withManifests(current.application, body.applications[i]!.image),
  );
  const { environment } = body;
  for (const { name, environments } of applications) {
    const known = environments.map((e) => e.name);
    if (environment !== null && !known.includes(environment)) unknownEnvironment(name, environment, known);
  }
  const request = { ...body, initiator: actor.name };
  const edges = await edgesBeside(api, applications, environment);
  const known = new Map([...applications, ...(edges.edges ?? [])].map((a) => [a.name, a]));
  const [unfit] = edgeProblems(applications, environment, known);
  if (unfit !== undefined) return throwFailure(unfit);
  const inputs = { id, request, applications, ...edges, ...passesBefore(views, environment), planOnly };
  const isStrict = applications.some((a) => a.environments.some((e) => releaseSettings(a, e).strict));
  if (applications.length === 1 && edges.edges === undefined && !isStrict) return inputs;
  const names = applications.map((a) => a.name);
  const concerned = [...applications, ...(edges.edges ?? [])];
  const calls = await callsOf(api, concerned, (application, called) => {
    // What others depend on is up to them.
    if (names.includes(application))
      throwFailure(failure('call_unknown', { application, calls: called }, '/applications'));
  });
  const cycle = circleIn(names, calls, concerned, stageNames(applications, environment));
  if (cycle !== null) return throwFailure(failure('call_cycle', { cycle }, '/applications'));
  return { ...inputs, calls };
}

/** The application as it is declared; one that is not has its place in the body. */
async function asDeclared(
  api: Pick<Temporal, 'readApplication'>,
  name: string,
  i: number,
): Promise<ApplicationView> {
  try {
    return await api.readApplication(name);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    const { code, detail: message, remedy } = error.problem;
    const place = { pointer: `/applications/${i}/name`, code, message, remedy };
    throw new ProblemError({ ...error.problem, errors: [place] });
  }
}

/** The applications at whose routes shares of these are moved, and that are none of them; without those that are not declared. */
export async function edgesBeside(
  api: Pick<Temporal, 'readApplication'>,
  released: readonly Application[],
  environment: string | null,
): Promise<Pick<ReleaseInputs, 'edges'>> {
  const asked = released.flatMap((application) =>
    application.environments
      .filter((e) => environment === null || e.name === environment)
      .flatMap((e) => edgesOf(application, e)),
  );
  const own = new Set(released.map((a) => a.name));
  const others = [...new Set(asked)].filter((name) => !own.has(name)).sort();
  const found = await Promise.all(others.map((name) => declared(api, name)));
  const edges = found.filter((application) => application !== null);
  return edges.length === 0 ? {} : { edges };
}

/** What the histories know of the environments before those that are released to, where the order of the stages asks for any. */
function passesBefore(
  views: readonly ApplicationView[],
  environment: string | null,
): Pick<ReleaseInputs, 'passes'> {
  const found = views.map(({ current: { application }, history }) => {
    const stages = environmentsOf(application, environment).map((e) => e.name);
    const before = stages.flatMap((name) => environmentsBefore(application, name));
    const others = before.filter((name) => !stages.includes(name));
    return { name: application.name, isOrdered: before.length > 0, passes: passesIn(history, others) };
  });
  if (!found.some((f) => f.isOrdered)) return {};
  return { passes: Object.fromEntries(found.map(({ name, passes }) => [name, passes])) };
}

/** Of all that the applications call, and of what those call in turn; `unknown` is told of one that is not declared. */
export async function callsOf(
  api: Pick<Temporal, 'readApplication'>,
  released: readonly Application[],
  unknown: (application: string, called: string) => void,
): Promise<Calls> {
  const calls: Record<string, readonly string[]> = {};
  for (let open = [...released]; open.length > 0;) {
    for (const { name, dependsOn = [] } of open) calls[name] = dependsOn;
    const callers = new Map(
      open.flatMap(({ name, dependsOn = [] }) => dependsOn.map((called) => [called, name])),
    );
    const fresh = [...callers].filter(([called]) => !Object.hasOwn(calls, called));
    const found = await Promise.all(
      fresh.map(async ([called, name]) => {
        const application = await declared(api, called);
        if (application === null) unknown(name, called);
        return application;
      }),
    );
    open = found.filter((application) => application !== null);
  }
  return calls;
}

async function declared(api: Pick<Temporal, 'readApplication'>, name: string): Promise<Application | null> {
  try {
    return (await api.readApplication(name)).current.application;
  } catch (error) {
    if (isUnknown(error)) return null;
    throw error;
  }
}

const isUnknown = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && error.problem.code === 'application_unknown';

function unknownEnvironment(application: string, environment: string, known: readonly string[]): never {
  const found = failure('environment_unknown', { application, environment, known }, '/environment');
  const like = nearest(environment, known);
  const error = {
    pointer: '/environment',
    message: found.message,
    found: JSON.stringify(environment),
    expected: `one of ${known.join(', ')}`,
    remedy: like === undefined ? found.remedy : `Did you mean ${like}?`,
    ...(like === undefined ? {} : { nearest: like }),
  };
  throw new ProblemError(problemOf(found, [error]));
}
