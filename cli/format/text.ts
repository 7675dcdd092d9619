/** Small pieces of text that several views share. Pure. */

export const shortDigest = (digest: string | null): string =>
  digest === null ? 'digest unknown' : digest.slice(0, 'sha256:'.length + 12);

/** 0 s, 59 s, 4 min 10 s, 2 h 5 min, 3 d 4 h: two units are enough for people. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const [big, small] =
    seconds < 3_600
      ? [`${Math.floor(seconds / 60)} min`, `${seconds % 60} s`]
      : seconds < 86_400
        ? [`${Math.floor(seconds / 3_600)} h`, `${Math.floor((seconds % 3_600) / 60)} min`]
        : [`${Math.floor(seconds / 86_400)} d`, `${Math.floor((seconds % 86_400) / 3_600)} h`];
  return small.startsWith('0 ') ? big : `${big} ${small}`;
}

export function between(from: string, to: string | null, now: number): string {
  return elapsed((to === null ? now : Date.parse(to)) - Date.parse(from));
}

/** When a turn is expected; null: nobody can tell. */
export const expectedText = (at: string | null, now: number): string =>
  at === null ? '' : `its turn in about ${elapsed(Date.parse(at) - now)}`;

/** Columns as wide as their widest cell, two spaces apart; the last is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Control characters, which a remote text could use to repaint the terminal, made visible; newlines become spaces. */
export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/\p{Cc}/gu, '\uFFFD');
}
