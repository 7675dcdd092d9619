/** Who reads canary annotations in the style of ingress-nginx, and what each of them can say with those. */
import type { IngressController } from '../../../domain/traffic.js';

export interface Controller {
  /** `spec.controller` of its IngressClass. */
  readonly className: string;
  /** What the names of the canary annotations begin with. */
  readonly prefix: string;
  /** What all its annotations begin with: gray's Ingress gets those of stable's. */
  readonly own: readonly string[];
  /**
   * Whether one canary Ingress may have a share besides what it asks of requests; then only one may stand beside stable's. Else the share and
   * each way to get in are Ingresses of their own, any number of them.
   */
  readonly isOne: boolean;
  /** Whether a header may be asked for by a regular expression; then an exact value is one as well. */
  readonly hasPatterns: boolean;
  /** What the annotations for query parameters begin with; null: there are none. */
  readonly queries: string | null;
  /** What the annotations that change headers of requests begin with; null: there are none. */
  readonly headers: string | null;
  /** Annotation with the place of an Ingress among others, lowest first; null: what asks for more comes first by itself. */
  readonly order: string | null;
  /** No controller says when it has taken an Ingress: how long that may take, ms. */
  readonly settleMs: number;
}

const nginx = 'nginx.ingress.kubernetes.io/';
const mse = 'mse.ingress.kubernetes.io/';
const higress = 'higress.io/';
const alb = 'alb.ingress.kubernetes.io/';

export const controllers: Readonly<Record<IngressController, Controller>> = {
  nginx: {
    className: 'k8s.io/ingress-nginx',
    prefix: nginx,
    own: [nginx],
    isOne: true,
    hasPatterns: false,
    queries: null,
    headers: null,
    order: null,
    // It works off changes three to four seconds apart (--sync-rate-limit 0.3).
    settleMs: 5_000,
  },
  higress: {
    className: 'higress.io/higress-controller',
    prefix: nginx,
    own: [nginx, higress],
    isOne: false,
    hasPatterns: true,
    queries: null,
    headers: higress,
    order: null,
    settleMs: 2_000,
  },
  mse: {
    className: 'mse.alibabacloud.com/ingress',
    prefix: nginx,
    own: [nginx, mse],
    isOne: false,
    hasPatterns: true,
    queries: mse,
    headers: mse,
    order: null,
    settleMs: 2_000,
  },
  alb: {
    className: 'ingress.k8s.alibabacloud/alb',
    prefix: alb,
    own: [alb],
    isOne: false,
    hasPatterns: false,
    queries: null,
    headers: null,
    order: `${alb}order`,
    // It configures a load balancer in the cloud.
    settleMs: 10_000,
  },
};
