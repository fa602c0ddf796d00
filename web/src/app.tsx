import { useEffect, useRef, useState } from 'preact/hooks';
import { api, connected, mustSignIn, Problem } from './api';
import { ingest } from './ingest';
import { useKeys } from './keys';
import { useLoaded } from './load';
import { Icon, Spool, type IconName } from './parts/icon';
import { Nowhere } from './parts/states';
import { language, setLanguage, t, theme, toggleTheme, type Language } from './prefs';
import { go, href, route, type View } from './router';
import { Help } from './views/help';
import { IngestView } from './views/ingest';
import { Library } from './views/library';
import { MapView } from './views/map';
import { Search } from './views/search';
import { SignIn } from './views/signin';
import { TitleView } from './views/title';

const places: { view: View; icon: IconName; key: string }[] = [
  { view: 'library', icon: 'library', key: 'b' },
  { view: 'search', icon: 'search', key: 's' },
  { view: 'map', icon: 'map', key: 'm' },
  { view: 'ingest', icon: 'ingest', key: 'a' },
];

const placeName = (view: View) => t().nav[view as 'library' | 'search' | 'map' | 'ingest'];

export function App() {
  const [help, showHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { view, id } = route.value;
  const closed = mustSignIn.value;

  useKeys({
    ...Object.fromEntries(places.map((p) => [p.key, () => go(href(p.view))])),
    d: toggleTheme,
    '?': () => showHelp(true),
  });

  // A new view begins at its top, and readers begin to read there.
  const before = useRef(`${view}/${id}`);
  useEffect(() => {
    if (view !== 'title') document.title = view in t().nav ? `${placeName(view as View)} · Kinora` : 'Kinora';
    if (before.current === `${view}/${id}`) return;
    before.current = `${view}/${id}`;
    scrollTo(0, 0);
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [view, id, language.value]);

  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t().skip}
      </a>
      <Head closed={closed} showHelp={() => showHelp(true)} />
      {!connected.value && (
        <p class="lost" role="alert">
          <Spool />
          {t().lost}
        </p>
      )}
      <main id="main" ref={main} tabIndex={-1}>
        {closed ? <SignIn /> : <Content view={view} id={id} />}
      </main>
      {help && <Help onClose={() => showHelp(false)} />}
    </>
  );
}

function Content({ view, id }: { view: View | 'nowhere'; id: string }) {
  if (view === 'title' && id) return <TitleView key={id} />;
  if (view === 'library') return <Library />;
  if (view === 'search') return <Search />;
  if (view === 'map') return <MapView />;
  if (view === 'ingest') return <IngestView />;
  return <Nowhere />;
}

/** Where there is no token there is nothing to leave. */
function SignOut() {
  const { data } = useLoaded(api.session, []);
  const leave = async () => {
    try {
      await api.signOut();
    } catch (error) {
      if (error instanceof Problem) return; // nobody answers: the page says so
      throw error;
    }
    location.reload(); // nothing of what was seen stays behind
  };
  if (!data?.needed) return null;
  return (
    <button class="tool" onClick={() => void leave()} aria-label={t().tools.signOut} title={t().tools.signOut}>
      <Icon name="leave" />
    </button>
  );
}

function Head({ closed, showHelp }: { closed: boolean; showHelp: () => void }) {
  const { view } = route.value;
  const run = ingest.value;
  return (
    <header class="head">
      <a class="brand" href={href('library')}>
        <Spool />
        <span>Kinora</span>
      </a>
      {!closed && (
        <nav aria-label={t().nav.label}>
          {places.map((p) => (
            <a key={p.view} href={href(p.view)} aria-current={view === p.view ? 'page' : undefined}>
              <Icon name={p.icon} />
              <span>{placeName(p.view)}</span>
              {p.view === 'ingest' && run?.running && (
                <span class="badge">
                  {run.done}/{run.total}
                </span>
              )}
            </a>
          ))}
        </nav>
      )}
      <div class="tools">
        <label class="language">
          <span class="unseen">{t().tools.language}</span>
          <select value={language.value} onChange={(e) => setLanguage(e.currentTarget.value as Language)}>
            <option value="en" lang="en">
              English
            </option>
            <option value="es" lang="es">
              Español
            </option>
          </select>
        </label>
        <button
          class="tool"
          onClick={toggleTheme}
          aria-label={theme.value === 'dark' ? t().tools.theme.light : t().tools.theme.dark}
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
        {!closed && <SignOut />}
        <button class="tool wide-only" onClick={showHelp} aria-label={t().tools.help}>
          <Icon name="keys" />
        </button>
      </div>
    </header>
  );
}
