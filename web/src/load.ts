import { useEffect, useState } from 'preact/hooks';
import { Problem, revival } from './api';
import { t } from './prefs';

export interface Loaded<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  again: () => void;
}

/** The server speaks English: in another language what is frequent is said by its code, with the server's words behind it. */
export function saying(problem: Problem): string {
  const told = t().problems[problem.code];
  return told
    ? `${told} (${problem.message})`
    : problem.message || (problem.status === 0 ? t().offline : t().failed);
}

/** Loads when the keys change, and again when the server was away. What was there stays until the new is, so that nothing
 * flickers; `keep: false` for what belongs to one key only. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[], keep = true): Loaded<T> {
  const key = JSON.stringify(keys);
  const [state, set] = useState<{ key: string; data?: T; problem?: Problem; loading: boolean }>({ key, loading: true });
  const [tries, retry] = useState(0);
  const revived = revival.value;

  useEffect(() => {
    const abort = new AbortController();
    set((was) => ({
      key,
      loading: true,
      ...((keep || was.key === key) && was.data !== undefined && { data: was.data }),
    }));
    load(abort.signal)
      .then((data) => !abort.signal.aborted && set({ key, data, loading: false }))
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        set((was) => ({ key, problem: error, loading: false, ...(was.data !== undefined && { data: was.data }) }));
      });
    return () => abort.abort();
  }, [key, tries, revived]);

  const mine = keep || state.key === key;
  return {
    data: mine ? state.data : undefined,
    problem: mine ? state.problem : undefined,
    loading: mine ? state.loading : true,
    again: () => retry((n) => n + 1),
  };
}

/** The value, once it has stayed the same for so long. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, set] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms);
    return () => clearTimeout(timer);
  }, [key]);
  return settled;
}
