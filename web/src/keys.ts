// Shortcuts of one key. They rest while somebody types, and with Ctrl, Alt or Meta, which are the browser's and the reader's.
import { useEffect, useRef } from 'preact/hooks';
import { shortcuts } from './prefs';

export type Keymap = Record<string, (e: KeyboardEvent) => void>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.matches('input:not([type=range], [type=checkbox], [type=radio]), textarea, select') ||
    target.isContentEditable);

export function useKeys(keymap: Keymap) {
  const now = useRef(keymap);
  now.current = keymap;
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.altKey || e.metaKey || (typing(e.target) && e.key !== 'Escape')) return;
      if (document.querySelector('dialog[open]')) return;
      const act = now.current[e.key];
      if (!act || (e.key.length === 1 && !shortcuts.value)) return;
      e.preventDefault();
      act(e);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** Arrow keys move the focus among the elements that fit the selector. */
export function moveAmong(container: HTMLElement, selector: string, e: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  const all = [...container.querySelectorAll<HTMLElement>(selector)];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[at + step];
  if (!next) return;
  e.preventDefault();
  next.focus();
}
