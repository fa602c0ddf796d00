// The one place that talks to the server (src/server/openapi.yaml says what it answers), and what is known of it: whether it
// is there, and whether it asks for a token.
import { signal } from '@preact/signals';

export type State = 'pending' | 'ready' | 'failed' | 'silent' | 'missing';

export interface Title {
  id: string;
  name: string;
  state: State;
  reason: string | null;
  language: string | null;
  duration: number | null;
  opinion: number | null;
  year: number | null;
  genres: string[];
  words_from: 'sidecar' | 'embedded' | 'speech' | 'import' | null;
  links: { self: string; media: string | null; poster: string | null };
}
export interface TitleName {
  id: string;
  name: string;
}
export interface Page {
  titles: Title[];
  total: number;
  next: string | null;
}
export interface ArcPoint {
  start: number | null;
  end: number | null;
  opinion: number | null;
}
export interface Details extends Title {
  language_confidence: number | null;
  language_set: boolean;
  title: string | null;
  plot: string | null;
  paths: string[];
  arc: ArcPoint[];
}
export interface Moment {
  start: number | null;
  end: number | null;
  text: string;
}
export interface Transcript {
  segments: Moment[];
}
export interface Recommendation {
  rank: number;
  title: Title;
  score: number;
  of_likeness: number;
  of_opinion: number;
  similarity: number;
  words: number;
  weak: boolean;
  also: TitleName[];
  evidence: { like: TitleName | null; query: Moment; match: Moment } | null;
}
export interface Answer {
  query: { likes: Title[] };
  recommendations: Recommendation[];
}
export interface FoundMoment extends Moment {
  rank: number;
  title: Title;
  at: number | null;
  opinion: number | null;
  highlights: { start: number; end: number }[];
}
export interface Stats {
  version: string;
  titles: number;
  by_state: Record<State, number>;
  moments: number;
  duration: number;
  languages: { language: string | null; titles: number }[];
}
export interface MapPoint {
  id: string;
  name: string;
  x: number;
  y: number;
  group: number;
  language: string | null;
  opinion: number | null;
}
export interface MapGroup {
  words: string[];
  titles: number;
  x: number;
  y: number;
}
export type Stage = 'probe' | 'words' | 'vectors' | 'opinion';
export interface ActiveTitle extends TitleName {
  stage: Stage;
  seconds: number;
  duration: number | null;
}
export interface IngestState {
  running: boolean;
  stopping: boolean;
  done: number;
  total: number;
  heard: number;
  left: number | null;
  active: ActiveTitle[];
  summary: {
    ready: number;
    silent: number;
    failed: number;
    unchanged: number;
    still_failed: number;
    waiting: number;
    cancelled: boolean;
  } | null;
  error: string | null;
  changes: number; // of the library, so that a change while nobody listened is noticed
}
export interface Ingest extends IngestState {
  roots: string[];
}
export interface IngestEvent {
  id?: string;
  name?: string;
  path?: string | null;
  stage?: Stage;
  state?: State;
  reason?: string | null;
  seconds?: number;
  duration?: number | null;
  done: number;
  total: number;
  heard: number;
  left: number | null;
}

export type Params = Record<string, string | number | boolean | undefined>;

/** What went wrong, as the server tells it (RFC 9457). Status 0: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly code = '',
  ) {
    super(detail);
  }
}

export const connected = signal(true);
/** Counts how often the server came back; what was loaded before is loaded again. */
export const revival = signal(0);
export const mustSignIn = signal(false);

const base = new URL('api/v1/', document.baseURI);

function address(path: string, params: Params = {}): URL {
  const url = new URL(path, base);
  for (const [key, value] of Object.entries(params))
    if (value !== undefined && value !== '') url.searchParams.set(key, String(value));
  return url;
}

async function problem(answer: Response): Promise<Problem> {
  try {
    const document = (await answer.json()) as { detail?: string; title?: string; code?: string };
    return new Problem(answer.status, document.detail || document.title || answer.statusText, document.code);
  } catch {
    return new Problem(answer.status, answer.statusText); // not a problem document: a proxy's own page, say
  }
}

async function ask<T>(path: string, init: RequestInit & { params?: Params } = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address(path, init.params), init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    lost();
    throw new Problem(0, '');
  }
  if (answer.status === 401) mustSignIn.value = true;
  if (!answer.ok) throw await problem(answer);
  // 202 and 204 may come without a body.
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

const send = (method: string, body: unknown, signal?: AbortSignal): RequestInit => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
  ...(signal && { signal }),
});

// One look at a time: a page with ten requests under way loses its server once.
let looking = false;

/** Nobody answered. Looks for the server until it is back, and says so when even that goes unanswered. */
function lost() {
  if (looking) return;
  looking = true;
  let wait = 400;
  const look = async () => {
    const alive = await fetch(new URL('health', document.baseURI), { cache: 'no-store' }).then(
      (a) => a.ok,
      () => false,
    );
    if (alive) {
      looking = false;
      connected.value = true;
      revival.value++;
      return;
    }
    connected.value = false;
    wait = Math.min(wait * 1.5, 5000);
    setTimeout(look, wait);
  };
  void look();
}

const film = (id: string, what = '') => `titles/${encodeURIComponent(id)}${what}`;

export const api = {
  titles: (params: Params, signal?: AbortSignal) => ask<Page>('titles', { params, signal: signal ?? null }),
  title: (id: string, signal: AbortSignal) => ask<Details>(film(id), { signal }),
  transcript: (id: string, signal: AbortSignal) => ask<Transcript>(film(id, '/transcript'), { signal }),
  similar: (id: string, params: Params, signal: AbortSignal) => ask<Answer>(film(id, '/similar'), { params, signal }),
  search: (params: Params, signal: AbortSignal) => ask<{ moments: FoundMoment[] }>('search', { params, signal }),
  recommend: (question: object, signal: AbortSignal) => ask<Answer>('recommend', send('POST', question, signal)),
  stats: (signal: AbortSignal) => ask<Stats>('stats', { signal }),
  map: (signal: AbortSignal) => ask<{ points: MapPoint[]; groups: MapGroup[] }>('map', { signal }),
  ingest: (signal: AbortSignal) => ask<Ingest>('ingest', { signal }),
  startIngest: (paths: string[], retryFailed: boolean) =>
    ask<Ingest>('ingest', send('POST', { paths, retry_failed: retryFailed })),
  stopIngest: () => ask<Ingest>('ingest', { method: 'DELETE' }),
  session: () => ask<{ needed: boolean }>('session'),
  signOut: () => ask<void>('session', { method: 'DELETE' }),
  signIn: (token: string) => ask<void>('session', send('POST', { token })),
};

export const links = {
  media: (id: string) => address(film(id, '/media')).href,
  poster: (id: string) => address(film(id, '/poster')).href,
  subtitles: (id: string) => address(film(id, '/subtitles.vtt')).href,
  playlist: (id: string) => address(film(id, '/similar.m3u8')).href,
};

/** Follows the ingest until the caller lets go of it, or the stream ends: then the caller is told, and may ask again. */
export function followIngest(
  handle: (name: string, data: IngestEvent | IngestState) => void,
  changed: (changes: number) => void,
  ended: () => void,
): () => void {
  const source = new EventSource(address('ingest/events'));
  for (const name of ['state', 'scanned', 'stage', 'heard', 'finished', 'unchanged'])
    source.addEventListener(name, (e) =>
      handle(name, JSON.parse((e as MessageEvent<string>).data) as IngestEvent | IngestState),
    );
  source.addEventListener('changed', (e) => changed((JSON.parse(e.data as string) as { changes: number }).changes));
  source.onerror = () => {
    source.close();
    ended();
  };
  return () => source.close();
}

export { lost as lookForServer };
