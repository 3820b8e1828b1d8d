/// The button of single sign-on, against a real provider on loopback. Its settings were given to the server when that
/// was started: LILAC_OIDC_ISSUER says where the provider is expected, LILAC_TEST_NODE_TOOLS where its package lies.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

import { expect, test } from "@playwright/test";

import { complaints, inspect } from "./help";

const { LILAC_TEST_NODE_TOOLS: TOOLS = "", LILAC_OIDC_ISSUER: ISSUER = "" } = process.env;
const RUN = Date.now().toString(36);

test.skip(!TOOLS || !ISSUER, "there is no provider: LILAC_TEST_NODE_TOOLS and LILAC_OIDC_ISSUER are not set");

let provider: ChildProcessByStdio<Writable, Readable, null>;
let answers: Interface;

/** Says who logs in there next. */
async function next(claims: object) {
  provider.stdin.write(`${JSON.stringify({ claims })}\n`);
  expect(await once(answers, "line")).toEqual(["ok"]);
}

test.beforeAll(async () => {
  const script = new URL("../../backend/tests/server/sso_provider.mjs", import.meta.url).pathname;
  provider = spawn("node", [script, TOOLS, new URL(ISSUER).port], { stdio: ["pipe", "pipe", "inherit"] });
  answers = createInterface({ input: provider.stdout });
  expect(await once(answers, "line")).toEqual([ISSUER]);
});

// It ends with its input.
test.afterAll(() => provider.stdin.end());

test("the button leads to the provider and back, to the page that was wanted", async ({ page }) => {
  const found = complaints(page);
  await next({ sub: `sub-${RUN}`, preferred_username: `sso-${RUN}` });
  await page.goto("/queues");
  await expect(page).toHaveURL(/\/login\?next=/);
  const button = page.getByRole("link", { name: "Log in with Example" });
  await expect(button).toBeVisible();
  await inspect(page, "login-sso");
  await button.click();
  await expect(page.getByRole("heading", { name: "Queues" })).toBeVisible();
  await expect(page.getByTitle("Settings")).toContainText(`sso-${RUN}`);
  // The session outlives the page, and ends when it is ended.
  await page.reload();
  await expect(page.getByRole("heading", { name: "Queues" })).toBeVisible();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(button).toBeVisible();
  // That nobody is logged in is the one answer that the browser reports by itself.
  expect(found.filter((text) => !text.includes("401"))).toEqual([]);
});

test("who may not have the name that the provider tells is told so on the login page", async ({ page }) => {
  await next({ sub: `another-${RUN}`, preferred_username: "admin" });
  await page.goto("/login");
  await page.getByRole("link", { name: "Log in with Example" }).click();
  await expect(page.getByRole("alert")).toContainText("belongs to another account");
  await expect(page.getByLabel("Username")).toBeVisible();
});
