// Before the first paint, or a page set to dark would flash white.
try {
  const theme = localStorage.getItem('kinora.theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's colours.
}
