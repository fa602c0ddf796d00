// How a film is shown anywhere: its picture, its name, its facts in a line.
import { useState } from 'preact/hooks';
import { links, revival, type Title } from '../api';
import { languageName, length, mood, shown, signed } from '../format';
import { renewals } from '../ingest';
import { t } from '../prefs';
import { Spool } from './icon';

/** "The Lantern Fleet - Official Trailer" reads as a name and a line below it. */
export function nameParts(name: string): [string, string] {
  const at = shown(name).indexOf(' - ');
  return at > 0 ? [shown(name).slice(0, at), shown(name).slice(at + 3)] : [shown(name), ''];
}

// A hue that a name keeps in every library and on every visit (FNV-1a).
export function hue(name: string): number {
  let h = 0x811c9dc5;
  for (const c of name) h = Math.imul(h ^ (c.codePointAt(0) ?? 0), 0x01000193);
  return (h >>> 0) % 360;
}

// Posters that were asked for and are not there, so that scrolling past again does not ask again, until a run ends, or
// others change the library, which may have brought some.
const without = new Set<string>();
renewals.subscribe(() => without.clear());
revival.subscribe(() => without.clear());

type Pictured = Pick<Title, 'id' | 'name' | 'opinion'> & { links?: Title['links'] };

/** Drawn from its name and mood; the picture, where there is one, lies over it once it is loaded. */
export function Poster({ film, eager }: { film: Pictured; eager?: boolean }) {
  const key = `${film.id} ${revival.value}`;
  const [ended, end] = useState<{ key: string; how: 'there' | 'none'; run: number }>();
  const wanted = film.links?.poster !== null && !without.has(film.id);
  const known = ended?.key === key && (ended.how === 'there' || ended.run === renewals.value);
  const state = known ? ended.how : wanted ? 'waiting' : 'none';
  return (
    <span class="poster" style={{ '--hue': hue(film.name) }}>
      {state !== 'there' && (
        <span class={`drawn mood-${mood(film.opinion)}`} aria-hidden="true">
          <Spool />
          <span class="drawn-name">{nameParts(film.name)[0]}</span>
        </span>
      )}
      {state !== 'none' && (
        <img
          key={key}
          src={links.poster(film.id)}
          alt=""
          width="480"
          height="270"
          loading={eager ? 'eager' : 'lazy'}
          decoding="async"
          class={state}
          onLoad={() => end({ key, how: 'there', run: renewals.value })}
          onError={() => {
            without.add(film.id);
            end({ key, how: 'none', run: renewals.value });
          }}
        />
      )}
    </span>
  );
}

export function MoodMark({ opinion, value }: { opinion: number | null; value?: boolean }) {
  const word = mood(opinion);
  return (
    <span class={`mood mood-${word}`}>
      <span class="mood-dot" aria-hidden="true" />
      <span class="unseen">{t().mood}: </span>
      {t().moods[word]}
      {value && opinion !== null && <span class="figure"> {signed(opinion)}</span>}
    </span>
  );
}

/** Language, length, mood; or, where the film is not ready, why. */
export function Facts({ film, plain }: { film: Title; plain?: boolean }) {
  return (
    <span class="facts">
      {film.state === 'ready' || film.state === 'silent' ? (
        <>
          {film.year !== null && <span>{film.year}</span>}
          <span>{languageName(film.language ?? '')}</span>
          {film.duration !== null && <span>{length(film.duration)}</span>}
          {film.opinion !== null && !plain && <MoodMark opinion={film.opinion} />}
          {film.state === 'silent' && <span>{t().states.silent}</span>}
        </>
      ) : (
        <span class={`state state-${film.state}`}>{t().states[film.state]}</span>
      )}
    </span>
  );
}
