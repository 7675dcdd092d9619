/** Driving a release over the HTTP API, and telling it line by line. */
import { createInterface } from 'node:readline/promises';
import type { Client } from '../../../cli/client.js';
import type { ReleaseView } from '../../../domain/release.js';
import { name } from './application.js';

const approver = 'demo-approver';

export interface Told {
  readonly say: (line: string) => void;
  /** Whether somebody sits at the terminal and wants to be asked. */
  readonly ask: boolean;
}

/** Starts a release and follows it to its end; answers its last view. */
export async function release(
  api: Client,
  image: string,
  strategy: 'gray' | 'canary',
  told: Told,
): Promise<ReleaseView> {
  const body = { applications: [{ name, image }], strategy, reason: `demo ${image}` };
  const { id } = await api.post<{ id: string }>('/v1/releases', body);
  told.say(`Release ${id} of ${image}:`);
  let seen = 0;
  for (;;) {
    const view = await api.get<ReleaseView>(`/v1/releases/${id}`);
    seen = tell(view, seen, told);
    if (view.outcome !== null) return view;
    if (view.phase === 'waiting_for_approval' && view.waitingOn?.approval !== undefined)
      await decide(api, view, told);
    // The page and the CLI follow the event stream; here a look four times a second is enough.
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function tell(view: ReleaseView, seen: number, told: Told): number {
  const ended = view.steps.filter((s) => s.state === 'done' || s.state === 'failed');
  for (const step of ended.slice(seen)) {
    const took = (Date.parse(step.endedAt!) - Date.parse(step.startedAt!)) / 1000;
    const result = step.result === null ? '' : `: ${step.result}`;
    told.say(
      `  ${step.state === 'done' ? '✓' : '✗'} ${took.toFixed(1).padStart(5)} s  ${step.summary}${result}`,
    );
  }
  return ended.length;
}

async function decide(api: Client, view: ReleaseView, told: Told): Promise<void> {
  const { id, planHash } = view;
  const digest = view.applications[0]?.digest ?? '';
  told.say(`  ? Gray serves tagged requests. Approve ${digest.slice(0, 19)}… under plan ${planHash}?`);
  const { decision, reason } = told.ask
    ? await askTerminal()
    : { decision: 'approve', reason: 'nobody is at the terminal' };
  if (!told.ask) told.say(`    No terminal: ${approver} approves.`);
  await api.send('POST', `/v1/releases/${id}/decisions`, {
    body: { decision, reason, planHash },
    headers: { 'sluice-actor': told.ask ? (process.env['USER'] ?? 'you') : approver },
  });
}

async function askTerminal(): Promise<{ decision: 'approve' | 'reject'; reason: string }> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question('    [Y]es / [n]o: ');
    const no = answer.trim().toLowerCase().startsWith('n');
    return { decision: no ? 'reject' : 'approve', reason: 'answered in the terminal' };
  } finally {
    terminal.close();
  }
}
