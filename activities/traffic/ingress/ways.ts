/** How the annotations of a canary ask for the tag, and for those that enter. Pure. */
import { conditionsOf, percentOf, type Condition } from '../../../domain/enter.js';
import type { IngressTarget, Tag } from '../../../domain/traffic.js';
import { askedOf, escaped, patternOf, type Asked } from '../conditions.js';
import { controllers, type Controller } from './controllers.js';

export type Annotations = Readonly<Record<string, string>>;

/** The annotations of each way to gray, the tag's first: all in one canary Ingress or each in its own, by the controller. */
export function waysOf(route: IngressTarget, tag: Tag): readonly Annotations[] {
  const controller = controllers[route.controller];
  const asked: Asked = { from: 'header', name: tag.header, how: 'exact', value: tag.value };
  return [wayOf(controller, asked), ...entering(route).map(({ way }) => way)].filter((way) => way !== null);
}

/** Why the annotations cannot say who enters, for people; empty: they can. */
export function wayProblemsOf(route: IngressTarget): string[] {
  const { isOne, queries, hasPatterns } = controllers[route.controller];
  const can = isOne
    ? 'the tag takes the one header, so one cookie with the value "always" is left'
    : hasPatterns
      ? `each way is one header or cookie${queries === null ? '' : ', or one query parameter'}`
      : 'each way is one header with an exact value';
  const portioned = (route.enter ?? []).map(percentOf).find((percent) => percent < 100);
  if (portioned !== undefined)
    return [
      `release.tag.enter lets in ${portioned} % of those that fulfil conditions, which annotations cannot say; ` +
        'take percent away, or use the router gateway-api, contour or istio.',
    ];
  const ways = entering(route);
  const problems = ways.flatMap(({ way, named }) =>
    way === null
      ? [`release.tag.enter asks for ${named}, which annotations for ${route.controller} cannot say: ${can}.`]
      : [],
  );
  if (isOne && problems.length === 0 && ways.length > 1)
    problems.push(
      `release.tag.enter has ${ways.length} ways to enter, and annotations for nginx can say one.`,
    );
  return problems;
}

interface Entering {
  readonly named: string;
  /** Null: it cannot be said. */
  readonly way: Annotations | null;
}

function entering({ controller: name, enter = [] }: IngressTarget): readonly Entering[] {
  const controller = controllers[name];
  if (controller.isOne)
    return enter.map(conditionsOf).map((all) => ({
      named: all.map(nameOf).join(' and '),
      way: cookieWay(controller, all),
    }));
  return askedOf(enter).map((all) => ({
    named: all.map((one) => `${one.from} "${one.name}" (${one.how})`).join(' and '),
    way: all.length === 1 ? wayOf(controller, all[0]!) : null,
  }));
}

const nameOf = ({ header, query, cookie, exact, prefix, regex }: Condition): string => {
  const what =
    header !== undefined
      ? `header "${header}"`
      : query !== undefined
        ? `query "${query}"`
        : `cookie "${cookie}"`;
  const how =
    exact !== undefined ? 'exact' : prefix !== undefined ? 'prefix' : regex !== undefined ? 'regex' : 'in';
  return `${what} (${how})`;
};

/** The header is the tag's already. Of a cookie nginx knows only the values always and never. */
function cookieWay({ prefix }: Controller, [one, ...others]: readonly Condition[]): Annotations | null {
  if (one?.cookie === undefined || one.exact !== 'always' || others.length > 0) return null;
  return { [`${prefix}canary-by-cookie`]: one.cookie };
}

function wayOf(controller: Controller, asked: Asked): Annotations | null {
  const { hasPatterns, queries, prefix } = controller;
  const start = asked.from === 'query' ? queries : prefix;
  if (start === null) return null;
  const by = `${start}canary-by-${asked.from}`;
  // Where there are patterns the value becomes part of one.
  const isPlain = asked.how === 'exact' && (!hasPatterns || escaped(asked.value) === asked.value);
  if (isPlain) return { [by]: asked.name, [`${by}-value`]: asked.value };
  if (!hasPatterns) return null;
  return { [by]: asked.name, [`${by}-pattern`]: `^(?:${patternOf(asked)})$` };
}
