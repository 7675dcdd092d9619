/** A disk of its own for one file, which can be full: memory of the test's own mount namespace. */
import { statfsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { run } from '../../../infra/local/tools/run.js';

const room = '1g';

export class Disk {
  private constructor(readonly dir: string) {}

  static async mount(dir: string): Promise<Disk> {
    await mkdir(dir, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${room}`, 'sluice-test', dir]);
    return new Disk(dir);
  }

  /** From now on nothing more fits. */
  async fill(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.dir);
      try {
        return await this.resize(String((blocks - bfree) * bsize));
      } catch (error) {
        // More was written between the look and the cut, and less than what is there cannot be had.
        if (tries > 50) throw error;
      }
    }
  }

  async free(): Promise<void> {
    await this.resize(room);
  }

  async unmount(): Promise<void> {
    await run('umount', ['--lazy', this.dir]);
  }

  private async resize(size: string): Promise<void> {
    await run('mount', ['-o', `remount,size=${size}`, this.dir]);
  }
}
