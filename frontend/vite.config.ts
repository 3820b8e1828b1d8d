/// How the UI is built, served while it is written, and tested.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.LILAC_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
