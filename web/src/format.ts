import { language, t } from './prefs';

/** 83.2 -> "1:23", 5025 -> "1:23:45". */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function length(seconds: number): string {
  if (!(seconds > 0)) return '';
  if (seconds < 90) return t().seconds(Math.round(seconds));
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? t().minutes(minutes) : t().hours(Math.floor(minutes / 60), minutes % 60);
}

export const number = (n: number) => new Intl.NumberFormat(language.value).format(n);
export const decimals = (n: number, places = 2) =>
  new Intl.NumberFormat(language.value, { minimumFractionDigits: places, maximumFractionDigits: places }).format(n);
export const signed = (n: number) =>
  new Intl.NumberFormat(language.value, {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    signDisplay: 'exceptZero',
  }).format(n);
export const percent = (n: number) => new Intl.NumberFormat(language.value, { style: 'percent' }).format(n);

/** "es-MX" -> "Mexican Spanish", in the language of the page. */
export function languageName(tag: string): string {
  if (!tag) return t().unknownLanguage;
  try {
    const name = new Intl.DisplayNames([language.value], { type: 'language' }).of(tag) ?? tag;
    return name.charAt(0).toLocaleUpperCase(language.value) + name.slice(1);
  } catch {
    return tag; // not a language tag at all
  }
}

export type Mood = 'dark' | 'sombre' | 'even' | 'bright' | 'warm' | 'none';

export function mood(opinion: number | null | undefined): Mood {
  if (opinion === null || opinion === undefined) return 'none';
  if (opinion < -0.25) return 'dark';
  if (opinion < -0.06) return 'sombre';
  if (opinion <= 0.06) return 'even';
  return opinion <= 0.25 ? 'bright' : 'warm';
}

/** The parts of "Title (1999) - Official Trailer" that a wall need not repeat stay; only release tags in brackets go. */
export const shown = (name: string) => name.replace(/\s*\[[^\]]*\]\s*/g, ' ').trim() || name;
