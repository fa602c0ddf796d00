import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, links, type Details } from '../api';
import { percent } from '../format';
import { useKeys } from '../keys';
import { useLoaded } from '../load';
import { Facts, MoodMark, nameParts } from '../parts/film';
import { Icon } from '../parts/icon';
import { Failed, Nowhere, Waiting } from '../parts/states';
import { t } from '../prefs';
import { back, href, route } from '../router';
import { Arc } from './arc';
import { Player } from './player';
import { Similar } from './similar';
import { Transcript } from './transcript';

const DOUBTFUL = 0.8; // below this, how sure the language is matters

export function TitleView() {
  const { id } = route.value;
  const film = useLoaded((signal) => api.title(id, signal), [id], false);
  if (film.data) return <Film key={id} film={film.data} />;
  if (!film.problem) return <Waiting />;
  if (film.problem.status !== 404 && film.problem.status !== 400)
    return <Failed problem={film.problem} again={film.again} />;
  return <Nowhere />;
}

function Film({ film }: { film: Details }) {
  const { query } = route.value;
  const from = query.has('t') ? Number(query.get('t')) || 0 : -1;
  const video = useRef<HTMLVideoElement>(null);
  const time = useSignal(Math.max(0, from));
  const transcript = useLoaded((signal) => api.transcript(film.id, signal), [film.id]);
  const lines = transcript.data?.segments ?? [];
  const [name, rest] = nameParts(film.title ?? film.name);
  const readable = film.state !== 'failed' && film.state !== 'missing';

  useEffect(() => {
    document.title = `${name} · Kinora`;
  }, [name]);

  const seek = (to: number, play = true) => {
    const v = video.current;
    if (!v) return;
    time.value = to;
    v.currentTime = to;
    if (play) v.play().catch(() => undefined);
    if (v.getBoundingClientRect().bottom < 0) v.scrollIntoView({ block: 'start' });
  };
  const by = (seconds: number) => video.current && seek(Math.max(0, video.current.currentTime + seconds), false);
  const beat = (step: 1 | -1) => {
    const starts = film.arc.flatMap((a) => (a.start === null ? [] : [a.start]));
    const to = step > 0 ? starts.find((s) => s > time.value + 0.2) : starts.findLast((s) => s < time.value - 1);
    if (to !== undefined) seek(to, false);
  };
  useKeys({
    k: () => void (video.current?.paused ? video.current.play().catch(() => undefined) : video.current?.pause()),
    j: () => by(-10),
    l: () => by(10),
    n: () => beat(1),
    p: () => beat(-1),
    f: () => void (document.fullscreenElement ? document.exitFullscreen() : video.current?.requestFullscreen()),
    v: () => {
      if (video.current) video.current.muted = !video.current.muted;
    },
    Escape: back,
  });

  return (
    <article class="film">
      <header class="film-head">
        <h1>{name}</h1>
        {rest && <p class="film-rest">{rest}</p>}
        <p class="film-facts">
          <Facts film={film} plain />
          {film.opinion !== null && <MoodMark opinion={film.opinion} value />}
          {film.genres.map((g) => (
            <span class="tag" key={g}>
              {g}
            </span>
          ))}
          {film.words_from && <span class="quiet">{t().title.wordsFrom[film.words_from]}</span>}
          {film.words_from === 'speech' &&
            film.language_confidence !== null &&
            film.language_confidence < DOUBTFUL &&
            !film.language_set && <span class="quiet">{t().title.confidence(percent(film.language_confidence))}</span>}
        </p>
      </header>
      {film.state !== 'ready' && <NotReady film={film} />}
      {readable && (
        <div class="film-stage">
          <div class="film-main">
            <Player film={film} video={video} time={time} from={from} play={query.has('play')} />
            {film.state === 'ready' && film.duration !== null && film.duration > 0 && (
              <Arc arc={film.arc} lines={lines} duration={film.duration} time={time} seek={seek} />
            )}
          </div>
          {transcript.problem && !transcript.data ? (
            <Failed problem={transcript.problem} again={transcript.again} />
          ) : (
            <Transcript lines={lines} language={film.language} time={time} seek={seek} />
          )}
        </div>
      )}
      {film.plot && <p class="plot">{film.plot}</p>}
      {film.state === 'ready' && (
        <>
          <Similar film={film} />
          <p class="film-files">
            <a href={links.playlist(film.id)} download>
              {t().title.playlist}
            </a>
            {film.duration !== null && (
              <a href={links.subtitles(film.id)} download>
                {t().title.subtitles}
              </a>
            )}
          </p>
        </>
      )}
    </article>
  );
}

function NotReady({ film }: { film: Details }) {
  return (
    <div class="notice failed">
      <Icon name="warn" />
      <h2>{t().title.notReady}</h2>
      <p class="reason">{film.reason ?? t().states[film.state]}</p>
      <a class="button" href={href('ingest')}>
        {film.state === 'failed' ? t().ingest.failures : t().nav.ingest}
      </a>
    </div>
  );
}
