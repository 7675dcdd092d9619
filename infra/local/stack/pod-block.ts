import { listen } from '../ports.js';

export interface PodBlock {
  cidr: string;
  release: () => void;
}

/**
 * Takes one of the 16 /20 blocks of 10.244.0.0/16 for a stack, so that pods of two stacks in one namespace never want the same
 * address. A socket on the block's first address is the lock; it ends with the process.
 */
export async function reservePodBlock(pods: 'real' | 'simulated'): Promise<PodBlock> {
  let reason = 'every block is taken';
  for (let third = 0; third < 256; third += 16) {
    const lock = await listen(20_000, `10.244.${third}.1`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') reason = error.message;
    });
    if (lock) {
      lock.unref();
      return { cidr: `10.244.${third}.0/20`, release: () => void lock.close() };
    }
  }
  if (pods === 'simulated') return { cidr: '10.244.0.0/16', release: () => {} };
  throw new Error(
    `no addresses for real pods (${reason}); start the stack in its network namespace, see infra/local/namespace.ts`,
  );
}
