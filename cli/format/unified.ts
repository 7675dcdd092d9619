/** A unified diff of two texts, as `diff -u` writes it. Pure. */
const around = 3;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Empty where the texts are the same. */
export function unifiedDiff(from: string, to: string, names: readonly [string, string]): string[] {
  const lines = script(linesOf(from), linesOf(to));
  const changed = lines.flatMap(({ sign }, i) => (sign === ' ' ? [] : [i]));
  if (changed.length === 0) return [];
  return [
    `--- ${names[0]}`,
    `+++ ${names[1]}`,
    ...hunksOf(changed, lines.length).flatMap((h) => hunk(lines, h)),
  ];
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** Ranges of lines around the changes; those that touch are one. End exclusive. */
function hunksOf(changed: readonly number[], length: number): [number, number][] {
  const hunks: [number, number][] = [];
  for (const i of changed) {
    const [start, end] = [Math.max(0, i - around), Math.min(length, i + around + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else hunks.push([start, end]);
  }
  return hunks;
}

function hunk(lines: readonly Line[], [start, end]: readonly [number, number]): string[] {
  const within = lines.slice(start, end);
  const range = (other: '-' | '+'): string => {
    const before = lines.slice(0, start).filter(({ sign }) => sign !== other).length;
    const count = within.filter(({ sign }) => sign !== other).length;
    return `${count === 0 ? before : before + 1},${count}`;
  };
  return [`@@ -${range('+')} +${range('-')} @@`, ...within.map(({ sign, text }) => `${sign}${text}`)];
}

/** The fewest lines that go and come, those that go first; by the longest common subsequence. */
function script(from: readonly string[], to: readonly string[]): Line[] {
  const width = to.length + 1;
  const common = new Uint32Array((from.length + 1) * width);
  for (let i = from.length - 1; i >= 0; i--)
    for (let k = to.length - 1; k >= 0; k--)
      common[i * width + k] =
        from[i] === to[k]
          ? common[(i + 1) * width + k + 1]! + 1
          : Math.max(common[(i + 1) * width + k]!, common[i * width + k + 1]!);
  const lines: Line[] = [];
  for (let [i, k] = [0, 0]; i < from.length || k < to.length;) {
    if (i < from.length && k < to.length && from[i] === to[k]) {
      lines.push({ sign: ' ', text: from[i]! });
      i++;
      k++;
    } else if (
      i < from.length &&
      (k === to.length || common[(i + 1) * width + k]! >= common[i * width + k + 1]!)
    )
      lines.push({ sign: '-', text: from[i++]! });
    else lines.push({ sign: '+', text: to[k++]! });
  }
  return lines;
}
