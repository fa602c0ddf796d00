// A smooth line through points that never rises above or falls below its neighbours (monotone cubic, Fritsch and Carlson
// 1980): an overshoot would show a mood that no moment has.

export interface Point {
  x: number;
  y: number;
}

function slopes(p: Point[]): number[] {
  const steps = p.slice(1).map((b, i) => {
    const a = p[i] as Point;
    return (b.y - a.y) / (b.x - a.x || 1);
  });
  return p.map((_, i) => {
    const [before, after] = [steps[i - 1], steps[i]];
    if (before === undefined || after === undefined) return before ?? after ?? 0;
    return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
  });
}

/** An SVG path; "" for less than two points. */
export function curve(p: Point[]): string {
  if (p.length < 2) return '';
  const m = slopes(p);
  const n = (v: number) => v.toFixed(1);
  return p.slice(1).reduce(
    (path, b, i) => {
      const a = p[i] as Point;
      const third = (b.x - a.x) / 3;
      return `${path}C${n(a.x + third)} ${n(a.y + third * (m[i] ?? 0))} ${n(b.x - third)} ${n(b.y - third * (m[i + 1] ?? 0))} ${n(b.x)} ${n(b.y)}`;
    },
    `M${n(p[0]?.x ?? 0)} ${n(p[0]?.y ?? 0)}`,
  );
}
