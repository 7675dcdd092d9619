/** The sample application of the demo, as its team would declare it. */
import { sampleHost, sampleObjects, sampleRoute } from '../sample.js';
import type { StackInfo } from '../stack.js';

export const name = 'shop';
export const namespace = 'shop';
export const weights = [10, 25, 50, 100] as const;
/** Tagged requests carry it. */
export const tag = { header: 'x-lane', value: 'gray' } as const;

const options = (stack: StackInfo) => ({
  namespace,
  name,
  image: `${stack.registry}/shop/web:v1`,
  gateway: stack.gateway,
  config: { GREETING: 'hello' },
});

export const host = sampleHost({ namespace, name, image: '' });

/** What the user keeps in Git, but for the Deployment: that comes with the first release. */
export function userObjects(stack: StackInfo): object[] {
  const all = sampleObjects(options(stack)) as { kind: string }[];
  return [...all.filter((o) => o.kind !== 'Deployment'), sampleRoute('gateway-api', options(stack))];
}

export function declaration(stack: StackInfo): object {
  const manifest = (sampleObjects(options(stack)) as { kind: string }[]).find((o) => o.kind === 'Deployment');
  return {
    name,
    image: `${stack.registry}/shop/web`,
    workload: { manifest },
    traffic: { router: 'gateway-api', entry: `${stack.ingress}/`, host },
    release: {
      verify: '4s',
      steps: weights.map((weight) => ({ weight, hold: '4s' })),
      drain: '2s',
      approval: { deadline: '15m' },
      analysis: {
        interval: '1s',
        window: '8s',
        // One second in which Prometheus has not scraped yet must not be the last word.
        metrics: [{ name: 'errors', builtin: 'error-rate', max: 2, hardMax: 50, minRequests: 15 }],
      },
    },
    environments: [{ name: 'prod', type: 'prod', namespace }],
  };
}

/** Behaviour of each version's image. */
export const versions = {
  v1: { VERSION: 'v1' },
  v2: { VERSION: 'v2' },
  v3: { VERSION: 'v3', ERROR_RATE: '0.2' },
} as const;
export type Version = keyof typeof versions;
