// What this browser remembers of its user: the language of the page and its colours.
import { computed, effect, signal } from '@preact/signals';
import { tables, type Strings } from './strings';

export type Language = keyof typeof tables;
export type Theme = 'dark' | 'light';

// Storage may be switched off; then nothing is remembered, and all else works.
function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`kinora.${key}`);
  } catch {
    return null;
  }
}

function remember(key: string, value: string) {
  try {
    localStorage.setItem(`kinora.${key}`, value);
  } catch {
    return;
  }
}

function firstLanguage(): Language {
  const known = (tag: string) =>
    tag.slice(0, 2).toLowerCase() in tables ? (tag.slice(0, 2).toLowerCase() as Language) : null;
  for (const tag of [remembered('language') ?? '', ...navigator.languages]) {
    const found = known(tag);
    if (found) return found;
  }
  return 'en';
}

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const system = signal<Theme>(systemDark.matches ? 'dark' : 'light');
systemDark.addEventListener('change', (e) => (system.value = e.matches ? 'dark' : 'light'));

const chosen = signal(remembered('theme'));
export const theme = computed<Theme>(() =>
  chosen.value === 'dark' || chosen.value === 'light' ? chosen.value : system.value,
);

export function toggleTheme() {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark';
  remember('theme', chosen.value);
}

export const language = signal<Language>(firstLanguage());

export function setLanguage(to: Language) {
  language.value = to;
  remember('language', to);
}

/** Shortcuts of one key can be switched off: who speaks to the machine, or presses keys unawares, would set them off. */
export const shortcuts = signal(remembered('shortcuts') !== 'off');

export function setShortcuts(on: boolean) {
  shortcuts.value = on;
  remember('shortcuts', on ? 'on' : 'off');
}

const table = computed<Strings>(() => tables[language.value]);

/** The texts of the page in its language; read while rendering, so that a switch is seen at once. */
export const t = () => table.value;

effect(() => {
  document.documentElement.lang = language.value;
  document.documentElement.dataset.theme = theme.value;
});

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
