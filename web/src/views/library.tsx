import { useEffect, useRef, useState } from 'preact/hooks';
import { api, revival, type Page, type Params, type Title, Problem } from '../api';
import { languageName, number } from '../format';
import { news } from '../ingest';
import { useKeys } from '../keys';
import { useLoaded, useSettled } from '../load';
import { Select } from '../parts/controls';
import { AllowFolder } from '../parts/folders';
import { Icon } from '../parts/icon';
import { Failed, Nothing, Waiting } from '../parts/states';
import { t } from '../prefs';
import { go, href, replace, route } from '../router';
import { Wall } from './wall';

const orders = {
  name: { sort: 'name', order: 'asc' },
  added: { sort: 'added', order: 'desc' },
  duration: { sort: 'duration', order: 'desc' },
  mood: { sort: 'opinion', order: 'desc' },
  '-mood': { sort: 'opinion', order: 'asc' },
  year: { sort: 'year', order: 'desc' },
} as const;
type Order = keyof typeof orders;

const FIRST = 60; // a wall screen of them, so that the first paint waits for little
const MORE = 200;

interface Films {
  key: string;
  films: Title[];
  total: number;
  next: string | null;
}

/** Pages of one question, as far as somebody scrolls. What was there stays until the first page of the next is. */
function useFilms(question: Params) {
  const key = JSON.stringify(question);
  const [state, set] = useState<Films>();
  const [problem, fail] = useState<Problem>();
  const now = useRef<Films | undefined>(undefined);
  const wanted = useRef(0);
  const busy = useRef<AbortController | undefined>(undefined);
  const arrived = useSettled(news.value, 300);

  const keep = (films: Films) => {
    now.current = films;
    set(films);
  };

  const load = async (from: Films | undefined, limit: number) => {
    const abort = new AbortController();
    busy.current = abort;
    try {
      const params = { ...question, limit, ...(from?.next && { cursor: from.next }) };
      const page: Page = await api.titles(params, abort.signal);
      if (abort.signal.aborted) return;
      busy.current = undefined;
      fail(undefined);
      keep({ key, films: [...(from?.films ?? []), ...page.titles], total: page.total, next: page.next });
      more();
    } catch (error) {
      if (abort.signal.aborted) return;
      busy.current = undefined;
      if (!(error instanceof Problem)) throw error;
      fail(error);
    }
  };
  const more = () => {
    const films = now.current;
    if (!films || films.key !== key || busy.current || !films.next || films.films.length > wanted.current) return;
    void load(films, MORE);
  };

  useEffect(() => {
    busy.current?.abort();
    wanted.current = 0;
    // After an arrival, as many again as are there, or the wall would shrink below the reader.
    const there = now.current?.key === key ? now.current.films.length : 0;
    void load(undefined, Math.min(MORE, Math.max(FIRST, there)));
    return () => busy.current?.abort();
  }, [key, revival.value, arrived]);

  return {
    state,
    problem,
    need: (index: number) => {
      wanted.current = Math.max(wanted.current, index);
      more();
    },
    again: () => void load(undefined, FIRST),
  };
}

export function Library() {
  const query = route.value.query;
  const order = (query.get('order') ?? 'name') as Order;
  const [typed, setTyped] = useState(query.get('q') ?? '');
  const text = useSettled(typed, 120);
  const input = useRef<HTMLInputElement>(null);
  const stats = useLoaded((signal) => api.stats(signal), ['stats', useSettled(news.value, 300)]);
  const question: Params = {
    ...(orders[order] ?? orders.name),
    q: text.trim(),
    language: query.get('language') ?? '',
    state: query.get('state') ?? '',
  };
  const { state, problem, need, again } = useFilms(question);
  const filtered = Boolean(question.q || question.language || question.state);

  const address = (changes: Record<string, string>) =>
    replace(
      href('library', '', {
        q: typed.trim(),
        language: query.get('language') ?? '',
        state: query.get('state') ?? '',
        order: order === 'name' ? '' : order,
        ...changes,
      }),
    );
  useEffect(() => address({ q: text.trim() }), [text]);
  useKeys({ '/': () => input.current?.focus() });

  const clear = () => {
    setTyped('');
    replace(href('library'));
    input.current?.focus();
  };
  const languages = (stats.data?.languages ?? []).filter((l) => l.language !== null);
  return (
    <>
      <div class="bar">
        <h1>{t().library.title}</h1>
        <p class="count" aria-live="polite">
          {state && t().films(number(state.total), state.total)}
        </p>
        <form role="search" class="bar-controls" onSubmit={(e) => e.preventDefault()}>
          <div class="field grow">
            <label for="filter">{t().library.filter}</label>
            <span class="with-icon">
              <Icon name="search" />
              <input
                id="filter"
                type="search"
                ref={input}
                value={typed}
                placeholder={t().library.filterHint}
                autocomplete="off"
                spellcheck={false}
                maxLength={200}
                onInput={(e) => setTyped(e.currentTarget.value)}
                onKeyDown={(e) => {
                  const first = state?.films[0];
                  if (e.key === 'Enter' && typed.trim() && first) go(href('title', first.id));
                  if (e.key === 'ArrowDown') {
                    e.preventDefault();
                    document.querySelector<HTMLElement>('.wall [tabindex="0"]')?.focus();
                  }
                }}
              />
            </span>
          </div>
          <Select
            label={t().library.language}
            value={query.get('language') ?? ''}
            options={[
              { value: '', label: t().library.anyLanguage },
              ...languages.map((l) => ({
                value: l.language ?? '',
                label: `${languageName(l.language ?? '')} (${number(l.titles)})`,
              })),
            ]}
            onChange={(language) => address({ language })}
          />
          <Select
            label={t().library.state}
            value={query.get('state') ?? ''}
            options={[
              { value: '', label: t().library.anyState },
              ...(['ready', 'pending', 'failed', 'silent', 'missing'] as const).map((s) => ({
                value: s,
                label: t().states[s],
              })),
            ]}
            onChange={(s) => address({ state: s })}
          />
          <Select
            label={t().library.sort}
            value={order}
            options={(Object.keys(orders) as Order[]).map((o) => ({ value: o, label: t().library.sorts[o] }))}
            onChange={(o) => address({ order: o === 'name' ? '' : o })}
          />
        </form>
      </div>
      {problem && !state ? (
        <Failed problem={problem} again={again} />
      ) : !state ? (
        <Waiting />
      ) : state.total > 0 ? (
        <Wall films={state.films} total={state.total} need={need} />
      ) : filtered ? (
        <Nothing
          title={t().library.none}
          action={
            <button class="button" onClick={clear}>
              {t().library.noneDo}
            </button>
          }
        >
          {t().library.noneMore}
        </Nothing>
      ) : (
        <Empty />
      )}
    </>
  );
}

/** Which folders may be taken in, or else how one is opened: nothing is offered that would be refused. */
function Empty() {
  const ingest = useLoaded((signal) => api.ingest(signal), ['ingest']);
  const roots = ingest.data?.roots ?? [];
  const closed = ingest.data !== undefined && roots.length === 0;
  return (
    <Nothing
      title={t().library.empty}
      action={
        closed ? (
          <AllowFolder folder="" />
        ) : (
          <a class="button primary" href={href('ingest')}>
            {t().library.emptyDo}
          </a>
        )
      }
    >
      {closed ? t().ingest.noRoots : t().library.emptyMore}
      {roots.length > 0 && ` ${t().library.emptyFrom(roots.slice(0, 3).join(', '))}`}
    </Nothing>
  );
}
