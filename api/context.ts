/** What every handler may use. */
import type { Actor } from '../domain/approval.js';
import type { Logger } from './log.js';

export interface AppEnv {
  readonly Variables: {
    /** Set on /v1 routes. */
    readonly actor: Actor;
    readonly requestId: string;
    readonly log: Logger;
  };
}
