import { useState } from 'preact/hooks';
import { api, type Details } from '../api';
import { percent } from '../format';
import { useLoaded, useSettled } from '../load';
import { Answers } from '../parts/answers';
import { Choice, Slider } from '../parts/controls';
import { Failed, Nothing, Waiting } from '../parts/states';
import { t } from '../prefs';

const usual = { mood: 0.3, diversity: 0, language: 'same', rank: 'mood' } as const;
interface Wish {
  mood: number;
  diversity: number;
  language: 'same' | 'any';
  rank: 'mood' | 'uplift';
}

const LIMIT = 12;

/** More like this film, and what counts for it: the list follows the sliders. */
export function Similar({ film }: { film: Details }) {
  const [wish, setWish] = useState<Wish>(usual);
  const asked = useSettled(wish, 90);
  const change = (part: Partial<Wish>) => setWish({ ...wish, ...part });
  const answer = useLoaded(
    (signal) =>
      api.similar(
        film.id,
        {
          limit: LIMIT,
          language: asked.language,
          rank: asked.rank,
          weight_similarity: Number((1 - asked.mood).toFixed(2)),
          weight_opinion: asked.mood,
          diversity: asked.diversity,
        },
        signal,
      ),
    [film.id, asked],
  );
  const list = answer.data?.recommendations;
  const changed = JSON.stringify(wish) !== JSON.stringify(usual);
  return (
    <section class="similar" aria-labelledby="similar-title">
      <header>
        <h2 id="similar-title">{t().similar.title}</h2>
        <p class="quiet">{t().similar.intro}</p>
      </header>
      <div class="wishes">
        <Slider
          label={t().similar.balance}
          value={wish.mood}
          low={t().similar.meaning}
          high={t().similar.mood}
          text={t().similar.balanceValue(percent(1 - wish.mood), percent(wish.mood))}
          onInput={(mood) => change({ mood })}
        />
        <Slider
          label={t().similar.diversity}
          value={wish.diversity}
          low={t().similar.diversityLow}
          high={t().similar.diversityHigh}
          text={percent(wish.diversity)}
          onInput={(diversity) => change({ diversity })}
        />
        <Choice
          label={t().similar.language}
          value={wish.language}
          options={[
            { value: 'same', label: t().similar.same },
            { value: 'any', label: t().similar.any },
          ]}
          onChange={(language) => change({ language })}
        />
        <Choice
          label={t().similar.moodAs}
          value={wish.rank}
          options={[
            { value: 'mood', label: t().similar.moodLike },
            { value: 'uplift', label: t().similar.moodUp },
          ]}
          onChange={(rank) => change({ rank })}
        />
        {changed && (
          <button class="button quiet-button" onClick={() => setWish(usual)}>
            {t().similar.reset}
          </button>
        )}
      </div>
      <p class="unseen" aria-live="polite">
        {changed && list && !answer.loading ? t().similar.changed(list.length) : ''}
      </p>
      {answer.problem && !list ? (
        <Failed problem={answer.problem} again={answer.again} />
      ) : !list ? (
        <Waiting />
      ) : list.length === 0 ? (
        <Nothing title={t().similar.none}>{t().similar.noneMore}</Nothing>
      ) : (
        <Answers list={list} asked={new Map([[film.id, film]])} here />
      )}
    </section>
  );
}
