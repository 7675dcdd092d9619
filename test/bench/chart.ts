/** A line chart with logarithmic axes, as SVG. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  /** Both above 0. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const width = 720;
const height = 420;
const area = { left: 70, right: 90, top: 46, bottom: 52 };

export function svg({ title, x, y, series }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const across = axis(
    points.map((p) => p.x),
    area.left,
    width - area.right,
  );
  const up = axis(
    points.map((p) => p.y),
    height - area.bottom,
    area.top,
  );
  const middle = (area.left + width - area.right) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(middle, 24, title, 'middle', '#111', 15),
    ...across.ticks.map((value) => {
      const at = across.place(value);
      return `${rule(at, area.top, at, height - area.bottom)}${text(at, height - area.bottom + 18, spelt(value), 'middle')}`;
    }),
    ...up.ticks.map((value) => {
      const at = up.place(value);
      return `${rule(area.left, at, width - area.right, at)}${text(area.left - 8, at + 4, spelt(value), 'end')}`;
    }),
    text(middle, height - 12, x, 'middle'),
    `<g transform="rotate(-90 16 ${height / 2})">${text(16, height / 2, y, 'middle')}</g>`,
    ...series.filter((one) => one.points.length > 0).map((one) => lineOf(one, across.place, up.place)),
    '</svg>',
    '',
  ].join('\n');
}

interface Axis {
  /** Powers of ten. */
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** From the power of ten below the smallest value to the one above the largest. */
function axis(values: readonly number[], from: number, to: number): Axis {
  const exponents = values.map(Math.log10);
  const low = Math.floor(Math.min(0, ...exponents));
  const high = Math.max(low + 1, Math.ceil(Math.max(0, ...exponents)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { ticks, place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

function lineOf({ name, colour, points }: Series, across: Axis['place'], up: Axis['place']): string {
  const placed = points.map(({ x, y }) => [across(x).toFixed(1), up(y).toFixed(1)] as const);
  const [endX, endY] = placed.at(-1)!;
  const path = placed.map(([x, y]) => `${x},${y}`).join(' ');
  const dots = placed.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`).join('');
  const label = text(Number(endX) + 8, Number(endY) + 4, name, 'start', colour);
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}${label}`;
}

const rule = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;

const text = (x: number, y: number, content: string, anchor: string, colour = '#444', size = 12): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}" font-size="${size}">${escaped(content)}</text>`;

const spelt = (value: number): string => String(Number(value.toPrecision(1)));
const escaped = (content: string): string => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
