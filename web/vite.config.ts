import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { defineConfig, type Plugin } from 'vite';

// The font's licence asks to travel with it.
function fontLicence(): Plugin {
  const path = createRequire(import.meta.url).resolve('@fontsource/instrument-serif/LICENSE');
  return {
    name: 'font-licence',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'assets/instrument-serif-licence.txt', source: readFileSync(path) });
    },
  };
}

// theme.js must run before the first paint, so it is no module, which Vite would not bundle; and what lies under assets/
// never changes under its name, so it has its hash in it.
function beforePaint(): Plugin {
  const source = readFileSync(new URL('src/theme.js', import.meta.url));
  const fileName = `assets/theme-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`;
  return {
    name: 'before-paint',
    apply: 'build',
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: `./${fileName}` }, injectTo: 'head' }],
    generateBundle() {
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

export default defineConfig({
  // Relative addresses, so that a reverse proxy may serve the page below any path.
  base: './',
  plugins: [fontLicence(), beforePaint()],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: '../build/web',
    emptyOutDir: true,
    target: 'es2022',
    // No data: addresses, and no script that Vite would put into the page: the Content-Security-Policy has neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:7878', '/health': 'http://127.0.0.1:7878' } },
});
