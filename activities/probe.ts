/** Asks through the real entry, with and without the tag, and compares which track answered. */
import { Context } from '@temporalio/activity';
import axios from 'axios';
import { doubtOf, verdictOf } from '../domain/verified.js';
import type { ProbedChain, ProbeTarget, Target } from '../domain/target.js';
import { chainComplaint } from './chain-probe.js';
import type { Activities, Finding } from './contract.js';
import { describe, fail } from './failure.js';

/** Header in which an application may say its version; without it only the status is judged. */
const versionHeader = 'x-version';
const timeoutMs = 3_000;
const attempts = 20;
const pauseMs = 250;

export interface ProbeAnswer {
  readonly tagged: boolean;
  readonly status: number | null;
  readonly version: string | null;
  /** Which applications it came through, with their versions; null where it does not say. */
  readonly chain: string | null;
  readonly error: string | null;
}

/** Why the answers do not show the tag at work; null when they do. Both tracks answer alike where they run the same digest. Pure. */
export function complaint(
  tagged: ProbeAnswer,
  untagged: ProbeAnswer,
  sameDigest: boolean,
  chain?: ProbedChain,
): string | null {
  for (const answer of [tagged, untagged]) {
    const which = answer.tagged ? 'the tagged request' : 'the request without tag';
    if (answer.status === null) return `${which} was not answered: ${answer.error ?? 'unknown'}.`;
    if (answer.status >= 500) return `${which} was answered with status ${answer.status}.`;
  }
  if (!sameDigest && tagged.version !== null && tagged.version === untagged.version) {
    return `both requests were answered by version ${tagged.version}.`;
  }
  return chain === undefined ? null : chainComplaint(tagged.chain, untagged.chain, chain);
}

export const probeActivities: Pick<Activities, 'probe'> = {
  async probe({ target }) {
    if (target.probe === null) return { findings: [] };
    const signal = Context.current().cancellationSignal;
    const isSame = target.image === undefined || target.stableDigest === target.image.digest;
    let why: string | null = null;
    // The data plane takes a moment to learn a new rule.
    for (let attempt = 0; attempt < attempts; attempt++) {
      const [tagged, untagged] = await Promise.all([
        ask(target.probe, true, signal),
        ask(target.probe, false, signal),
      ]);
      why = complaint(tagged, untagged, isSame, target.probe.chain);
      if (why === null) {
        return { findings: [found(tagged, untagged, target.probe)] };
      }
      await Context.current().sleep(pauseMs);
    }
    return fail('probe_failed', { why: why ?? 'no answer.' });
  },
};

function found(tagged: ProbeAnswer, untagged: ProbeAnswer, probe: ProbeTarget): Finding {
  const isTold = [tagged, untagged].every(({ chain, version }) => (chain ?? version) !== null);
  const doubt = doubtOf(
    probe,
    isTold ? [] : [`no answer says from which version it comes (${versionHeader})`],
  );
  const { undeclared } = probe;
  return {
    at: new Date().toISOString(),
    kind: 'probe',
    summary: verdictOf(`tagged: ${nameOf(tagged)}; untagged: ${nameOf(untagged)}`, doubt),
    data: {
      tagged,
      untagged,
      ...(doubt === undefined ? {} : { verified: doubt === null, undeclared, doubt }),
    },
  };
}

const nameOf = ({ chain, version, status }: ProbeAnswer): string => chain ?? version ?? `status ${status}`;

async function ask(
  probe: NonNullable<Target['probe']>,
  tagged: boolean,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const headers = {
    ...(probe.host === null ? {} : { host: probe.host }),
    ...(tagged ? { [probe.tag.header]: probe.tag.value } : {}),
  };
  try {
    const answer = await axios.get<unknown>(probe.entry, {
      headers,
      signal,
      timeout: timeoutMs,
      maxRedirects: 0,
      maxContentLength: 1_000_000,
      responseType: 'text',
      validateStatus: () => true,
    });
    const said = (name: string | undefined): string | null => {
      const value: unknown = name === undefined ? null : answer.headers[name.toLowerCase()];
      return typeof value === 'string' ? value : null;
    };
    return {
      tagged,
      status: answer.status,
      version: said(versionHeader),
      chain: said(probe.chain?.header),
      error: null,
    };
  } catch (error) {
    return { tagged, status: null, version: null, chain: null, error: describe(error) };
  }
}
