import type { Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import { links, revival, type Details } from '../api';
import { languageName } from '../format';
import { Poster } from '../parts/film';
import { Icon } from '../parts/icon';
import { playing } from '../parts/moment';
import { t } from '../prefs';

/** The film, with the browser's own controls, and where it is in `time`. A server that went away and came back is picked up
 * where the film stood. */
export function Player({
  film,
  video,
  time,
  from,
  play,
}: {
  film: Details;
  video: RefObject<HTMLVideoElement | null>;
  time: Signal<number>;
  from: number;
  play: boolean;
}) {
  const [broken, setBroken] = useState(false);
  const revived = revival.value;

  useEffect(() => {
    if (!video.current) return;
    const at = time.peek();
    setBroken(false);
    if (revived === 0 || video.current.error === null) return;
    video.current.load();
    video.current.currentTime = at;
  }, [revived]);

  useEffect(() => {
    const v = video.current;
    if (!v || from < 0) return;
    v.currentTime = from;
    time.value = from;
    // A browser may refuse to begin by itself; then its own button is there.
    if (play) v.play().catch(() => undefined);
  }, [film.id, from, play]);

  // A moment that plays below would talk over it.
  useEffect(() => playing.subscribe((id) => id && video.current?.pause()), []);

  if (film.links.media === null)
    return (
      <div class="stage">
        <Poster film={film} eager />
        {film.words_from === 'import' && <p class="stage-note">{t().title.noFilm}</p>}
      </div>
    );
  return (
    <div class="stage">
      <video
        ref={video}
        src={links.media(film.id)}
        poster={links.poster(film.id)}
        preload="metadata"
        controls
        playsInline
        aria-label={film.name}
        onPlay={() => (playing.value = '')}
        onTimeUpdate={(e) => (time.value = e.currentTarget.currentTime)}
        onSeeking={(e) => (time.value = e.currentTarget.currentTime)}
        onLoadedMetadata={() => setBroken(false)}
        onError={(e) => setBroken(e.currentTarget.error?.code !== MediaError.MEDIA_ERR_NETWORK)}
      >
        <track
          kind="captions"
          src={links.subtitles(film.id)}
          srcLang={film.language ?? 'und'}
          label={languageName(film.language ?? '')}
        />
      </video>
      {broken && (
        <div class="stage-broken" role="alert">
          <Icon name="warn" />
          <strong>{t().title.cannotPlay}</strong>
          <p>
            {t().title.cannotPlayMore}{' '}
            <a href={links.media(film.id)} download>
              {t().title.file}
            </a>
          </p>
        </div>
      )}
    </div>
  );
}
