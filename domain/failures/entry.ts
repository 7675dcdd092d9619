/** What an entry of the catalogue is made of. */

export interface Entry {
  readonly status: number;
  readonly retryable: boolean;
  readonly message: string;
  readonly remedy: string;
}

/** The same again would fail again. */
export const terminal = (status: number, message: string, remedy: string): Entry => ({
  status,
  retryable: false,
  message,
  remedy,
});
/** Trying again unchanged can help. */
export const transient = (status: number, message: string, remedy: string): Entry => ({
  status,
  retryable: true,
  message,
  remedy,
});
/** Names for people. */
export const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));
