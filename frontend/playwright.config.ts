/// The browser's walk through the UI of a running server: see e2e/walk.spec.ts for what it expects.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One after the other: the photographs show what the first walk made.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // What passes at its second try is told as flaky, and does not stop everybody else's work.
  retries: process.env.CI ? 1 : 0,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: {
    baseURL: process.env.LILAC_URL ?? "http://127.0.0.1:8080",
    contextOptions: { reducedMotion: "reduce" },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.LILAC_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
