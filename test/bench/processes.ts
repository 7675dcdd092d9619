/** What processes use, as the kernel counts it. */
import { readFileSync } from 'node:fs';
import { setInterval } from 'node:timers';

const ticksPerSecond = 100;
const sampleMs = 250;

/** CPU time of a process since its start, user and system, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** CPU time that every process of the machine has used together, in seconds. */
export function busySeconds(): number {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = ticks;
  return (user + nice + system + irq + softIrq) / ticksPerSecond;
}

/** Resident memory of a process now, and the most it ever was, in MiB. */
export function memory(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
  return { now: Math.round(field('VmRSS')), peak: Math.round(field('VmHWM')) };
}

/** Largest resident memory of a process while this looks, MiB. */
export class MemoryWatch {
  private most = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.timer = setInterval(() => this.look(), sampleMs);
    this.look();
  }

  private look(): void {
    this.most = Math.max(this.most, memory(this.pid).now);
  }

  end(): number {
    clearInterval(this.timer);
    this.look();
    return this.most;
  }
}

/** Seconds of CPU that each of the named processes used between two moments. */
export class CpuWatch {
  private readonly before: ReadonlyMap<string, number>;
  private readonly busy = busySeconds();

  constructor(private readonly pids: Readonly<Record<string, number>>) {
    this.before = new Map(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  }

  /** `others`: all that this machine did beside them. */
  end(): Record<string, number> {
    const used = Object.entries(this.pids).map(
      ([name, pid]) => [name, cpuSeconds(pid) - this.before.get(name)!] as const,
    );
    const ours = used.reduce((sum, [, seconds]) => sum + seconds, 0);
    const all = [...used, ['others', Math.max(0, busySeconds() - this.busy - ours)] as const];
    return Object.fromEntries(all.map(([name, seconds]) => [name, Number(seconds.toFixed(2))]));
  }
}
