// What a view shows while there is nothing to show: waiting, nothing there, not working.
import type { ComponentChildren } from 'preact';
import type { Problem } from '../api';
import { saying } from '../load';
import { t } from '../prefs';
import { href } from '../router';
import { Icon, Spool } from './icon';

export function Waiting() {
  return (
    <div class="notice waiting" role="status">
      <Spool />
      <p>{t().loading}</p>
    </div>
  );
}

export function Nothing({
  title,
  children,
  action,
  all,
}: {
  title: string;
  all?: boolean; // it is all that the view shows
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="notice">
      <Spool />
      {all ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** An address that leads to no view, or to no film. */
export function Nowhere() {
  return (
    <Nothing
      all
      title={t().notFound}
      action={
        <a class="button" href={href('library')}>
          {t().toLibrary}
        </a>
      }
    >
      {t().notFoundMore}
    </Nothing>
  );
}

export function Failed({ problem, again }: { problem: Problem; again: () => void }) {
  return (
    <div class="notice failed" role="alert">
      <Icon name="warn" />
      <h2>{t().failed}</h2>
      <p>{saying(problem)}</p>
      <button class="button" onClick={again}>
        {t().retry}
      </button>
    </div>
  );
}
