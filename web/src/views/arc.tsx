import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { ArcPoint, Moment } from '../api';
import { clock, mood, signed } from '../format';
import { t } from '../prefs';
import { curve, type Point } from './curve';

const [WIDTH, HEIGHT, PAD] = [1000, 150, 30];

interface Beat {
  start: number;
  end: number;
  opinion: number;
}

const beatsOf = (arc: ArcPoint[]) =>
  arc.filter((a): a is Beat => a.start !== null && a.end !== null && a.opinion !== null);

const saidIn = (lines: Moment[], b: Beat) =>
  lines
    .filter((l) => l.start !== null && l.start >= b.start - 0.1 && l.start < b.end)
    .map((l) => l.text)
    .join(' ');

/** How the tone goes through the film. A slider of its moments, for hands on keys and for readers; a plot for eyes. */
export function Arc({
  arc,
  lines,
  duration,
  time,
  seek,
}: {
  arc: ArcPoint[];
  lines: Moment[];
  duration: number;
  time: Signal<number>;
  seek: (to: number) => void;
}) {
  const beats = beatsOf(arc);
  const [pointed, point] = useState(-1);
  if (beats.length < 2) return beats.length === 1 ? <p class="quiet">{t().title.arcShort}</p> : null;

  const scale = Math.max(0.4, ...beats.map((b) => Math.abs(b.opinion)));
  const x = (seconds: number) => (seconds / duration) * WIDTH;
  const y = (opinion: number) => HEIGHT / 2 - (opinion / scale) * (HEIGHT / 2 - PAD);
  const middle = (b: Beat) => (b.start + b.end) / 2;
  const points: Point[] = beats.map((b) => ({ x: x(middle(b)), y: y(b.opinion) }));
  const first = points[0] as Point;
  const last = points[points.length - 1] as Point;
  const line = curve([{ x: 0, y: first.y }, ...points, { x: WIDTH, y: last.y }]);

  const now = Math.max(
    0,
    beats.findLastIndex((b) => b.start <= time.value + 0.05),
  );
  const shown = beats[pointed >= 0 ? pointed : now] as Beat;
  const go = (i: number) => seek((beats[Math.max(0, Math.min(beats.length - 1, i))] as Beat).start);
  const nearest = (e: MouseEvent) => {
    const box = (e.currentTarget as Element).getBoundingClientRect();
    const at = ((e.clientX - box.left) / box.width) * duration;
    return beats.reduce(
      (best, b, i) => (Math.abs(middle(b) - at) < Math.abs(middle(beats[best] as Beat) - at) ? i : best),
      0,
    );
  };
  const keys: Record<string, number> = {
    ArrowRight: now + 1,
    ArrowUp: now + 1,
    ArrowLeft: now - 1,
    ArrowDown: now - 1,
    Home: 0,
    End: beats.length - 1,
  };
  const tell = (b: Beat) =>
    t().title.arcAt(clock(b.start), t().moods[mood(b.opinion)], signed(b.opinion), saidIn(lines, b));

  return (
    <section class="arc" aria-labelledby="arc-title">
      <header>
        <h2 id="arc-title">{t().title.arc}</h2>
        <p id="arc-hint" class="quiet">
          {t().title.arcHint}
        </p>
      </header>
      <div
        class="arc-plot"
        role="slider"
        tabIndex={0}
        aria-labelledby="arc-title"
        aria-describedby="arc-hint"
        aria-valuemin={1}
        aria-valuemax={beats.length}
        aria-valuenow={now + 1}
        aria-valuetext={tell(beats[now] as Beat)}
        onKeyDown={(e) => {
          const to = keys[e.key];
          if (to === undefined) return;
          e.preventDefault();
          go(to);
        }}
        onClick={(e) => go(nearest(e))}
        onMouseMove={(e) => point(nearest(e))}
        onMouseLeave={() => point(-1)}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          <defs>
            <linearGradient id="arc-tone" x1="0" y1="0" x2="0" y2={HEIGHT} gradientUnits="userSpaceOnUse">
              <stop offset="0" class="tone-warm" />
              <stop offset="0.5" class="tone-even" />
              <stop offset="1" class="tone-dark" />
            </linearGradient>
          </defs>
          <rect class="arc-beat" x={x(shown.start)} width={x(shown.end - shown.start)} y="0" height={HEIGHT} />
          <path class="arc-area" d={`${line}L${WIDTH} ${HEIGHT / 2}L0 ${HEIGHT / 2}Z`} fill="url(#arc-tone)" />
          <path class="arc-zero" d={`M0 ${HEIGHT / 2}H${WIDTH}`} />
          <path class="arc-line" d={line} stroke="url(#arc-tone)" />
          <path class="arc-now" d={`M${x(time.value).toFixed(1)} 0V${HEIGHT}`} />
        </svg>
        {points.map((p, i) => (
          <span
            key={i}
            class={`arc-dot mood-${mood(beats[i]?.opinion)}`}
            style={{ left: `${p.x / 10}%`, top: `${(p.y / HEIGHT) * 100}%` }}
          />
        ))}
        <span class="arc-end warm" aria-hidden="true">
          {t().title.warm}
        </span>
        <span class="arc-end dark" aria-hidden="true">
          {t().title.dark}
        </span>
      </div>
      <p class="arc-said" aria-hidden="true">
        <span class={`mood mood-${mood(shown.opinion)}`}>
          <span class="mood-dot" /> {clock(shown.start)} {t().moods[mood(shown.opinion)]} {signed(shown.opinion)}
        </span>
        <q>{saidIn(lines, shown)}</q>
      </p>
    </section>
  );
}
