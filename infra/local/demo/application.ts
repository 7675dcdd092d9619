/** The sample application of the demo, as its team would declare it. */
import { sampleHost, sampleObjects, sampleRoute } from '../sample.js';

export const name = 'shop';
export const namespace = 'shop';
export const weights = [10, 25, 50, 100] as const;
/** Tagged requests carry it. */
export const tag = { header: 'x-lane', value: 'gray' } as const;

/** Where the application lives. */
export interface Place {
  readonly repository: string;
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** Address of the entry, for the probe; null: nobody answers there. */
  readonly entry: string | null;
}

const options = ({ repository, gateway }: Place) => ({
  namespace,
  name,
  image: `${repository}:v1`,
  gateway: { ...gateway },
  config: { GREETING: 'hello' },
});

export const host = sampleHost({ namespace, name, image: '' });

/** What the user keeps in Git, but for the Deployment: that comes with the first release. */
export function userObjects(place: Place): object[] {
  const all = sampleObjects(options(place)) as { kind: string }[];
  return [...all.filter((o) => o.kind !== 'Deployment'), sampleRoute('gateway-api', options(place))];
}

export function declaration(place: Place): object {
  const manifest = (sampleObjects(options(place)) as { kind: string }[]).find((o) => o.kind === 'Deployment');
  return {
    name,
    image: place.repository,
    workload: { manifest },
    traffic: { router: 'gateway-api', ...(place.entry === null ? {} : { entry: place.entry, host }) },
    release: {
      verify: '4s',
      steps: weights.map((weight) => ({ weight, hold: '4s' })),
      drain: '2s',
      approval: { deadline: '15m' },
      analysis: {
        interval: '1s',
        window: '8s',
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
