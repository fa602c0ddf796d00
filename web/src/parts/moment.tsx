// A moment of a film that can be played where it stands: one half of a "why".
import { signal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { links, type Moment, type Title } from '../api';
import { clock } from '../format';
import { t } from '../prefs';
import { href } from '../router';
import { Poster, nameParts } from './film';
import { Icon } from './icon';

/** Which moment plays: one at a time, and none while the film itself does. */
export const playing = signal('');

type Film = Pick<Title, 'id' | 'name' | 'opinion' | 'links'>;

export function PlayableMoment({ film, moment, caption }: { film: Film; moment: Moment; caption: string }) {
  const id = useId();
  const video = useRef<HTMLVideoElement>(null);
  const { start, end } = moment;
  const timed = start !== null && end !== null && film.links.media !== null;
  const on = playing.value === id;

  useEffect(() => () => void (playing.peek() === id && (playing.value = '')), []);

  const stop = () => (playing.value = '');
  return (
    <figure class={on ? 'moment on' : 'moment'}>
      <div class="moment-stage">
        {on && timed ? (
          <video
            ref={video}
            src={`${links.media(film.id)}#t=${start.toFixed(2)},${end.toFixed(2)}`}
            autoplay
            playsInline
            onTimeUpdate={(e) => e.currentTarget.currentTime >= end && stop()}
            onEnded={stop}
            onError={stop}
          />
        ) : (
          <Poster film={film} />
        )}
        {timed && (
          <button
            class="moment-play"
            aria-label={on ? t().moment.stop : t().moment.play(clock(start), nameParts(film.name)[0])}
            onClick={() => (playing.value = on ? '' : id)}
          >
            <Icon name={on ? 'stop' : 'play'} />
          </button>
        )}
      </div>
      <figcaption>
        <blockquote lang="">{moment.text}</blockquote>
        <p class="moment-where">
          {start !== null && (
            <a
              href={href('title', film.id, { t: start.toFixed(1), play: 1 })}
              aria-label={t().moment.open(clock(start))}
            >
              {clock(start)}
            </a>
          )}{' '}
          {caption}
        </p>
      </figcaption>
    </figure>
  );
}
