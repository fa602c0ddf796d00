// Where the page is, kept behind the # of its address: the server needs to know of one page only, and a proxy may serve it
// below any path.
import { signal } from '@preact/signals';

export const views = ['library', 'title', 'search', 'map', 'ingest'] as const;
export type View = (typeof views)[number];

export interface Route {
  view: View | 'nowhere';
  id: string;
  query: URLSearchParams;
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', id = ''] = path.split('/').map(decoded);
  return {
    view: view === '' ? 'library' : (views as readonly string[]).includes(view) ? (view as View) : 'nowhere',
    id,
    query: new URLSearchParams(query),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export const route = signal(read());
let came = false; // from another view, not from outside
addEventListener('hashchange', () => {
  came = true;
  route.value = read();
});

/** To where the reader came from, but never out of the page. */
export const back = () => (came ? history.back() : go(href('library')));

export function href(view: View, id = '', query: Record<string, string | number | undefined> = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') params.set(key, String(value));
  const path = view === 'library' && !id ? '' : id ? `${view}/${encodeURIComponent(id)}` : view;
  const text = params.toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

export const go = (to: string) => {
  location.hash = to;
};

/** Changes the address without a step in the history: for what is typed. */
export function replace(to: string) {
  history.replaceState(null, '', to);
  route.value = read();
}
