// Recommendations as cards, each with the parts of its score and, opened, why: the two moments that are most alike.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Recommendation, Title } from '../api';
import { decimals, signed } from '../format';
import { calm, t } from '../prefs';
import { href } from '../router';
import { Facts, Poster, nameParts } from './film';
import { Icon } from './icon';
import { PlayableMoment } from './moment';

const MOVE_MS = 320;

/** Cards that change places glide there, so that eyes can follow what a slider does. */
function useGlide(order: string) {
  const list = useRef<HTMLOListElement>(null);
  const places = useRef(new Map<string, DOMRect>());
  useLayoutEffect(() => {
    const cards = list.current?.querySelectorAll<HTMLElement>('[data-id]') ?? [];
    const next = new Map<string, DOMRect>();
    for (const card of cards) {
      const [id, now] = [card.dataset.id ?? '', card.getBoundingClientRect()];
      const before = places.current.get(id);
      next.set(id, now);
      if (calm() || !before) continue;
      const [dx, dy] = [before.left - now.left, before.top - now.top];
      if (dx || dy)
        card.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: 'none' }], {
          duration: MOVE_MS,
          easing: 'cubic-bezier(.2, .8, .2, 1)',
        });
    }
    places.current = next;
  }, [order]);
  return list;
}

/** asked: the films that were asked with, by id, for the pictures beside their moments. */
export function Answers({ list, asked, here }: { list: Recommendation[]; asked: Map<string, Title>; here: boolean }) {
  const [open, setOpen] = useState<string | null>(null);
  const shown = open ?? list[0]?.title.id ?? '';
  const ol = useGlide(list.map((r) => r.title.id).join() + shown);
  const most = Math.max(0.01, ...list.flatMap((r) => [Math.abs(r.of_likeness), Math.abs(r.of_opinion)]));
  return (
    <ol class="answers" ref={ol} role="list">
      {list.map((r) => (
        <Answer
          key={r.title.id}
          r={r}
          most={most}
          open={shown === r.title.id}
          toggle={() => setOpen(shown === r.title.id ? '-' : r.title.id)}
          asked={asked}
          here={here}
        />
      ))}
    </ol>
  );
}

function Answer({
  r,
  most,
  open,
  toggle,
  asked,
  here,
}: {
  r: Recommendation;
  most: number;
  open: boolean;
  toggle: () => void;
  asked: Map<string, Title>;
  here: boolean;
}) {
  const [name, rest] = nameParts(r.title.name);
  const why = `why-${r.title.id}`;
  return (
    <>
      <li class={open ? 'answer open' : 'answer'} data-id={r.title.id}>
        <a class="card" href={href('title', r.title.id)}>
          <Poster film={r.title} />
          <span class="card-name">
            {name}
            {rest && <span class="unseen"> {rest}</span>}
          </span>
          <Facts film={r.title} />
        </a>
        <Parts r={r} most={most} />
        <div class="answer-foot">
          {r.weak && (
            <span class="tag" title={t().similar.weakMore}>
              {t().similar.weak}
            </span>
          )}
          {r.also.length > 0 && <span class="quiet">{t().similar.also(r.also.length)}</span>}
          {r.evidence && (
            <button class="why" aria-expanded={open} aria-controls={open ? why : undefined} onClick={toggle}>
              {t().similar.why}
              <span class="unseen"> {name}</span>
              <Icon name="back" />
            </button>
          )}
        </div>
      </li>
      {open && r.evidence && <Why id={why} r={r} evidence={r.evidence} asked={asked} here={here} />}
    </>
  );
}

function Parts({ r, most }: { r: Recommendation; most: number }) {
  const rows = [
    { name: t().similar.likeness, value: r.of_likeness, kind: 'likeness' },
    { name: t().similar.opinion, value: r.of_opinion, kind: 'opinion' },
  ];
  return (
    <div
      class="parts"
      title={`${t().similar.similarity(decimals(r.similarity))}, ${t().similar.sharedWords(decimals(r.words))}`}
    >
      <span class="unseen">{t().similar.parts(signed(r.score), signed(r.of_likeness), signed(r.of_opinion))}</span>
      {rows.map((row) => (
        <span class="part" key={row.kind} aria-hidden="true">
          <span>{row.name}</span>
          <svg class={`part-bar ${row.kind}`} viewBox="-1 0 2 1" preserveAspectRatio="none">
            <rect class="part-track" x="-1" width="2" height="1" />
            <rect x={Math.min(0, row.value / most)} width={Math.abs(row.value / most)} height="1" />
          </svg>
          <span class="figure">{signed(row.value)}</span>
        </span>
      ))}
    </div>
  );
}

function Why({
  id,
  r,
  evidence,
  asked,
  here,
}: {
  id: string;
  r: Recommendation;
  evidence: NonNullable<Recommendation['evidence']>;
  asked: Map<string, Title>;
  here: boolean;
}) {
  const from = evidence.like && asked.get(evidence.like.id);
  const name = nameParts(r.title.name)[0];
  return (
    <li class="why-panel" id={id}>
      <section aria-label={t().similar.whyOf(name)}>
        <div class="pair">
          {from ? (
            <PlayableMoment
              film={from}
              moment={evidence.query}
              caption={here ? t().similar.here : t().similar.there(nameParts(from.name)[0])}
            />
          ) : (
            <blockquote>{evidence.query.text}</blockquote>
          )}
          <PlayableMoment film={r.title} moment={evidence.match} caption={t().similar.there(name)} />
        </div>
        <p class="quiet">
          {t().similar.similarity(decimals(r.similarity))} · {t().similar.sharedWords(decimals(r.words))}
        </p>
      </section>
    </li>
  );
}
