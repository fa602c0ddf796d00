import { useEffect, useRef, useState } from 'preact/hooks';
import { api, type FoundMoment } from '../api';
import { clock } from '../format';
import { moveAmong } from '../keys';
import { useLoaded, useSettled } from '../load';
import { Choice, Select } from '../parts/controls';
import { MoodMark, Poster, nameParts } from '../parts/film';
import { Icon } from '../parts/icon';
import { Failed, Nothing, Waiting } from '../parts/states';
import { languageName } from '../format';
import { t } from '../prefs';
import { go, href, replace, route } from '../router';

type Mode = 'both' | 'meaning' | 'words';

const LIMIT = 30;

const place = (m: FoundMoment) => href('title', m.title.id, { t: (m.at ?? m.start ?? 0).toFixed(1), play: 1 });

/** The text with its found words marked: pieces of text, never markup. Offsets count characters, not UTF-16 units. */
function Marked({ text, highlights }: { text: string; highlights: FoundMoment['highlights'] }) {
  const characters = Array.from(text);
  const pieces = [];
  let at = 0;
  for (const h of highlights) {
    if (h.start < at) continue;
    pieces.push(
      characters.slice(at, h.start).join(''),
      <mark key={h.start}>{characters.slice(h.start, h.end).join('')}</mark>,
    );
    at = h.end;
  }
  return <>{[...pieces, characters.slice(at).join('')]}</>;
}

export function Search() {
  const query = route.value.query;
  const [typed, setTyped] = useState(query.get('q') ?? '');
  const mode = (query.get('mode') ?? 'both') as Mode;
  const language = query.get('language') ?? '';
  const text = useSettled(typed.trim(), 220);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const stats = useLoaded((signal) => api.stats(signal), ['stats']);
  const found = useLoaded(
    (signal) =>
      text ? api.search({ q: text, mode, limit: LIMIT, language }, signal) : Promise.resolve({ moments: [] }),
    [text, mode, language],
  );
  const moments = text ? (found.data?.moments ?? []) : [];
  const settled = text === typed.trim() && !found.loading;

  useEffect(() => input.current?.focus(), []);
  useEffect(() => address({}), [text]);

  const address = (changes: Record<string, string>) =>
    replace(href('search', '', { q: text, mode: mode === 'both' ? '' : mode, language, ...changes }));

  // Enter before the answer is there means the answer that comes.
  const eager = useRef(false);
  useEffect(() => {
    if (!eager.current || !settled) return;
    eager.current = false;
    if (moments[0]) go(place(moments[0]));
  }, [settled]);

  const enter = () => {
    if (!typed.trim()) return;
    if (settled && moments[0]) go(place(moments[0]));
    else eager.current = true;
  };
  return (
    <div class="search">
      <h1 class="unseen">{t().search.title}</h1>
      <form
        role="search"
        onSubmit={(e) => {
          e.preventDefault();
          enter();
        }}
      >
        <label for="phrase" class="unseen">
          {t().search.label}
        </label>
        <div class="phrase">
          <Icon name="search" />
          <input
            id="phrase"
            type="search"
            ref={input}
            value={typed}
            placeholder={t().search.hint}
            autocomplete="off"
            maxLength={500}
            aria-describedby="search-keys"
            onInput={(e) => {
              eager.current = false;
              setTyped(e.currentTarget.value);
            }}
            onKeyDown={(e) => {
              if (e.key !== 'ArrowDown') return;
              e.preventDefault();
              list.current?.querySelector<HTMLElement>('a.hit')?.focus();
            }}
          />
        </div>
        <div class="search-controls">
          <Choice
            label={t().search.how}
            value={mode}
            options={(['both', 'meaning', 'words'] as const).map((m) => ({ value: m, label: t().search[m] }))}
            onChange={(m) => address({ mode: m === 'both' ? '' : m })}
          />
          <Select
            label={t().search.language}
            value={language}
            options={[
              { value: '', label: t().library.anyLanguage },
              ...(stats.data?.languages ?? []).flatMap((l) =>
                l.language ? [{ value: l.language, label: languageName(l.language) }] : [],
              ),
            ]}
            onChange={(l) => address({ language: l })}
          />
        </div>
      </form>
      <p class="quiet search-count">
        <span aria-live="polite">{text && settled && !found.problem ? t().search.results(moments.length) : ''}</span>{' '}
        <span id="search-keys" class={moments.length ? '' : 'unseen'}>
          {moments.length > 0 && '· '}
          {t().search.keys}
        </span>
      </p>
      {found.problem?.status === 409 ? (
        <Nothing title={t().library.empty}>{t().library.emptyMore}</Nothing>
      ) : found.problem ? (
        <Failed problem={found.problem} again={found.again} />
      ) : !text ? (
        <div class="notice">
          <p class="search-intro">{t().search.intro}</p>
          <p class="quiet">{t().search.examples}</p>
          <p class="examples">
            {t().search.exampleList.map((example) => (
              <button class="button" key={example} onClick={() => setTyped(example)}>
                {example}
              </button>
            ))}
          </p>
        </div>
      ) : moments.length ? (
        <ol
          class={settled ? 'hits' : 'hits stale'}
          ref={list}
          role="list"
          onKeyDown={(e) => {
            if (!list.current) return;
            const first = list.current.querySelector('a.hit');
            if (e.key === 'ArrowUp' && document.activeElement === first) {
              e.preventDefault();
              input.current?.focus();
            } else moveAmong(list.current, 'a.hit', e);
          }}
        >
          {moments.map((m) => (
            <Hit key={`${m.title.id} ${m.start}`} m={m} />
          ))}
        </ol>
      ) : settled ? (
        <Nothing title={t().search.none}>{t().search.noneMore}</Nothing>
      ) : (
        <Waiting />
      )}
    </div>
  );
}

function Hit({ m }: { m: FoundMoment }) {
  const at = m.at ?? m.start;
  const [name] = nameParts(m.title.name);
  return (
    <li>
      <a class="hit" href={place(m)}>
        <span class="hit-picture">
          <Poster film={m.title} />
          {at !== null && (
            <span class="hit-time">
              <Icon name="play" />
              {clock(at)}
            </span>
          )}
        </span>
        <span class="hit-words">
          <q lang={m.title.language ?? ''}>
            <Marked text={m.text} highlights={m.highlights} />
          </q>
          <span class="hit-film">
            <strong>{name}</strong>
            <span class="facts">
              {m.title.year !== null && <span>{m.title.year}</span>}
              <span>{languageName(m.title.language ?? '')}</span>
              <MoodMark opinion={m.opinion} />
            </span>
          </span>
        </span>
      </a>
    </li>
  );
}
