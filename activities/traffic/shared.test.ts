/** A release of the route's own application (the host) and one of an application behind it (the guest) hold one route. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Condition, Enter } from '../../domain/enter.js';
import { sharingKinds, type SharingKind, type RouteTarget, type Traffic } from '../../domain/traffic.js';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import type { CatalogueError } from '../failure.js';
import type { Cluster } from '../kubernetes/client.js';
import { routeProblems } from './activities.js';
import { prepareRoute, restoreRoute, returnToStable, setTraffic } from './driver.js';
import { routers } from './index.js';
import type { JsonObject, Rule } from './router.js';
import { rulesOf } from './rules.js';
import { isCleared, isStamped } from './stamps.js';

const tag = { header: 'x-lane', value: 'gray' };
const never = new AbortController().signal;
const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const backend = { name: 'web', port: 80 };

/** The user's route: one rule for stable, one for another Service. */
const ruleList: Readonly<Record<SharingKind, readonly Rule[]>> = {
  'gateway-api': [
    {
      matches: [{ path: { type: 'PathPrefix', value: '/static' } }],
      backendRefs: [{ name: 'static', port: 80 }],
    },
    {
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      backendRefs: [
        {
          ...backend,
          weight: 7,
          filters: [
            { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'own', value: 'x' }] } },
          ],
        },
      ],
    },
  ],
  contour: [
    { conditions: [{ prefix: '/static' }], services: [{ name: 'static', port: 80 }] },
    { conditions: [{ prefix: '/' }], services: [{ ...backend, requestHeadersPolicy: { remove: ['own'] } }] },
  ],
  istio: [
    { match: [{ uri: { prefix: '/static' } }], route: [{ destination: { host: 'static' } }] },
    { route: [{ destination: { host: 'web', port: { number: 80 } } }], timeout: '5s' },
  ],
};

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  for (const service of ['web', 'web-gray']) {
    kube.put(`${slices}/${service}-x`, {
      metadata: { name: `${service}-x`, labels: { 'kubernetes.io/service-name': service } },
      endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    });
  }
});
afterEach(() => kube.stop());

interface Share {
  readonly service: string | null;
  /** Whether requests leave it with the tag: always, never, or as they came. */
  readonly tagged: boolean | null;
  readonly weight: number;
}

describe.each(sharingKinds)('a route that two releases share: %s', (kind) => {
  const router = routers[kind];
  const { group, version, plural } = router.resource;
  const path = `/apis/${group}/${version}/namespaces/shop/${plural}/web`;
  const before = {
    metadata: { name: 'web', namespace: 'shop', annotations: { owner: 'team' } },
    spec: { host: 'web.local', [router.field]: ruleList[kind] },
  };
  const host: RouteTarget = routeOf(kind);
  const guest: RouteTarget = { ...host, grayService: host.stableService, stamps: tag, guest: true };
  const both = { host, guest } as const;
  type Who = keyof typeof both;

  beforeEach(() => kube.put(path, before));

  const seqs = { host: 0, guest: 0 };
  const prepare = (who: Who) =>
    prepareRoute(cluster, { release: who, route: both[who], seq: ++seqs[who] }, never, 0);
  const set = (who: Who, traffic: Traffic) =>
    setTraffic(cluster, { release: who, route: both[who], seq: ++seqs[who], traffic }, never, 0, 0);
  const restore = (who: Who) => restoreRoute(cluster, { release: who, route: both[who] }, never, 0);
  const now = (): readonly Rule[] => rulesOf(kube.get(path), router, host);
  const tagOf = (entry: JsonObject): boolean | null => {
    if (isStamped(router, entry, tag)) return true;
    return isCleared(router, entry, tag) ? false : null;
  };
  const sharesOf = (rule: Rule): Share[] =>
    router
      .backends(rule, host)
      .map(({ service, entry, weight }) => ({ service, tagged: tagOf(entry), weight: weight ?? 1 }))
      .filter(({ weight }) => weight > 0);
  /** The rule for everybody, which is the last. */
  const shares = (): Share[] => sharesOf(now().at(-1)!);
  const plain = (): object => {
    const { metadata, spec } = kube.get(path);
    const { resourceVersion: _, managedFields: _1, ...rest } = metadata;
    return { metadata: rest, spec };
  };

  it.each([
    {
      hosts: 25,
      guests: 10,
      parts: [
        ['web', false, 75],
        ['web-gray', true, 10],
        ['web-gray', false, 15],
      ],
    },
    {
      hosts: 10,
      guests: 25,
      parts: [
        ['web', false, 75],
        ['web-gray', true, 10],
        ['web', true, 15],
      ],
    },
    {
      hosts: 25,
      guests: 25,
      parts: [
        ['web', false, 75],
        ['web-gray', true, 25],
      ],
    },
    { hosts: 100, guests: 0, parts: [['web-gray', false, 100]] },
    { hosts: 0, guests: 100, parts: [['web', true, 100]] },
  ])('the smaller share lies within the larger: $hosts % and $guests %', async ({ hosts, guests, parts }) => {
    await prepare('host');
    await prepare('guest');
    await set('guest', { gray: guests, tag });
    const { after } = await set('host', { gray: hosts, tag });
    expect(after).toEqual({ gray: hosts, tag });
    expect(shares()).toEqual(parts.map(([service, tagged, weight]) => ({ service, tagged, weight })));
  });

  it('with the same tag a request comes to both, whoever was there first', async () => {
    await prepare('guest');
    await set('guest', { gray: 0, tag });
    expect(sharesOf(now().at(-2)!)).toEqual([{ service: 'web', tagged: true, weight: 100 }]);
    expect(await routeProblems(cluster, host, tag)).toEqual([]);
    await prepare('host');
    await set('host', { gray: 0, tag });
    expect(now()).toHaveLength(3);
    expect(sharesOf(now().at(-2)!)).toEqual([{ service: 'web-gray', tagged: true, weight: 100 }]);
    await restore('host');
    expect(sharesOf(now().at(-2)!)).toEqual([{ service: 'web', tagged: true, weight: 100 }]);
    await restore('guest');
    expect(plain()).toEqual(before);
  });

  it('P1: whoever has the tag of both loses it while the guest lets nobody in, and keeps one of its own', async () => {
    const leaving = (): Share[] => sharesOf(now().at(-2)!);
    await prepare('host');
    await set('host', { gray: 0, tag });
    await prepare('guest');
    expect(leaving()).toEqual([{ service: 'web-gray', tagged: false, weight: 100 }]);
    await set('guest', { gray: 0, tag });
    expect(leaving()).toEqual([{ service: 'web-gray', tagged: true, weight: 100 }]);
    const input = { release: 'guest', route: guest, stays: true, strips: true };
    await restoreRoute(cluster, input, never, 0);
    expect(leaving()).toEqual([{ service: 'web-gray', tagged: false, weight: 100 }]);
    await restore('guest');
    await set('host', { gray: 0, tag: { ...tag, value: 'blue' } });
    await prepare('guest');
    expect(leaving()).toEqual([{ service: 'web-gray', tagged: null, weight: 100 }]);
    await restore('guest');
    await restore('host');
    expect(plain()).toEqual(before);
  });

  it('who enters by the same way of both does so once', async () => {
    const enterAs = (header: string): Enter => [
      [{ query: 'group', exact: 'gray' }],
      [{ header, prefix: 'qa-' }],
    ];
    const enter = enterAs('x-user');
    const entering = {
      host: { ...host, stamps: tag, enter },
      guest: { ...guest, enter: enterAs('X-User') },
    };
    for (const who of ['guest', 'host'] as const) {
      const input = { release: who, route: entering[who], seq: ++seqs[who] };
      await prepareRoute(cluster, input, never, 0);
      await setTraffic(cluster, { ...input, traffic: { gray: 0, tag } }, never, 0, 0);
    }
    const alone = router.entering(now().at(-1)!, tag, enter).flatMap((rule) => router.alternatives(rule));
    const ours = now().slice(1, -1);
    expect(ours.flatMap((rule) => router.alternatives(rule))).toHaveLength(alone.length);
    for (const rule of ours)
      expect(sharesOf(rule)).toEqual([{ service: 'web-gray', tagged: true, weight: 100 }]);
    for (const who of ['guest', 'host'] as const)
      await restoreRoute(cluster, { release: who, route: entering[who] }, never, 0);
    expect(plain()).toEqual(before);
  });

  it('with tags of their own each leads to its own gray', async () => {
    const blue = { header: 'x-lane', value: 'blue' };
    await prepare('host');
    await set('host', { gray: 0, tag: blue });
    await prepare('guest');
    await set('guest', { gray: 0, tag });
    const tags = now().map((rule) => [router.tagsOf(rule).map((t) => t.value), sharesOf(rule)[0]?.service]);
    expect(tags).toEqual([
      [[], 'static'],
      [['blue'], 'web-gray'],
      [['gray'], 'web'],
      [[], 'web'],
    ]);
  });

  describe('two lanes', () => {
    const blue = { header: 'X-Team', value: 'blue' };
    const tags = { host: tag, guest: blue };
    const other = { host: 'guest', guest: 'host' } as const;
    const entering = (who: Who, enter: Enter): RouteTarget => ({ ...both[who], stamps: tags[who], enter });
    const hold = async (who: Who, route: RouteTarget): Promise<void> => {
      await prepareRoute(cluster, { release: who, route, seq: ++seqs[who] }, never, 0);
    };
    const send = (who: Who, route: RouteTarget): Promise<unknown> => {
      const traffic = { gray: 0, tag: tags[who] };
      return setTraffic(cluster, { release: who, route, seq: ++seqs[who], traffic }, never, 0, 0);
    };
    const group: Enter = [[{ query: 'group', exact: 'gray' }]];
    const says = (who: Who, way: string) => ({
      code: 'lanes_collide',
      message:
        `${router.resource.kind} "web" cannot tell two lanes apart: requests with ${way} would be in ` +
        `"${tags[who].header}: ${tags[who].value}" and in "${tags[other[who]].header}: ${tags[other[who]].value}" ` +
        `of release ${other[who]}, which holds the route too.`,
    });
    const refusal = (sent: Promise<unknown>): Promise<unknown> =>
      sent.then(
        () => null,
        (error: unknown) => (error as CatalogueError).failure,
      );

    it.each<[Who, string, Enter, Enter, string]>([
      ['guest', 'the same way', group, group, 'query "group" exact "gray"'],
      ['host', 'the same way', group, group, 'query "group" exact "gray"'],
      [
        'guest',
        'the same way, of whom a portion enters',
        [[{ query: 'group', exact: 'gray' }, { percent: 10 }]],
        [[{ query: 'group', exact: 'gray' }, { percent: 20 }]],
        'query "group" exact "gray"',
      ],
      [
        'guest',
        'a header in another case, among other ways',
        [[{ header: 'X-User', prefix: 'qa-' }]],
        [[{ cookie: 'beta', exact: '1' }], [{ header: 'x-user', regex: 'qa-.*' }]],
        'header "x-user" regex "qa-.*"',
      ],
      [
        'guest',
        'the tag of the other',
        [],
        [[{ header: 'X-LANE', exact: 'gray' }]],
        'header "X-LANE" exact "gray"',
      ],
      [
        'host',
        'what the other asks for as its tag',
        [],
        [[{ header: 'X-LANE', exact: 'gray' }]],
        'header "x-lane" exact "gray"',
      ],
    ])('for the same requests are refused to the second (%s): %s', async (second, _, hosts, guests, way) => {
      const first = other[second];
      const routes = { host: entering('host', hosts), guest: entering('guest', guests) };
      // Ahead of the first one's tag, and with it.
      await hold(first, routes[first]);
      expect(await routeProblems(cluster, routes[second], tags[second])).toMatchObject([says(second, way)]);
      await send(first, routes[first]);
      expect(await routeProblems(cluster, routes[second], tags[second])).toMatchObject([says(second, way)]);
      expect(await routeProblems(cluster, routes[second], null)).toEqual([]);

      // Both had looked before either came.
      await hold(second, routes[second]);
      const left = now();
      expect(await refusal(send(second, routes[second]))).toMatchObject(says(second, way));
      expect(now()).toEqual(left);
      await send(first, routes[first]);
      await restoreRoute(cluster, { release: second, route: routes[second] }, never, 0);
      await restoreRoute(cluster, { release: first, route: routes[first] }, never, 0);
      expect(plain()).toEqual(before);
    });

    it('for the same requests: where both write at once the slower one is refused', async () => {
      const routes = { host: entering('host', group), guest: entering('guest', group) };
      await hold('host', routes.host);
      await hold('guest', routes.guest);
      kube.beforePatch = async () => {
        kube.beforePatch = () => undefined;
        await send('guest', routes.guest);
      };
      expect(await refusal(send('host', routes.host))).toMatchObject(
        says('host', 'query "group" exact "gray"'),
      );
    });

    it('for the same requests refuse nothing to the first, and nothing to the second when the first has left', async () => {
      const routes = { host: entering('host', group), guest: entering('guest', group) };
      await hold('guest', routes.guest);
      await hold('host', routes.host);
      expect(await refusal(send('host', routes.host))).toBe(null);
      await restoreRoute(cluster, { release: 'host', route: routes.host }, never, 0);
      expect(await routeProblems(cluster, routes.guest, blue)).toEqual([]);
      expect(await refusal(send('guest', routes.guest))).toBe(null);
    });

    it('that both say the same in baggage are refused to the second', async () => {
      const said = { ...tag, baggage: 'lane' };
      const route = { ...guest, stamps: { header: 'X-Team', value: 'gray', baggage: 'lane' } };
      await hold('host', host);
      const input = { release: 'host', route: host, seq: ++seqs.host, traffic: { gray: 0, tag: said } };
      await setTraffic(cluster, input, never, 0, 0);
      expect(await routeProblems(cluster, route, route.stamps)).toMatchObject([{ code: 'lanes_collide' }]);
    });

    it('are refused what a rule of the user asks for, whichever of the two they are', async () => {
      const asks: Readonly<Record<SharingKind, Rule>> = {
        'gateway-api': {
          matches: [{ queryParams: [{ name: 'group', value: 'gray' }] }],
          backendRefs: [{ name: 'static', port: 80 }],
        },
        contour: {
          conditions: [{ prefix: '/' }, { queryParameter: { name: 'group', exact: 'gray' } }],
          services: [{ name: 'static', port: 80 }],
        },
        istio: {
          match: [{ queryParams: { group: { exact: 'gray' } } }],
          route: [{ destination: { host: 'static' } }],
        },
      };
      const rules = [asks[kind], ...ruleList[kind]];
      kube.put(path, { ...before, spec: { ...before.spec, [router.field]: rules } });
      for (const who of ['host', 'guest'] as const) {
        const [problem, ...more] = await routeProblems(cluster, entering(who, group), tags[who]);
        expect(problem).toMatchObject({ code: 'route_unfit' });
        expect(problem?.message).toContain('already asks for what release.tag.enter lets in');
        expect(more).toEqual([]);
      }
    });

    it('that were let in never ask for the same, whatever each lets in', async () => {
      const value = fc.constantFrom('qa-', 'qa-7');
      const how = fc.oneof(
        value.map((exact): Condition => ({ exact })),
        value.map((prefix): Condition => ({ prefix })),
        fc.constantFrom('qa-.*', 'qa-7|1').map((regex): Condition => ({ regex })),
        fc.uniqueArray(value, { minLength: 1 }).map((list): Condition => ({ in: list })),
      );
      const place = fc.constantFrom<Condition>(
        { header: 'X-User' },
        { header: 'x-user' },
        { cookie: 'beta' },
      );
      const condition = fc.tuple(place, how).map(([at, asked]): Condition => ({ ...at, ...asked }));
      const selector = ({ header, cookie }: Condition): string => (header ?? cookie)!.toLowerCase();
      const all = fc.uniqueArray(condition, { minLength: 1, maxLength: 2, selector });
      const ways: fc.Arbitrary<Enter> = fc.array(all, { minLength: 1, maxLength: 3 });
      const key = (rule: Rule): string[] =>
        router
          .alternatives(rule)
          .map(({ besides, asks }) =>
            JSON.stringify([
              besides,
              ...asks.map((a) => `${a.from} ${a.name.toLowerCase()} ${a.how}`).sort(),
            ]),
          );
      const seen = { refused: 0, both: 0 };
      await fc.assert(
        fc.asyncProperty(ways, ways, async (hosts, guests) => {
          kube.put(path, before);
          const routes = { host: entering('host', hosts), guest: entering('guest', guests) };
          for (const who of ['host', 'guest'] as const) await hold(who, routes[who]);
          await send('host', routes.host);
          const problems = await routeProblems(cluster, routes.guest, blue);
          const refused = await refusal(send('guest', routes.guest));
          expect(problems).toEqual(refused === null ? [] : [refused]);
          seen[refused === null ? 'both' : 'refused']++;
          const keys = now().flatMap(key);
          expect(new Set(keys).size).toBe(keys.length);
        }),
        { numRuns: 100 },
      );
      expect(Math.min(seen.refused, seen.both)).toBeGreaterThan(0);
    }, 60_000);
  });

  it('what the one writes is no change by somebody else to the other, and takes nothing from it', async () => {
    await prepare('host');
    await set('host', { gray: 25, tag });
    const seen = [
      await prepare('guest'),
      await set('guest', { gray: 50, tag }),
      await set('host', { gray: 50, tag }),
    ];
    expect(seen.flatMap(({ foreign }) => foreign)).toEqual([]);
    await returnToStable(cluster, { release: 'guest', route: guest, seq: seqs.guest }, never);
    expect(shares()).toEqual([
      { service: 'web', tagged: false, weight: 50 },
      { service: 'web-gray', tagged: false, weight: 50 },
    ]);
  });

  it('P9: is exactly as it was when both have left, whatever they did and in whatever order', async () => {
    const acts = fc.array(
      fc.record({
        who: fc.constantFrom<Who>('host', 'guest'),
        gray: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
        isTagged: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(acts, fc.constantFrom<Who>('host', 'guest'), async (sequence, first) => {
        kube.put(path, before);
        const wishes: Record<Who, Traffic | null> = { host: null, guest: null };
        for (const { who, gray, isTagged } of sequence) {
          if (gray === null) {
            await restore(who);
            wishes[who] = null;
            continue;
          }
          if (wishes[who] === null) await prepare(who);
          wishes[who] = { gray, tag: isTagged ? tag : null };
          await set(who, wishes[who]);
          const sum = (of: (share: Share) => boolean): number =>
            shares()
              .filter(of)
              .reduce((total, { weight }) => total + weight, 0);
          expect(sum(() => true)).toBe(100);
          expect(sum(({ service }) => service === 'web-gray')).toBe(wishes.host?.gray ?? 0);
          expect(sum(({ tagged }) => tagged === true)).toBe(wishes.guest?.gray ?? 0);
        }
        await restore(first);
        await restore(first === 'host' ? 'guest' : 'host');
        expect(plain()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
