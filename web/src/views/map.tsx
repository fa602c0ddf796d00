import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, type MapGroup, type MapPoint } from '../api';
import { languageName, mood } from '../format';
import { news } from '../ingest';
import { useLoaded, useSettled } from '../load';
import { Answers } from '../parts/answers';
import { Choice } from '../parts/controls';
import { nameParts } from '../parts/film';
import { Icon } from '../parts/icon';
import { Failed, Nothing, Waiting } from '../parts/states';
import { t, theme } from '../prefs';
import { go, href } from '../router';
import { at, draw, fitting, inside, nearest, towards, zoomed, type Frame, type Place } from './plot';

type By = 'mood' | 'language' | 'group';
interface Legend {
  key: string;
  label: string;
  colour: string; // a custom property of the style sheet
}

const HUES = 8; // told apart by those who see few colours too; what comes behind them is "others"
const REACH = 18; // pixels from a point that still mean it
const FEW = 60; // below it every film has room for its name, and the names of groups are in the way
const MOST = 100; // likes that /recommend takes

const moods = ['dark', 'sombre', 'even', 'bright', 'warm'] as const;

function legendOf(by: By, points: MapPoint[], groups: MapGroup[]): { entries: Legend[]; key: (p: MapPoint) => string } {
  if (by === 'mood')
    return {
      entries: moods.map((m) => ({ key: m, label: t().moods[m], colour: `--mood-${m}` })),
      key: (p) => mood(p.opinion),
    };
  const of = (p: MapPoint) => (by === 'language' ? (p.language ?? '') : String(p.group));
  const counts = new Map<string, number>();
  for (const p of points) counts.set(of(p), (counts.get(of(p)) ?? 0) + 1);
  const name = (key: string) =>
    by === 'language' ? languageName(key) : groups[Number(key)]?.words.join(', ') || t().map.group(Number(key) + 1);
  const entries = [...counts.keys()]
    .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
    .slice(0, HUES)
    .map((key, i) => ({ key, label: name(key), colour: `--hue-${i + 1}` }));
  const known = new Set(entries.map((e) => e.key));
  if (counts.size > HUES) entries.push({ key: 'other', label: t().map.other, colour: '--mood-none' });
  return { entries, key: (p) => (known.has(of(p)) ? of(p) : 'other') };
}

export function MapView() {
  const map = useLoaded((signal) => api.map(signal), ['map', useSettled(news.value, 1000)]);
  if (map.problem && !map.data) return <Failed problem={map.problem} again={map.again} />;
  if (!map.data) return <Waiting />;
  if (map.data.points.length < 2)
    return (
      <Nothing
        title={t().map.empty}
        action={
          <a class="button primary" href={href('ingest')}>
            {t().library.emptyDo}
          </a>
        }
      >
        {t().map.emptyMore}
      </Nothing>
    );
  return <Map_ points={map.data.points} groups={map.data.groups} />;
}

function Map_({ points, groups }: { points: MapPoint[]; groups: MapGroup[] }) {
  const [by, setBy] = useState<By>('mood');
  const [chosen, choose] = useState<Set<string>>(new Set());
  const [lasso, setLasso] = useState(false);
  const toggle = (ids: string[]) =>
    choose((was) => {
      const next = new Set(was);
      const all = ids.every((id) => was.has(id));
      for (const id of ids) all ? next.delete(id) : next.add(id);
      return next;
    });
  const legend = legendOf(by, points, groups);
  return (
    <div class="map">
      <div class="bar">
        <h1>{t().map.title}</h1>
        <p class="count">{t().map.intro}</p>
        <div class="bar-controls">
          <Choice
            label={t().map.colour}
            value={by}
            options={(['mood', 'language', 'group'] as const).map((b) => ({ value: b, label: t().map.by[b] }))}
            onChange={setBy}
          />
          <Choice
            label={t().map.tool}
            value={lasso ? 'lasso' : 'move'}
            options={[
              { value: 'move', label: t().map.move },
              { value: 'lasso', label: t().map.lasso },
            ]}
            onChange={(tool) => setLasso(tool === 'lasso')}
          />
        </div>
      </div>
      <Canvas
        points={points}
        groups={by === 'group' ? groups : []}
        legend={legend}
        chosen={chosen}
        toggle={toggle}
        lasso={lasso}
        clear={() => choose(new Set())}
      />
      <ul class="legend" role="list" aria-label={t().map.colour}>
        {legend.entries.map((e) => (
          <li key={e.key}>
            <span class="legend-dot" style={{ background: `var(${e.colour})` }} />
            {e.label}
          </li>
        ))}
      </ul>
      <Chosen points={points} chosen={chosen} toggle={toggle} clear={() => choose(new Set())} />
    </div>
  );
}

interface CanvasProps {
  points: MapPoint[];
  groups: MapGroup[];
  legend: ReturnType<typeof legendOf>;
  chosen: Set<string>;
  toggle: (ids: string[]) => void;
  lasso: boolean;
  clear: () => void;
}

function Canvas({ points, groups, legend, chosen, toggle, lasso, clear }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [frame, setFrame] = useState<Frame>();
  const fit = useRef(1);
  const [focus, setFocus] = useState(-1);
  const [loop, setLoop] = useState<Place[]>([]);
  const hands = useRef(new Map<number, Place>()); // pointers that are down
  const moved = useRef(0);

  const whole = () => {
    const box = canvas.current?.parentElement?.getBoundingClientRect();
    if (!box) return;
    const f = fitting(box.width, box.height, points);
    fit.current = f.scale;
    setFrame(f);
  };
  useLayoutEffect(() => {
    const box = canvas.current?.parentElement;
    if (!box) return;
    whole();
    const observer = new ResizeObserver(whole);
    observer.observe(box);
    return () => observer.disconnect();
  }, [points]);

  const key = theme.value;
  const colours = useMemo(() => {
    const css = getComputedStyle(document.documentElement);
    const read = (name: string) => css.getPropertyValue(name).trim();
    return {
      of: new Map(legend.entries.map((e) => [e.key, read(e.colour)])),
      none: read('--mood-none'),
      ink: read('--ink'),
      paper: read('--surface'),
      accent: read('--accent'),
      font: read('--serif'),
    };
  }, [legend, key]);

  useEffect(() => {
    if (!frame || !canvas.current) return;
    const dpr = devicePixelRatio || 1;
    canvas.current.width = Math.round(frame.width * dpr);
    canvas.current.height = Math.round(frame.height * dpr);
  }, [frame?.width, frame?.height]);

  useEffect(() => {
    if (!frame || !canvas.current) return;
    draw(canvas.current, frame, points, {
      ...colours,
      colour: (p) => colours.of.get(legend.key(p)) ?? colours.none,
      chosen,
      focus,
      loop,
      label: (p) => nameParts(p.name)[0],
      titles: points.length < FEW ? [] : groups.map((g) => ({ x: g.x, y: g.y, text: g.words.join(', ') })),
    });
  });

  const placeOf = (e: MouseEvent): Place => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: e.clientX - (box?.left ?? 0), y: e.clientY - (box?.top ?? 0) };
  };
  const zoom = (factor: number, about?: Place) =>
    setFrame((f) => f && zoomed(f, factor, about ?? { x: f.width / 2, y: f.height / 2 }, fit.current));

  // Preact listens passively to wheels, and a passive listener cannot keep the page from scrolling.
  useEffect(() => {
    const element = canvas.current;
    const wheel = (e: WheelEvent) => {
      e.preventDefault();
      zoom(Math.exp(-e.deltaY * 0.0016), placeOf(e));
    };
    element?.addEventListener('wheel', wheel, { passive: false });
    return () => element?.removeEventListener('wheel', wheel);
  }, []);

  const down = (e: PointerEvent) => {
    canvas.current?.setPointerCapture(e.pointerId);
    hands.current.set(e.pointerId, placeOf(e));
    moved.current = 0;
    if (lasso || e.shiftKey) setLoop([placeOf(e)]);
  };
  const move = (e: PointerEvent) => {
    const here = placeOf(e);
    const before = hands.current.get(e.pointerId);
    if (!frame) return;
    if (!before) {
      setFocus(nearest(frame, points, here, REACH));
      return;
    }
    moved.current += Math.hypot(here.x - before.x, here.y - before.y);
    hands.current.set(e.pointerId, here);
    const other = [...hands.current].find(([id]) => id !== e.pointerId)?.[1];
    if (loop.length) setLoop((l) => [...l, here]);
    else if (other)
      zoom(
        Math.hypot(here.x - other.x, here.y - other.y) /
          Math.max(1, Math.hypot(before.x - other.x, before.y - other.y)),
        other,
      );
    else setFrame((f) => f && { ...f, x: f.x + here.x - before.x, y: f.y + here.y - before.y });
  };
  const up = (e: PointerEvent) => {
    if (!hands.current.delete(e.pointerId) || !frame) return;
    const still = moved.current < 6;
    if (loop.length > 2 && !still) {
      const ids = points.filter((p) => inside(loop, at(frame, p)) && !chosen.has(p.id)).map((p) => p.id);
      if (ids.length) toggle(ids);
    } else if (still) {
      const i = nearest(frame, points, placeOf(e), REACH);
      const p = points[i];
      if (p) {
        setFocus(i);
        toggle([p.id]);
      }
    }
    setLoop([]);
  };

  const here = points[focus];
  const keys: Record<string, () => void> = {
    ArrowLeft: () => step(-1, 0),
    ArrowRight: () => step(1, 0),
    ArrowUp: () => step(0, 1),
    ArrowDown: () => step(0, -1),
    ' ': () => here && toggle([here.id]),
    Enter: () => here && go(href('title', here.id)),
    '+': () => zoom(1.3),
    '=': () => zoom(1.3),
    '-': () => zoom(1 / 1.3),
    '0': whole,
    Escape: clear,
  };
  const step = (dx: number, dy: number) => {
    const to = here ? towards(points, here, dx, dy) : 0;
    const p = points[to];
    if (!p || !frame) return;
    setFocus(to);
    const s = at(frame, p);
    const edge = 40;
    const into = (v: number, most: number) => (v < edge ? edge - v : v > most - edge ? most - edge - v : 0);
    setFrame({ ...frame, x: frame.x + into(s.x, frame.width), y: frame.y + into(s.y, frame.height) });
  };
  return (
    <div class={lasso ? 'map-frame lasso' : 'map-frame'}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={t().map.label}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onPointerLeave={() => hands.current.size === 0 && setFocus(-1)}
        onDblClick={() => here && go(href('title', here.id))}
        onFocus={() => focus < 0 && setFocus(0)}
        onKeyDown={(e) => {
          const act = keys[e.key];
          if (!act || e.ctrlKey || e.metaKey || e.altKey) return;
          e.preventDefault();
          act();
        }}
      />
      <p class="unseen" aria-live="polite">
        {here
          ? t().map.pointAt(
              nameParts(here.name)[0],
              languageName(here.language ?? ''),
              t().moods[mood(here.opinion)],
              chosen.has(here.id),
            )
          : ''}
      </p>
      <div class="map-tools">
        <button class="tool" aria-label={t().map.zoomIn} onClick={() => zoom(1.4)}>
          <Icon name="ingest" />
        </button>
        <button class="tool" aria-label={t().map.zoomOut} onClick={() => zoom(1 / 1.4)}>
          <Icon name="minus" />
        </button>
        <button class="tool" aria-label={t().map.reset} onClick={whole}>
          <Icon name="frame" />
        </button>
      </div>
    </div>
  );
}

function Chosen({
  points,
  chosen,
  toggle,
  clear,
}: {
  points: MapPoint[];
  chosen: Set<string>;
  toggle: (ids: string[]) => void;
  clear: () => void;
}) {
  const films = points.filter((p) => chosen.has(p.id));
  const ids = useSettled(
    films.slice(0, MOST).map((p) => p.id),
    200,
  );
  const answer = useLoaded(
    (signal) =>
      ids.length ? api.recommend({ likes: ids, limit: 8, language: 'any' }, signal) : Promise.resolve(undefined),
    [ids],
  );
  if (!films.length) return <p class="quiet map-hint">{t().map.choose}</p>;
  const list = answer.data?.recommendations ?? [];
  return (
    <section class="chosen" aria-labelledby="chosen-title">
      <header>
        <h2 id="chosen-title">{t().map.recommend}</h2>
        <p class="count" aria-live="polite">
          {t().map.chosen(films.length)}
        </p>
        <button class="button quiet-button" onClick={clear}>
          {t().map.clear}
        </button>
      </header>
      <ul class="chips" role="list">
        {films.slice(0, 24).map((p) => (
          <li key={p.id}>
            <button class="chip" onClick={() => toggle([p.id])} aria-label={t().map.unchoose(nameParts(p.name)[0])}>
              {nameParts(p.name)[0]}
              <Icon name="close" />
            </button>
          </li>
        ))}
        {films.length > 24 && <li class="quiet">+{films.length - 24}</li>}
      </ul>
      {films.length > MOST && <p class="quiet">{t().map.tooMany(MOST)}</p>}
      {answer.problem ? (
        <Failed problem={answer.problem} again={answer.again} />
      ) : list.length ? (
        <Answers list={list} asked={new Map(answer.data?.query.likes.map((f) => [f.id, f]))} here={false} />
      ) : answer.loading ? (
        <Waiting />
      ) : (
        <Nothing title={t().similar.none} />
      )}
    </section>
  );
}
