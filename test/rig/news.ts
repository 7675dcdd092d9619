/** What happens to a workflow, as it happens: asking it again and again costs more than the release that is tested. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

const pollMs = 20_000;

export class News {
  private readonly ended = new AbortController();
  private token: Uint8Array = new Uint8Array();
  private asking: Promise<unknown> | null = null;

  constructor(
    private readonly client: Client,
    private readonly workflowId: string,
  ) {}

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
