/// How the UI is built, served while it is written, and tested.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.LILAC_SERVER ?? "http://127.0.0.1:8080";

const compress = promisify(brotliCompress);
/** What is smaller is sent as it is. */
const WORTH_IT_BYTES = 1_024;

/** Lays a compressed copy beside each text: the server would compress it less well, and at every request. */
function compressedCopies(): Plugin {
  return {
    name: "compressed-copies",
    apply: "build",
    async writeBundle({ dir = "dist" }, bundle) {
      const texts = Object.keys(bundle).filter((name) => /\.(js|css|html|svg)$/.test(name));
      await Promise.all(
        texts.map(async (name) => {
          const text = await readFile(join(dir, name));
          if (text.length < WORTH_IT_BYTES) return;
          const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
          await writeFile(join(dir, `${name}.br`), await compress(text, { params }));
        }),
      );
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), compressedCopies()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  server: {
    host: "127.0.0.1",
    // Development runs against a real server: there is no second, invented one to keep in step.
    // With the slash: `/api-keys` is a page.
    proxy: { "^/api/": { target: server } },
  },
  build: {
    target: "es2022",
    // The content security policy allows fonts from the server only, so nothing becomes a data: URL.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        // What every page needs comes in one file, which compresses better than many small ones.
        advancedChunks: {
          groups: [
            {
              name: "frame",
              test: /node_modules\/(react|react-dom|scheduler|use-sync-external-store|openapi-fetch|@tanstack\/(react-router|router-core|history|react-store|store|react-query|query-core))\//,
            },
          ],
        },
      },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
