/** Everything that is done to a fleet, each over when its promise resolves: the part is back, the rule is gone. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeProcess } from '../../rig/node-process.js';
import type { Fleet } from './fleet.js';
import type { Random } from './random.js';

export interface Fault {
  readonly name: string;
  /** A process was killed by SIGKILL; otherwise something else was wrong. */
  readonly kill: boolean;
  /** Two faults that touch the same part never overlap. */
  readonly part: 'sluice' | 'cluster';
  readonly inflict: (fleet: Fleet, random: Random) => Promise<void>;
}

/** Through them a change comes to Envoy. */
export const messengers: readonly string[] = ['kube-apiserver', 'etcd', 'contour', 'envoy'];

const hourMs = 3_600_000;

async function killed(fleet: Fleet, process: NodeProcess, ms: number): Promise<void> {
  fleet.let(process);
  await process.kill('SIGKILL');
  await delay(ms);
  await fleet.run(process);
}

async function partKilled(fleet: Fleet, part: string, ms: number): Promise<void> {
  await fleet.away.during(part, async () => {
    await fleet.stack.procs.kill(part);
    await delay(ms);
    await fleet.stack.procs.start(part);
    if (part === 'envoy') await fleet.served();
    if (messengers.includes(part)) await fleet.caughtUp();
  });
}

/** A part of the stack is killed, and started again after a while. */
const killing = (part: string, longestMs: number): Fault => ({
  name: `${part} killed`,
  kill: true,
  part: part === 'temporal' ? 'sluice' : 'cluster',
  inflict: (fleet, random) => partKilled(fleet, part, random.between(0, longestMs)),
});

const stepping = (kind: 'worker' | 'api'): Fault => ({
  name: `clock of the ${kind === 'api' ? 'API' : 'workers'} stepped`,
  kill: false,
  part: 'sluice',
  inflict: async (fleet, random) => {
    // Stays wrong for a while, steps over to the other side, then is right again.
    const ms = random.between(2, 30) * hourMs * random.pick([-1, 1]);
    for (const step of [ms, -ms]) {
      await fleet.stepClock(kind, step);
      await delay(random.between(1_000, 3_000));
    }
    await fleet.stepClock(kind, 0);
  },
});

export const faults: readonly Fault[] = [
  {
    name: 'worker killed',
    kill: true,
    part: 'sluice',
    inflict: (fleet, random) => killed(fleet, random.pick(fleet.workers), random.between(0, 3_000)),
  },
  {
    name: 'both workers killed',
    kill: true,
    part: 'sluice',
    inflict: async (fleet, random) => {
      const ms = random.between(0, 3_000);
      await Promise.all(fleet.workers.map((worker) => killed(fleet, worker, ms)));
    },
  },
  {
    name: 'worker frozen',
    kill: false,
    part: 'sluice',
    inflict: async (fleet, random) => {
      const worker = random.pick(fleet.workers);
      worker.signal('SIGSTOP');
      // Longer than heartbeats may be missing: another worker does its work, and then it wakes up in the middle of it.
      await delay(random.between(7_000, 9_000));
      worker.signal('SIGCONT');
    },
  },
  {
    name: 'API killed',
    kill: true,
    part: 'sluice',
    inflict: (fleet, random) => killed(fleet, fleet.api, random.between(0, 2_000)),
  },
  killing('temporal', 3_000),
  {
    name: 'disk of Temporal full',
    kill: false,
    part: 'sluice',
    inflict: async ({ disk }, random) => {
      await disk.fill();
      await delay(random.between(1_500, 5_000));
      await disk.free();
    },
  },
  stepping('worker'),
  stepping('api'),
  killing('kube-apiserver', 4_000),
  killing('etcd', 3_000),
  killing('contour', 3_000),
  killing('envoy', 1_000),
  killing('prometheus', 3_000),
  killing('kube-controller-manager', 2_000),
  {
    name: 'API server slow',
    kill: false,
    part: 'cluster',
    inflict: async ({ proxy }, random) => {
      const { remove } = proxy.rule({}, { kind: 'delay', ms: random.between(200, 1_500) });
      await delay(random.between(3_000, 6_000));
      remove();
    },
  },
  {
    name: 'workers partitioned from the API server',
    kill: false,
    part: 'cluster',
    inflict: async ({ proxy }, random) => {
      const away = proxy.away({}, random.between(2_000, 6_000));
      proxy.sever();
      await away;
    },
  },
  {
    name: 'answers to writes lost',
    kill: false,
    part: 'cluster',
    inflict: async ({ proxy }, random) => {
      const method = ['POST', 'PUT', 'PATCH', 'DELETE'];
      const { remove } = proxy.rule({ method }, { kind: 'lose' }, random.between(1, 6));
      await delay(random.between(2_000, 4_000));
      remove();
    },
  },
];
