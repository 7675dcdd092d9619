/** What a person may do to a release on its way, beside deciding. */
export const steeringVerbs = [
  'pause',
  'resume',
  'skip',
  'extend',
  'weight',
  'promote',
  'abort',
  'retry',
  'abandon',
] as const;
export type SteeringVerb = (typeof steeringVerbs)[number];

export const steeringSummaries: Readonly<Record<SteeringVerb, string>> = {
  pause: 'Holds before the next step; the weight stays, and stays guarded',
  resume: 'Ends a pause, or goes on although an analysis is inconclusive',
  skip: 'Ends the hold that is under way; in needs_attention: leaves this undoing step out and goes on with the next',
  extend: 'Gives what is waited for more time: a hold, an approval, an analysis in doubt',
  weight:
    "Sets gray's share of untagged requests now, holds it, and goes on with the next higher weight of the plan",
  promote:
    'Leaves out the weights and holds that are left; the gates before the first weight cannot be left out',
  abort: 'Returns traffic to stable and undoes everything; cannot be taken back',
  retry: 'In needs_attention: tries the undoing again',
  abandon: 'In needs_attention: ends the release and leaves everything as it is',
};
