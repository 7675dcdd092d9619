/**
 * One watch over the thread that runs workflow code. The SDK lets node watch each call into that code by a thread that it starts for the
 * call, several times for each workflow task: most of what a busy workflow thread spent its time on.
 */
import threads, { type WorkerOptions as ThreadOptions } from 'node:worker_threads';

export interface Watch {
  /** How long one call into workflow code may take, ms. Default: 10,000. */
  readonly limitMs?: number;
  /** It took longer, and the thread is ended, which ends the worker. */
  readonly stuck: () => void;
}

/** Where the SDK's workflow threads are, whichever version. */
const isWorkflowThread = (file: string | URL): boolean => String(file).endsWith('workflow-worker-thread.js');

/** How many calls have begun, and how many are under way. */
const calls = { begun: 0, underWay: 1 } as const;

/** What runs in the thread, before what the SDK wants to run there. */
const inThread = `
  const { Script } = require('node:vm');
  const { workerData } = require('node:worker_threads');
  const { runInContext } = Script.prototype;
  Script.prototype.runInContext = function (context, options) {
    Atomics.add(workerData.calls, ${calls.begun}, 1);
    Atomics.add(workerData.calls, ${calls.underWay}, 1);
    try {
      return runInContext.call(this, context, options === undefined ? options : { ...options, timeout: undefined });
    } finally {
      Atomics.sub(workerData.calls, ${calls.underWay}, 1);
    }
  };
  require(workerData.file);
`;

/** Watches the workflow threads that are started from now on. Answers what starts threads as before. */
export function watchWorkflowThreads({ limitMs = 10_000, stuck }: Watch): () => void {
  const { Worker } = threads;
  class Watched extends Worker {
    constructor(file: string | URL, options: ThreadOptions = {}) {
      if (!isWorkflowThread(file)) {
        super(file, options);
        return;
      }
      const counts = new Int32Array(new SharedArrayBuffer(8));
      super(inThread, { ...options, eval: true, workerData: { file: String(file), calls: counts } });
      const timer = watchCalls(counts, limitMs, () => {
        stuck();
        void this.terminate();
      });
      this.once('exit', () => clearInterval(timer));
    }
  }
  // The SDK takes the class from the module when it starts a thread.
  threads.Worker = Watched;
  return () => {
    threads.Worker = Worker;
  };
}

function watchCalls(counts: Int32Array, limitMs: number, stuck: () => void): NodeJS.Timeout {
  const looks = 10;
  let last = -1;
  let same = 0;
  const look = (): void => {
    const begun = Atomics.load(counts, calls.begun);
    same = Atomics.load(counts, calls.underWay) > 0 && begun === last ? same + 1 : 0;
    last = begun;
    if (same < looks) return;
    clearInterval(timer);
    stuck();
  };
  const timer = setInterval(look, limitMs / looks);
  timer.unref();
  return timer;
}
