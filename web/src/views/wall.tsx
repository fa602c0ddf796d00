// A wall of thousands of posters, of which only those in sight are in the document. Every card has one size, so its place
// follows from its number.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Title } from '../api';
import { Facts, Poster, nameParts } from '../parts/film';
import { t } from '../prefs';
import { href } from '../router';

interface Grid {
  columns: number;
  width: number; // of a card
  height: number; // of a row, with the gap below
  gap: number;
}

const OVERSCAN = 2; // rows above and below that are ready before they come into sight

function gridFor(width: number): Grid {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const narrow = width < 34 * rem;
  const gap = (narrow ? 0.9 : 1.6) * rem;
  const least = (narrow ? 9.5 : width > 110 * rem ? 18 : 14) * rem;
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const card = (width - gap * (columns - 1)) / columns;
  return { columns, width: card, gap, height: (card * 9) / 16 + (narrow ? 4.9 : 3.6) * rem + gap };
}

export function Wall({ films, total, need }: { films: Title[]; total: number; need: (index: number) => void }) {
  const list = useRef<HTMLUListElement>(null);
  const [grid, setGrid] = useState<Grid>();
  const [rows, setRows] = useState<[number, number]>([0, 8]);
  const [current, setCurrent] = useState(0);
  const toFocus = useRef(-1);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const measure = () => setGrid(gridFor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!grid) return;
    const look = () => {
      const top = -(list.current?.getBoundingClientRect().top ?? 0);
      const first = Math.max(0, Math.floor(top / grid.height) - OVERSCAN);
      const last = Math.ceil((top + innerHeight) / grid.height) + OVERSCAN;
      setRows((was) => (was[0] === first && was[1] === last ? was : [first, last]));
      need(Math.min(total, (last + 1) * grid.columns) - 1);
    };
    look();
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, [grid, total, films]);

  // A list that became shorter keeps a card that Tab can reach.
  useEffect(() => setCurrent((c) => Math.min(c, Math.max(0, total - 1))), [total]);

  useLayoutEffect(() => {
    if (toFocus.current < 0) return;
    const card = list.current?.querySelector<HTMLElement>(`[data-index="${toFocus.current}"]`);
    if (!card) return;
    toFocus.current = -1;
    card.focus();
  });

  const move = (e: KeyboardEvent) => {
    if (!grid) return;
    const row = grid.columns;
    const page = Math.max(1, Math.floor(innerHeight / grid.height)) * row;
    const step: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: row,
      ArrowUp: -row,
      PageDown: page,
      PageUp: -page,
      Home: -total,
      End: total,
    };
    const by = step[e.key];
    if (by === undefined) return;
    e.preventDefault();
    const to = Math.max(0, Math.min(total - 1, current + by));
    need(to);
    setCurrent(to);
    toFocus.current = to;
  };

  const indexes: number[] = [];
  if (grid) {
    for (let i = rows[0] * grid.columns; i < Math.min(total, rows[1] * grid.columns); i++) indexes.push(i);
    if (current < total && !indexes.includes(current)) indexes.push(current);
  }
  return (
    <ul
      class="wall"
      ref={list}
      role="list"
      aria-label={t().library.wall}
      onKeyDown={move}
      style={{ height: `${grid ? Math.ceil(total / grid.columns) * grid.height : 0}px` }}
    >
      {grid &&
        indexes.map((i) => (
          <li
            key={films[i]?.id ?? i}
            aria-setsize={total}
            aria-posinset={i + 1}
            style={{
              width: `${grid.width}px`,
              transform: `translate(${(i % grid.columns) * (grid.width + grid.gap)}px, ${Math.floor(i / grid.columns) * grid.height}px)`,
            }}
          >
            <Card film={films[i]} index={i} tab={i === current} eager={i < 12} onFocus={() => setCurrent(i)} />
          </li>
        ))}
    </ul>
  );
}

function Card({
  film,
  index,
  tab,
  eager,
  onFocus,
}: {
  film: Title | undefined;
  index: number;
  tab: boolean;
  eager: boolean;
  onFocus: () => void;
}) {
  if (!film)
    return (
      <a class="card" data-index={index} tabIndex={tab ? 0 : -1} role="link" aria-disabled="true">
        <span class="poster blank" />
        <span class="unseen">{t().library.waiting}</span>
      </a>
    );
  const [name, rest] = nameParts(film.name);
  return (
    <a
      class="card"
      data-index={index}
      tabIndex={tab ? 0 : -1}
      href={href('title', film.id)}
      title={film.reason ?? film.name}
      onFocus={onFocus}
    >
      <Poster film={film} eager={eager} />
      <span class="card-name">
        {name}
        {rest && <span class="unseen"> {rest}</span>}
      </span>
      <Facts film={film} />
    </a>
  );
}
