// The map's geometry and its drawing: points between -1 and 1, seen through a frame that moves and zooms.
import type { MapPoint } from '../api';

export interface Frame {
  width: number;
  height: number;
  scale: number; // pixels a unit
  x: number; // pixels of the map's middle
  y: number;
}

export interface Place {
  x: number;
  y: number;
}

export const NEAREST = 0.6; // the widest view: of the size that fits
export const CLOSEST = 40;

export function fitting(width: number, height: number, points: MapPoint[]): Frame {
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const span = (v: number[]) =>
    Math.max(0.2, v.reduce((a, b) => Math.max(a, b), -1) - v.reduce((a, b) => Math.min(a, b), 1));
  const middle = (v: number[]) => (v.reduce((a, b) => Math.max(a, b), -1) + v.reduce((a, b) => Math.min(a, b), 1)) / 2;
  const scale = Math.min((width * 0.8) / span(xs), (height * 0.78) / span(ys));
  return { width, height, scale, x: width / 2 - middle(xs) * scale, y: height / 2 + middle(ys) * scale };
}

export const at = (f: Frame, p: Place): Place => ({ x: f.x + p.x * f.scale, y: f.y - p.y * f.scale });

/** Zooms about a place on the screen, which stays where it is. */
export function zoomed(f: Frame, factor: number, about: Place, fit: number): Frame {
  const scale = Math.max(fit * NEAREST, Math.min(fit * CLOSEST, f.scale * factor));
  const by = scale / f.scale;
  return { ...f, scale, x: about.x - (about.x - f.x) * by, y: about.y - (about.y - f.y) * by };
}

export function nearest(f: Frame, points: MapPoint[], to: Place, within: number): number {
  let best = -1;
  let least = within * within;
  points.forEach((p, i) => {
    const s = at(f, p);
    const d = (s.x - to.x) ** 2 + (s.y - to.y) ** 2;
    if (d < least) [best, least] = [i, d];
  });
  return best;
}

/** The next point in a direction: near, and rather straight ahead than aside. */
export function towards(points: MapPoint[], from: MapPoint, dx: number, dy: number): number {
  let best = -1;
  let least = Infinity;
  points.forEach((p, i) => {
    const ahead = (p.x - from.x) * dx + (p.y - from.y) * dy;
    const aside = Math.abs((p.x - from.x) * dy - (p.y - from.y) * dx);
    const cost = ahead + 2 * aside;
    if (ahead > 1e-9 && aside <= 2 * ahead && cost < least) [best, least] = [i, cost];
  });
  return best;
}

/** Is it inside the polygon? Even-odd rule. */
export function inside(polygon: Place[], p: Place): boolean {
  let is = false;
  polygon.forEach((a, i) => {
    const b = polygon[(i + polygon.length - 1) % polygon.length] as Place;
    if (a.y > p.y !== b.y > p.y && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x) is = !is;
  });
  return is;
}

export interface Look {
  colour: (p: MapPoint) => string;
  ink: string;
  paper: string;
  accent: string;
  font: string;
  chosen: Set<string>;
  focus: number;
  loop: Place[];
  label: (p: MapPoint) => string;
  titles: { x: number; y: number; text: string }[]; // of groups
}

export function draw(canvas: HTMLCanvasElement, f: Frame, points: MapPoint[], look: Look) {
  const dpr = devicePixelRatio || 1;
  const c = canvas.getContext('2d');
  if (!c) return;
  c.setTransform(dpr, 0, 0, dpr, 0, 0);
  c.clearRect(0, 0, f.width, f.height);
  // Small enough for thousands, large enough for a finger on sixteen.
  const r =
    Math.max(3, Math.min(9, 60 / Math.sqrt(points.length))) * Math.min(1.8, Math.max(1, Math.sqrt(f.scale / 300)));
  drawGroupNames(c, f, look);
  for (const p of points) {
    const s = at(f, p);
    if (s.x < -r || s.y < -r || s.x > f.width + r || s.y > f.height + r) continue;
    c.beginPath();
    c.arc(s.x, s.y, r, 0, 2 * Math.PI);
    c.fillStyle = look.colour(p);
    c.fill();
    c.lineWidth = 1.5;
    c.strokeStyle = look.paper;
    c.stroke();
    if (!look.chosen.has(p.id)) continue;
    c.beginPath();
    c.arc(s.x, s.y, r + 4, 0, 2 * Math.PI);
    c.lineWidth = 2.5;
    c.strokeStyle = look.accent;
    c.stroke();
  }
  drawNames(c, f, points, look, r);
  drawLoop(c, look);
}

function drawGroupNames(c: CanvasRenderingContext2D, f: Frame, look: Look) {
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  c.font = `italic 20px ${look.font}`;
  c.fillStyle = look.ink;
  c.globalAlpha = 0.42;
  for (const g of look.titles) {
    const s = at(f, g);
    c.fillText(g.text, s.x, s.y);
  }
  c.globalAlpha = 1;
}

/** Names where there is room for them: the focused and chosen ones first, then as they come. */
function drawNames(c: CanvasRenderingContext2D, f: Frame, points: MapPoint[], look: Look, r: number) {
  const taken: { left: number; right: number; top: number; bottom: number }[] = [];
  const order = points.map((_, i) => i).sort((a, b) => rank(b) - rank(a));
  function rank(i: number) {
    return i === look.focus ? 2 : look.chosen.has((points[i] as MapPoint).id) ? 1 : 0;
  }
  c.textAlign = 'left';
  c.textBaseline = 'middle';
  c.font = '13px system-ui, sans-serif';
  // What few points there are, names leave free.
  if (points.length <= 200)
    for (const p of points) {
      const s = at(f, p);
      taken.push({ left: s.x - r, right: s.x + r, top: s.y - r, bottom: s.y + r });
    }
  let budget = 60; // measured texts a frame, so that thousands stay smooth
  for (const i of order) {
    const p = points[i] as MapPoint;
    const s = at(f, p);
    if (s.x < 0 || s.y < 0 || s.x > f.width || s.y > f.height) continue;
    if (budget-- <= 0) return;
    const text = look.label(p);
    const wide = c.measureText(text).width;
    const off = r + (rank(i) ? 12 : 6);
    const sides = [s.x + off, s.x - off - wide].filter((x) => x >= 0 && x + wide <= f.width);
    const free = (x: number) =>
      !taken.some((t) => x < t.right && x + wide > t.left && s.y - 9 < t.bottom && s.y + 9 > t.top);
    const left = sides.find(free) ?? (i === look.focus ? sides[0] : undefined);
    if (left === undefined) continue;
    taken.push({ left, right: left + wide, top: s.y - 9, bottom: s.y + 9 });
    c.lineWidth = 4;
    c.lineJoin = 'round';
    c.strokeStyle = look.paper;
    c.strokeText(text, left, s.y);
    c.fillStyle = look.ink;
    c.globalAlpha = rank(i) ? 1 : 0.82;
    c.fillText(text, left, s.y);
    c.globalAlpha = 1;
    if (i === look.focus) {
      c.beginPath();
      c.arc(s.x, s.y, r + 7, 0, 2 * Math.PI);
      c.lineWidth = 1.5;
      c.strokeStyle = look.ink;
      c.stroke();
    }
  }
}

function drawLoop(c: CanvasRenderingContext2D, look: Look) {
  if (look.loop.length < 2) return;
  c.beginPath();
  look.loop.forEach((p, i) => (i ? c.lineTo(p.x, p.y) : c.moveTo(p.x, p.y)));
  c.closePath();
  c.globalAlpha = 0.12;
  c.fillStyle = look.accent;
  c.fill();
  c.globalAlpha = 1;
  c.setLineDash([5, 5]);
  c.lineWidth = 1.5;
  c.strokeStyle = look.accent;
  c.stroke();
  c.setLineDash([]);
}
