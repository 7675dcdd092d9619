/** The tag that a canary Ingress puts on its requests, by annotations of the controller. Pure. */
import { unstamped } from '../../../domain/lane.js';
import type { IngressTarget, Tag } from '../../../domain/traffic.js';
import type { KubeObject } from '../../kubernetes/objects.js';
import { sameHeader } from '../json.js';
import { controllers, type Controller } from './controllers.js';
import type { Annotations } from './ways.js';

const control = 'request-header-control-';

/** Operations that stable's Ingress has on other headers hold for gray too. Without stamps: as they are. */
export function stampedOf({ headers }: Controller, kept: Annotations, stamps: Tag | undefined): Annotations {
  if (headers === null || stamps === undefined) return kept;
  const { [`${headers}${control}remove`]: remove = '', ...rest } = kept;
  const removed = names(remove).filter((name) => !sameHeader(name, stamps.header));
  const updated = [...lines(kept[`${headers}${control}update`] ?? ''), `${stamps.header} ${stamps.value}`];
  return {
    ...rest,
    [`${headers}${control}update`]: updated.join('\n'),
    ...(removed.length === 0 ? {} : { [`${headers}${control}remove`]: removed.join(',') }),
  };
}

/** Why the tag would not be told from one that came from outside, for people; empty: it would. */
export function stampProblemsOf(stable: KubeObject, route: IngressTarget): string[] {
  const { stamps, controller } = route;
  if (stamps === undefined) return [];
  const { headers } = controllers[controller];
  const { header } = stamps;
  const why = unstamped(route);
  if (why !== null) return [why];
  const { annotations = {} } = stable.metadata;
  const of = (verb: string): string => annotations[`${headers}${control}${verb}`] ?? '';
  const others = [...lines(of('add')), ...lines(of('update'))].filter((line) =>
    sameHeader(line.split(/\s/)[0] ?? '', header),
  );
  return [
    ...(names(of('remove')).some((name) => sameHeader(name, header))
      ? []
      : [
          `it has to take the header "${header}" off, as only what goes to gray may carry it: annotate it with ` +
            `${headers}${control}remove: ${header}.`,
        ]),
    ...(others.length === 0
      ? []
      : [`it sets the header "${header}" itself; take that out of its annotations.`]),
  ];
}

/** `name value`, one in each line. */
const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
