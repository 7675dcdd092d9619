/** What happens to a workflow, as it happens: asking it again and again costs more than the release that is tested. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { ReleaseView } from '../../domain/release.js';
import { eventually } from './eventually.js';

const pollMs = 20_000;

export class News {
  private readonly ended = new AbortController();
  private token: Uint8Array = new Uint8Array();
  private asking: Promise<unknown> | null = null;

  constructor(
    private readonly client: Client,
    private readonly workflowId: string,
  ) {
    // Each question follows it, and each is followed by a delay.
    setMaxListeners(0, this.ended.signal);
  }

  /** Resolves with the next events of its history, or after `patienceMs`: not all that can be seen is an event. */
  async next(patienceMs: number): Promise<void> {
    const { signal } = this.ended;
    this.asking ??= this.ask()
      .catch(() => delay(patienceMs, undefined, { signal }))
      .finally(() => (this.asking = null));
    this.asking.catch(() => undefined);
    await Promise.race([this.asking, delay(patienceMs)]);
  }

  stop(): void {
    this.ended.abort();
  }

  private async ask(): Promise<void> {
    const request = {
      namespace: 'default',
      execution: { workflowId: this.workflowId },
      waitNewEvent: true,
      nextPageToken: this.token,
    };
    const { workflowService } = this.client;
    const { nextPageToken } = await this.client.withAbortSignal(this.ended.signal, () =>
      this.client.withDeadline(Date.now() + pollMs, () =>
        workflowService.getWorkflowExecutionHistory(request),
      ),
    );
    if (nextPageToken.length === 0) throw new Error('It has closed: there are no more.');
    this.token = nextPageToken;
  }
}

/** A release without news is looked at again after this. */
const silentMs = 250;

/** The release as it is when the condition holds; looked at when there are news of it, and the error says how it was seen last. */
export async function reaches(
  what: string,
  news: News,
  look: () => Promise<ReleaseView>,
  condition: (view: ReleaseView) => boolean,
  deadlineMs: number,
): Promise<ReleaseView> {
  let last: Partial<ReleaseView> = {};
  const asked = async (): Promise<ReleaseView | null> => {
    const view = await look();
    last = view;
    return condition(view) ? view : null;
  };
  try {
    return await eventually(what, asked, deadlineMs, () => news.next(silentMs));
  } catch (error) {
    const { phase, step, waitingOn, outcome } = last;
    const seen = JSON.stringify({ phase, step, waitingOn, outcome });
    throw new Error(`${String(error)}; last seen: ${seen}`, { cause: error });
  } finally {
    news.stop();
  }
}
