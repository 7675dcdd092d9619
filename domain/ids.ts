/** Names and ids, each made by one pure function. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

export const labels = {
  /** On every object that a release made: the id of the release. */
  release: 'sluice.dev/release',
  application: 'sluice.dev/application',
  lane: 'sluice.dev/lane',
  /** On a copy of a policy: the gray Deployment that it is for. */
  workload: 'sluice.dev/workload',
  /** On one in another namespace than gray's: gray's. */
  namespace: 'sluice.dev/namespace',
  /** On the Deployment of batches: the replicas that stable had before them. */
  replicas: 'sluice.dev/replicas',
  /** On a copy of one of the user's objects: hash of what it is a copy of. */
  source: 'sluice.dev/source',
  /** On the user's route while a release holds it: JSON, see activities/traffic. */
  footprint: 'sluice.dev/footprint',
} as const;

/** Field manager of every write to Kubernetes. */
export const fieldManager = 'sluice';

export const taskQueue = 'sluice';

/** Activities of a cluster run on the queue of the workers that hold its credentials. */
export const clusterTaskQueue = (queue: string, cluster: string): string =>
  cluster === 'default' ? queue : `${queue}-${cluster}`;

export const releaseWorkflowId = (id: string): string => `release/${id}`;
export const applicationWorkflowId = (name: string): string => `application/${name}`;
/** A plan that is only to be printed runs the release workflow up to its plan, under this id. */
export const planWorkflowId = (id: string): string => `plan/${id}`;

/** A look at the surroundings, once for each call. */
export const diagnosisWorkflowId = (id: string): string => `diagnosis/${id}`;

/** A look at what runs in an environment, once for each call. */
export const environmentWorkflowId = (id: string): string => `environment/${id}`;

/** A removal of what was left in an environment, once for each call. */
export const cleanWorkflowId = (environment: string, id: string): string => `clean/${environment}/${id}`;

const base32 = '0123456789abcdefghjkmnpqrstvwxyz';

/** Id of a release that came with an idempotency key: the same key gives the same id. */
export const releaseIdOfKey = (key: string): string => encode(sha256(utf8ToBytes(key)).slice(0, 8));

/** Id of a release without a key, from 8 random bytes. */
export const releaseIdOfBytes = (bytes: Uint8Array): string => encode(bytes);

function encode(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 12; i++) {
    text = base32[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text;
}

/** SHA-256 in hex of a value's canonical JSON: keys sorted, no undefined. */
export function hashOf(value: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`);
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** Joins a name and a suffix within a limit; a cut name keeps a hash, so that two long names stay two. */
export function joinName(name: string, suffix: string, limit = 63): string {
  const whole = `${name}-${suffix}`;
  if (whole.length <= limit) return whole;
  const mark = hashOf(name).slice(0, 6);
  return `${name.slice(0, limit - suffix.length - mark.length - 2)}-${mark}-${suffix}`;
}

/** Name of the gray Deployment and of its Service. */
export const grayName = (deployment: string, lane: string): string => joinName(deployment, lane);
