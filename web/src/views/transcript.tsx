import { computed, type Signal } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Moment } from '../api';
import { clock } from '../format';
import { moveAmong } from '../keys';
import { calm, t } from '../prefs';

/** The last line that has begun; -1 before the first. */
export function lineAt(lines: Moment[], time: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.start ?? 0) <= time + 0.05) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** What is said, line by line: it follows the film, and a line that is chosen is played. */
export function Transcript({
  lines,
  language,
  time,
  seek,
}: {
  lines: Moment[];
  language: string | null;
  time: Signal<number>;
  seek: (to: number) => void;
}) {
  const panel = useRef<HTMLOListElement>(null);
  const [follow, setFollow] = useState(true);
  const [find, setFind] = useState('');
  const timed = lines.some((l) => l.start !== null);
  const current = useMemo(() => computed(() => (timed ? lineAt(lines, time.value) : -1)), [lines]).value;
  const wanted = folded(find.trim());
  const keys = useMemo(() => lines.map((l) => folded(l.text)), [lines]);

  // Only the panel scrolls: the page stays where its reader has it.
  useEffect(() => {
    const box = panel.current;
    const line = box?.querySelector<HTMLElement>('[aria-current=true]');
    if (!follow || wanted || !box || !line || box.contains(document.activeElement)) return;
    box.scrollTo({
      top: line.offsetTop - box.clientHeight / 2 + line.offsetHeight / 2,
      behavior: calm() ? 'auto' : 'smooth',
    });
  }, [current, follow, wanted]);

  return (
    <section class="transcript" aria-labelledby="transcript-title">
      <header>
        <h2 id="transcript-title">{t().title.transcript}</h2>
        {timed && (
          <label class="check">
            <input type="checkbox" checked={follow} onChange={(e) => setFollow(e.currentTarget.checked)} />
            {t().title.follow}
          </label>
        )}
      </header>
      {lines.length === 0 ? (
        <p class="quiet">{t().title.noWords}</p>
      ) : (
        <>
          <input
            class="transcript-find"
            type="search"
            value={find}
            placeholder={t().title.find}
            aria-label={t().title.find}
            onInput={(e) => setFind(e.currentTarget.value)}
          />
          <ol
            ref={panel}
            lang={language ?? ''}
            onKeyDown={(e) => panel.current && moveAmong(panel.current, 'button', e)}
          >
            {lines.map((line, i) =>
              wanted && !keys[i]?.includes(wanted) ? null : (
                <li key={i}>
                  <button
                    class="line"
                    aria-current={i === current}
                    tabIndex={i === Math.max(0, current) || wanted ? 0 : -1}
                    disabled={line.start === null}
                    onClick={() => line.start !== null && seek(line.start)}
                  >
                    {line.start !== null && <time>{clock(line.start)}</time>}
                    <span>{line.text}</span>
                  </button>
                </li>
              ),
            )}
          </ol>
        </>
      )}
    </section>
  );
}
