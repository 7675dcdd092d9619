/** What a person may do to a release on its way: each is checked and answered at once, and stays on record. */
import type { UpdateDefinition } from '@temporalio/common';
import { setHandler } from '@temporalio/workflow';
import { hasRole } from '../domain/approval.js';
import { milliseconds } from '../domain/duration.js';
import { failure, type Failure } from '../domain/failures.js';
import { shiftProblem, weightProblem } from '../domain/steering.js';
import { isWeight } from '../domain/traffic.js';
import * as messages from './messages.js';
import type { Run } from './run.js';

interface Verb<S extends messages.Steering> {
  readonly name: string;
  /** Why it makes no sense now. */
  readonly problem: (steering: S) => Failure | null;
  readonly act: (steering: S) => void;
  /** What is asked for beside the verb, for the record. */
  readonly detail?: (steering: S) => string;
}

export function listenForSteering(run: Run): void {
  listen(run, messages.pause, {
    name: 'pause',
    problem: () => onTheWay(run, 'pause') ?? when(run, !run.record.paused, 'pause', 'it is paused already.'),
    act: () => void (run.record.paused = true),
  });
  listen(run, messages.resume, {
    name: 'resume',
    problem: () =>
      onTheWay(run, 'resume') ?? when(run, run.record.paused || isDoubtful(run), 'resume', 'it is not held.'),
    act(steering) {
      if (run.record.paused) run.record.paused = false;
      else run.goOn = steering;
    },
  });
  listen(run, messages.abort, {
    name: 'abort',
    problem: () => onTheWay(run, 'abort'),
    act: ({ by, reason }) => run.requestAbort(by.name, reason),
  });
  listenForDetours(run);
  listenForRemedies(run);
}

function listenForDetours(run: Run): void {
  listen(run, messages.weight, {
    name: 'weight',
    problem: ({ weight }) =>
      onTheWay(run, 'weight') ??
      shift(run, 'weight') ??
      when(run, isWeight(weight), 'weight', `${weight} is no whole number from 0 to 100.`) ??
      because(run, 'weight', weightProblem(run.way, weight)),
    act(steering) {
      run.detour = { kind: 'weight', weight: steering.weight, steering };
    },
    detail: ({ weight }) => `${weight} %`,
  });
  listen(run, messages.promote, {
    name: 'promote',
    problem: () => onTheWay(run, 'promote') ?? shift(run, 'promote'),
    act(steering) {
      run.detour = { kind: 'promote', steering };
      run.record.paused = false;
    },
  });
  listen(run, messages.extend, {
    name: 'extend',
    problem: () =>
      onTheWay(run, 'extend') ??
      when(run, run.deadline !== null, 'extend', 'nothing is waited for that has a deadline.'),
    act: ({ duration }) => run.extend(milliseconds(duration)),
    detail: ({ duration }) => duration,
  });
}

function listenForRemedies(run: Run): void {
  const needsHelp = (): boolean => run.asking === 'attention' && run.attention === null;
  const remedies = { retry: messages.retry, abandon: messages.abandon } as const;
  for (const remedy of ['retry', 'abandon'] as const) {
    listen(run, remedies[remedy], {
      name: remedy,
      problem: () =>
        when(run, needsHelp(), remedy, 'it does not need attention.') ??
        because(run, remedy, remedy === 'abandon' ? onlyOne(run) : null),
      act: (steering) => void (run.attention = { remedy, steering }),
    });
  }
  listen(run, messages.skip, {
    name: 'skip',
    problem() {
      if (needsHelp()) return null;
      const why = 'only a hold can be skipped; an approval has to be given, and deploying to be waited for.';
      return onTheWay(run, 'skip') ?? when(run, run.holding && run.cutShort === null, 'skip', why);
    },
    act(steering) {
      if (needsHelp()) run.attention = { remedy: 'skip', steering };
      else run.skipped = steering;
    },
  });
}

/** Why nothing can be abandoned: the release goes on. */
const onlyOne = ({ leaving }: Run): string | null =>
  leaving === null ? null : `only ${leaving} goes back: "skip" leaves it as it is, "abort" takes all back.`;

function listen<S extends messages.Steering>(
  run: Run,
  definition: UpdateDefinition<messages.Answer, [S]>,
  verb: Verb<S>,
): void {
  setHandler(
    definition,
    (steering) => {
      // The validator ran before; between it and here another message may have been handled.
      run.refuse(verb.problem(steering));
      verb.act(steering);
      const detail = verb.detail === undefined ? '' : ` ${verb.detail(steering)}`;
      if (verb.name !== 'abort')
        run.record.note('steering', `${steering.by.name}: ${verb.name}${detail}, ${steering.reason}`);
      return { accepted: true };
    },
    {
      validator: (steering) =>
        run.refuse(
          hasRole(steering.by, 'releaser')
            ? verb.problem(steering)
            : failure('forbidden', { who: steering.by.name, needs: 'releaser' }),
        ),
    },
  );
}

/** Nobody has said yet what to do about an inconclusive analysis. */
const isDoubtful = (run: Run): boolean => run.asking === 'inconclusive' && run.goOn === null;

/** Why a release that has ended, or is being undone, cannot be told where to go. */
function onTheWay(run: Run, action: string): Failure | null {
  const { phase, ended } = run.record;
  const undoing = run.aborted !== null || phase === 'rolling_back' || phase === 'needs_attention';
  if (ended || !undoing) return when(run, true, action, '');
  if (run.leaving !== null && run.aborted === null)
    return action === 'abort'
      ? null
      : run.notNow(action, `${run.leaving} goes back alone, and somebody has to help with that first.`);
  return run.notNow(action, 'it is being undone already.');
}

const shift = (run: Run, action: string): Failure | null => because(run, action, shiftProblem(run.way));

const because = (run: Run, action: string, why: string | null): Failure | null =>
  why === null ? null : run.notNow(action, why);

function when(run: Run, possible: boolean, action: string, why: string): Failure | null {
  if (run.record.ended) return failure('release_ended', { id: run.inputs.id, phase: run.record.phase });
  return possible ? null : run.notNow(action, why);
}
