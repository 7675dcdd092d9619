/** What a router is asked for, in absolute terms, so that asking twice changes nothing. */
import type { Enter } from './enter.js';

/** Those that share untagged requests between the tracks in any proportion. */
export const sharingKinds = ['gateway-api', 'contour', 'istio'] as const;
export type SharingKind = (typeof sharingKinds)[number];

/**
 * Routers that split the rules of one object of the user's. The last one sends all untagged requests to one track: a name in the route is
 * switched, and there is nothing to weigh.
 */
export const routerKinds = [...sharingKinds, 'contour-include'] as const;
export type RouterKind = (typeof routerKinds)[number];

/** All of them. ingress: puts canary Ingresses beside the user's, which is never written. */
export const routerNames = [...routerKinds, 'ingress'] as const;
export type RouterName = (typeof routerNames)[number];

/** Who serves an Ingress and reads the annotations of its canary; see activities/traffic/ingress. */
export const ingressControllers = ['nginx', 'higress', 'mse', 'alb'] as const;
export type IngressController = (typeof ingressControllers)[number];

export const isWhole = (router: RouterName): boolean => router === 'contour-include';

/** Whether the router can let in a portion of those that fulfil conditions. */
export const canPortion = (router: RouterName): boolean => sharingKinds.some((kind) => kind === router);

/** Whether the router can send that share, in percent, to gray. */
export const canShare = (router: RouterName, weight: number): boolean =>
  !isWhole(router) || weight === 0 || weight === 100;

/** A request that carries this header with exactly this value belongs to the gray track. */
export interface Tag {
  readonly header: string;
  readonly value: string;
  /** Key of the member of W3C baggage that says the same, for applications that pass only that on. Absent: none does. */
  readonly baggage?: string;
}

export interface Traffic {
  /** Share of untagged requests that go to gray: a whole number of percent, 0 to 100. Stable gets the rest. */
  readonly gray: number;
  /**
   * Requests with this tag, and those that enter, go to gray whatever the share; null: no such rule. Of those of whom a portion enters
   * the others go to stable, and to gray at a share of 100.
   */
  readonly tag: Tag | null;
}

/** Everything to stable. */
export const allStable: Traffic = { gray: 0, tag: null };

/** Whether any request goes to gray. */
export const isForGray = ({ gray, tag }: Traffic): boolean => gray > 0 || tag !== null;

/** The route of one application in one environment, and the two Services between which it is split. */
export interface RouteTarget<Router extends RouterName = RouterKind> {
  readonly router: Router;
  readonly cluster: string;
  readonly namespace: string;
  /** Name of the HTTPRoute, HTTPProxy, VirtualService or Ingress. */
  readonly route: string;
  /** Where that is, when it is not in the namespace of the Services. */
  readonly routeNamespace?: string;
  /** Router contour-include: name of stable's HTTPProxy beside the Services, which the route includes. */
  readonly include?: string;
  readonly stableService: string;
  readonly grayService: string;
  /** Port of both Services. */
  readonly port: number;
  /**
   * Requests that go to gray get this tag, those that go to stable lose it, whoever set it. Absent: headers pass as they come. With it
   * both Services may be the same one: then the tag is all that tells gray from stable.
   */
  readonly stamps?: Tag;
  /** Only who has the tag, or enters, gets it; headers of the share, and of what goes to stable, pass as they come. Absent: see stamps. */
  readonly untold?: true;
  /** Who goes to gray besides the tagged, while these do; only together with stamps, but for an Ingress. Absent: nobody. */
  readonly enter?: Enter;
  /**
   * The share is that of an application behind this one: both Services are the same one then, and a release of the route's own application
   * may hold the route at the same time. Absent: it is its own.
   */
  readonly guest?: true;
}

/** An Ingress, whose canary may let requests enter without putting the tag on them. */
export interface IngressTarget extends RouteTarget<'ingress'> {
  readonly controller: IngressController;
}

export type AnyRoute = RouteTarget | IngressTarget;

/** Namespace of the route itself. */
export const homeOf = ({
  routeNamespace,
  namespace,
}: Pick<RouteTarget, 'namespace' | 'routeNamespace'>): string => routeNamespace ?? namespace;

export function isWeight(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 100;
}

/** Gray pods that carry `weight` percent as well as `stableReplicas` pods carry everything: at least one, rounded up. */
export function grayReplicas(stableReplicas: number, weight: number): number {
  return Math.max(1, Math.ceil((stableReplicas * weight) / 100));
}

/** How long gray may take to leave a route before it is removed, on top of what its pods may take to go. */
export const leavingMs = 60_000;
