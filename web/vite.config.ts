import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const root = import.meta.dirname;
const pages = readdirSync(root)
  .filter((name) => name.endsWith('.html'))
  .map((name) => name.slice(0, -'.html'.length));

interface Chunk {
  file: string;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
  assets?: string[];
}

/** Every file that one page needs, read from the manifest of the build that has just been written. */
function filesOf(page: string, outDir: string): Set<string> {
  const manifest = JSON.parse(readFileSync(resolve(outDir, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>;
  const files = new Set<string>();
  const visited = new Set<string>();
  const queue = [page];
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const chunk = manifest[key];
    if (!chunk || visited.has(key)) continue;
    visited.add(key);
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file);
    queue.push(...(chunk.imports ?? []), ...(chunk.dynamicImports ?? []));
  }
  return files;
}

let outDir = resolve(root, '../src/ansim/web/static');

export default defineConfig({
  root,
  plugins: [
    svelte(),
    {
      name: 'remember-the-output-folder',
      configResolved(config) {
        outDir = resolve(config.root, config.build.outDir);
      },
    },
    // Only the citizen's page is installable and works offline; staff pages must never show an old version.
    VitePWA({
      strategies: 'generateSW',
      injectRegister: false,
      manifest: false,
      filename: 'sw.js',
      workbox: {
        globPatterns: ['citizen.html', 'manifest.webmanifest', 'assets/*.{js,css}', 'icons/*.{svg,png}'],
        navigateFallback: 'citizen.html',
        navigateFallbackAllowlist: [/^\/$/, /^\/citizen\.html$/],
        clientsClaim: true,
        skipWaiting: true,
        cleanupOutdatedCaches: true,
        inlineWorkboxRuntime: true,
        sourcemap: false,
        // Hashed names carry their own revision.
        dontCacheBustURLsMatching: /^assets\//,
        manifestTransforms: [
          (entries) => {
            const wanted = filesOf('citizen.html', outDir);
            const manifest = entries.filter((entry) => !entry.url.startsWith('assets/') || wanted.has(entry.url));
            return { manifest, warnings: [] };
          },
        ],
      },
    }),
  ],
  worker: { format: 'es' },
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    manifest: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: Object.fromEntries(pages.map((page) => [page, resolve(root, `${page}.html`)])) },
  },
});
