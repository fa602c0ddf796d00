import { useId, useRef, useState } from 'preact/hooks';
import { api, Problem, type ActiveTitle, type Ingest, type IngestState, type Stage } from '../api';
import { length, number } from '../format';
import { arrivals, ingest, renewals } from '../ingest';
import { saying, useLoaded, useSettled } from '../load';
import { nameParts } from '../parts/film';
import { AllowFolder } from '../parts/folders';
import { Failed, Waiting } from '../parts/states';
import { t } from '../prefs';
import { href } from '../router';

const stages: Stage[] = ['probe', 'words', 'vectors', 'opinion'];

const FAILURES = 100;

export function IngestView() {
  const asked = useLoaded((signal) => api.ingest(signal), ['ingest', ingest.value?.running ?? false]);
  // The stream tells it at once, and anew; the question is for the roots, and where no stream gets through.
  const state = ingest.value ?? asked.data;
  if (!asked.data && asked.problem) return <Failed problem={asked.problem} again={asked.again} />;
  if (!state || !asked.data) return <Waiting />;
  return (
    <div class="ingest">
      <h1>{t().ingest.title}</h1>
      <Begin state={state} roots={asked.data.roots} />
      {state.running ? <Running state={state} /> : <Rest state={state} />}
      <Arrivals />
      <Failures state={state} />
    </div>
  );
}

/** Runs one of the three commands; what the server says of it is shown until the next. */
function useCommand() {
  const [problem, set] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const run = async (command: () => Promise<Ingest>) => {
    setBusy(true);
    set(undefined);
    try {
      ingest.value = await command();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      set(error);
    } finally {
      setBusy(false);
    }
  };
  return { problem, busy, run };
}

function Begin({ state, roots }: { state: IngestState; roots: string[] }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [path, setPath] = useState(roots.length === 1 ? (roots[0] ?? '') : '');
  const [missing, setMissing] = useState(false);
  const { problem, busy, run } = useCommand();
  const start = () => {
    setMissing(!path.trim());
    if (!path.trim()) return input.current?.focus();
    void run(() => api.startIngest([path.trim()], false));
  };
  return (
    <form
      class="begin"
      onSubmit={(e) => {
        e.preventDefault();
        start();
      }}
    >
      <div class="field grow">
        <label for={id}>{t().ingest.folder}</label>
        <input
          id={id}
          ref={input}
          type="text"
          value={path}
          list={`${id}-roots`}
          placeholder={roots[0] ?? t().ingest.folderHint}
          autocomplete="off"
          spellcheck={false}
          maxLength={4096}
          aria-invalid={missing || problem !== undefined}
          aria-describedby={`${id}-said`}
          onInput={(e) => {
            setPath(e.currentTarget.value);
            setMissing(false);
          }}
        />
        <datalist id={`${id}-roots`}>
          {roots.map((r) => (
            <option value={r} key={r} />
          ))}
        </datalist>
      </div>
      {state.running ? (
        <button type="button" class="button" disabled={busy || state.stopping} onClick={() => void run(api.stopIngest)}>
          {state.stopping ? t().ingest.stopping : t().ingest.stop}
        </button>
      ) : (
        <button class="button primary" disabled={busy}>
          {busy ? t().ingest.starting : t().ingest.start}
        </button>
      )}
      <p
        id={`${id}-said`}
        class={problem || missing ? 'said bad' : 'said'}
        role={problem || missing ? 'alert' : undefined}
      >
        {missing
          ? t().ingest.folderNeeded
          : problem
            ? saying(problem)
            : roots.length
              ? t().ingest.below
              : t().ingest.noRoots}
      </p>
      {(roots.length === 0 || problem?.code === 'outside_folders') && <AllowFolder folder={path} />}
      {roots.length > 0 && (
        <p class="roots">
          {roots.map((r) => (
            <button type="button" class="chip" key={r} onClick={() => setPath(r)}>
              {r}
            </button>
          ))}
        </p>
      )}
    </form>
  );
}

function Running({ state }: { state: IngestState }) {
  const share = state.total ? state.done / state.total : 0;
  return (
    <section class="running" aria-labelledby="running-title">
      <header>
        <h2 id="running-title">{state.stopping ? t().ingest.stopping : t().ingest.running}</h2>
        <p class="count">
          {state.total > 0 && t().ingest.progress(number(state.done), number(state.total))}
          {state.left !== null && ` · ${t().ingest.left(length(Math.max(1, state.left)))}`}
          {state.heard > 0 && ` · ${t().ingest.heard(length(state.heard))}`}
        </p>
      </header>
      <progress aria-labelledby="running-title" max={1} value={share} />
      <ul class="under-way" role="list" aria-label={t().ingest.now}>
        {state.active.map((a) => (
          <Under key={a.name} title={a} />
        ))}
      </ul>
    </section>
  );
}

function Under({ title }: { title: ActiveTitle }) {
  const at = stages.indexOf(title.stage);
  const heard = title.duration ? Math.min(1, title.seconds / title.duration) : 0;
  return (
    <li>
      <span class="under-name">{nameParts(title.name)[0]}</span>
      <span class="steps" aria-hidden="true">
        {stages.map((s, i) => (
          <span key={s} class={i < at ? 'step done' : i === at ? 'step now' : 'step'}>
            <span
              class="step-fill"
              style={{ width: i < at ? '100%' : i === at ? `${Math.max(12, s === 'words' ? heard * 100 : 50)}%` : '0' }}
            />
          </span>
        ))}
      </span>
      <span class="under-stage">
        {t().ingest.stages[title.stage]}
        {title.stage === 'words' && title.duration ? ` ${Math.round(heard * 100)} %` : ''}
      </span>
    </li>
  );
}

function Rest({ state }: { state: IngestState }) {
  const s = state.summary;
  return (
    <p class="rest" role="status">
      {state.error ? (
        <span class="bad">{state.error}</span>
      ) : s?.cancelled ? (
        t().ingest.stopped
      ) : s ? (
        `${t().ingest.done(s.ready, s.failed)}${s.waiting ? ` ${t().ingest.waiting(s.waiting)}` : ''}`
      ) : (
        t().ingest.idle
      )}
    </p>
  );
}

function Arrivals() {
  if (!arrivals.value.length) return null;
  return (
    <section aria-labelledby="just-title">
      <h2 id="just-title">{t().ingest.just}</h2>
      <ul class="rows" role="list" aria-live="polite">
        {arrivals.value.map((a) => (
          <li key={`${a.id}${a.name}`}>
            <a href={href('title', a.id)}>{nameParts(a.name)[0]}</a>
            <span class={`state state-${a.state}`}>{t().states[a.state]}</span>
            {a.reason && <span class="reason">{a.reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Failures({ state }: { state: IngestState }) {
  const { problem, busy, run } = useCommand();
  const failed = useLoaded(
    (signal) => api.titles({ state: 'failed', limit: FAILURES }, signal),
    ['failed', state.running, useSettled(`${arrivals.value.filter((a) => a.state === 'failed').length} ${renewals.value}`, 300)],
  );
  const list = failed.data?.titles ?? [];
  return (
    <section class="failures" aria-labelledby="failures-title">
      <header>
        <h2 id="failures-title">{t().ingest.failures}</h2>
        {list.length > 0 && (
          <button
            class="button"
            disabled={busy || state.running}
            onClick={() => void run(() => api.startIngest([], true))}
          >
            {t().ingest.retry}
          </button>
        )}
      </header>
      {problem && (
        <p class="said bad" role="alert">
          {saying(problem)}
        </p>
      )}
      {list.length === 0 ? (
        <p class="quiet">{t().ingest.noFailures}</p>
      ) : (
        <ul class="rows" role="list">
          {list.map((f) => (
            <li key={f.id}>
              <a href={href('title', f.id)}>{f.name}</a>
              <span class="reason">{f.reason}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
