// Before the first paint, or a dark page would flash white. prefs.ts keeps it so.
{
  let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  try {
    const chosen = localStorage.getItem('kinora.theme');
    if (chosen === 'dark' || chosen === 'light') theme = chosen;
  } catch {
    // No storage: the system's colours.
  }
  document.documentElement.dataset.theme = theme;
}
