/** What a person may do to a release on its way, beside deciding. */
export const steeringVerbs = ['pause', 'resume', 'abort', 'retry', 'skip', 'abandon'] as const;
export type SteeringVerb = (typeof steeringVerbs)[number];

export const steeringSummaries: Readonly<Record<SteeringVerb, string>> = {
  pause: 'Holds before the next step; the weight stays, and stays guarded',
  resume: 'Ends a pause, or goes on although an analysis is inconclusive',
  abort: 'Returns traffic to stable and undoes everything; cannot be taken back',
  retry: 'In needs_attention: tries the undoing again',
  skip: 'In needs_attention: leaves this undoing step out and goes on with the next',
  abandon: 'In needs_attention: ends the release and leaves everything as it is',
};
