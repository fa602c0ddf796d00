// What the server is listening to just now, followed by one stream for the whole page: the ingest view shows all of it, the
// head of the page how far it is, and the library what has arrived.
import { computed, signal } from '@preact/signals';
import {
  followIngest,
  lookForServer,
  mustSignIn,
  revival,
  type ActiveTitle,
  type IngestEvent,
  type IngestState,
  type State,
} from './api';

export interface Arrival {
  id: string;
  name: string;
  state: State;
  reason: string | null;
}

export const ingest = signal<IngestState | undefined>(undefined);
/** The newest first. */
export const arrivals = signal<Arrival[]>([]);

/** Counts what no event tells title by title: runs that ended, in which posters come last, and changes by others. */
export const renewals = signal(0);

/** Another text whenever what shows the library is to be asked for again. */
export const news = computed(() => `${arrivals.value[0]?.id ?? ''} ${renewals.value}`);

const KEPT = 30;

function active(list: ActiveTitle[], e: IngestEvent): ActiveTitle[] {
  if (!e.id && !e.name) return list;
  const key = (a: { id?: string; name?: string }) => a.name ?? a.id;
  const rest = list.filter((a) => key(a) !== key(e));
  if (e.state || !e.stage) return rest;
  const entry = {
    id: e.id ?? '',
    name: e.name ?? '',
    stage: e.stage,
    seconds: e.seconds ?? 0,
    duration: e.duration ?? null,
  };
  const at = list.findIndex((a) => key(a) === key(e));
  return at < 0 ? [...list, entry] : list.map((a, i) => (i === at ? entry : a));
}

// What changed while the tab was hidden, or the server away, shows in the first state that comes afterwards.
let known: number | undefined;
function changed(changes: number) {
  if (known !== undefined && changes !== known) renewals.value++;
  known = changes;
}

function handle(name: string, data: IngestEvent | IngestState) {
  if (name === 'state') {
    const state = data as IngestState;
    const ended = ingest.value?.running && !state.running;
    ingest.value = state;
    if (ended) renewals.value++;
    changed(state.changes);
    return;
  }
  const e = data as IngestEvent;
  const was = ingest.value;
  if (was)
    ingest.value = {
      ...was,
      done: e.done,
      total: e.total,
      heard: e.heard,
      left: e.left,
      active: name === 'stage' || name === 'heard' || name === 'finished' ? active(was.active, e) : was.active,
    };
  if (name === 'finished' && e.state)
    arrivals.value = [
      { id: e.id ?? '', name: e.name ?? '', state: e.state, reason: e.reason ?? null },
      ...arrivals.value,
    ].slice(0, KEPT);
}

let letGo: (() => void) | undefined;

function follow() {
  letGo?.();
  letGo = undefined;
  // Hidden tabs let go of it: a browser has six connections to one server, whatever the number of tabs.
  if (document.hidden || mustSignIn.peek()) return;
  letGo = followIngest(handle, changed, () => {
    letGo = undefined;
    setTimeout(lookForServer, 1000);
  });
}

/** Once, when the page starts. */
export function followThroughout() {
  document.addEventListener('visibilitychange', follow);
  revival.subscribe(follow);
  mustSignIn.subscribe((must) => !must && !letGo && follow());
}
