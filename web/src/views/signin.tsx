import { useId, useRef, useState } from 'preact/hooks';
import { api, mustSignIn, Problem, revival } from '../api';
import { saying } from '../load';
import { Spool } from '../parts/icon';
import { t } from '../prefs';

function refusal(problem: Problem) {
  if (problem.status === 401) return t().signIn.wrong;
  return problem.status === 429 ? t().signIn.often : saying(problem);
}

export function SignIn() {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [problem, fail] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    try {
      await api.signIn(input.current?.value.trim() ?? '');
      mustSignIn.value = false;
      revival.value++;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status === 409) { // it was started again, without a token
        mustSignIn.value = false;
        revival.value++;
        return;
      }
      fail(error);
      input.current?.select();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="sign-in"
      onSubmit={(e) => {
        e.preventDefault();
        void enter();
      }}
    >
      <Spool />
      <h1>{t().signIn.title}</h1>
      <p class="quiet" id={`${id}-intro`}>
        {t().signIn.intro}
      </p>
      <div class="field">
        <label for={id}>{t().signIn.token}</label>
        <input
          id={id}
          ref={input}
          type="password"
          autocomplete="current-password"
          required
          autofocus
          aria-describedby={`${id}-intro`}
          aria-invalid={problem !== undefined}
        />
      </div>
      <p class="said bad" role="alert">
        {problem && refusal(problem)}
      </p>
      <button class="button primary" disabled={busy}>
        {t().signIn.go}
      </button>
    </form>
  );
}
