/// What the walks through the pages have in common.
import { AxeBuilder } from "@axe-core/playwright";
import { type APIRequestContext, expect, type Page } from "@playwright/test";

export const USERNAME = process.env.LILAC_USERNAME ?? "admin";
export const PASSWORD = process.env.LILAC_PASSWORD ?? "";
export const IMAGE = process.env.LILAC_TEST_IMAGE ?? "lilac/busybox:test";

/** What the browser complained about, breaches of the content security policy among it; a page that works says nothing. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => found.push(error.message));
  page.on("dialog", (dialog) => {
    found.push(`a dialog of the browser: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return found;
}

/** Without those that the browser reports by itself when the server refuses: 403, 409, 422. */
export const unexpected = (found: string[]) => found.filter((text) => !/status of (401|403|409|422)/.test(text));

export async function login(page: Page, username = USERNAME, password = PASSWORD) {
  await page.goto("/login");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

export async function loginToDashboard(page: Page, username = USERNAME, password = PASSWORD) {
  await login(page, username, password);
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
}

/** The API as somebody else uses it, beside the page. */
export async function elsewhere(request: APIRequestContext) {
  const answer = await request.post("/api/v1/auth/login", { data: { username: USERNAME, password: PASSWORD } });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${token}` };
  const call = async (method: string, path: string, data?: object) => {
    const response = await request.fetch(`/api/v1${path}`, { method, headers, ...(data && { data }) });
    expect(response.ok(), `${method} ${path}: ${response.status()} ${response.ok() ? "" : await response.text()}`).toBe(true);
    const text = await response.text();
    // Whoever asks knows what the answer looks like.
    // oxlint-disable-next-line typescript/no-explicit-any -- an answer of any route
    return (text ? JSON.parse(text) : null) as any;
  };
  return call;
}

/** Chooses from the three dots. */
export async function choose(page: Page, menu: string | RegExp, action: string) {
  await page.getByRole("button", { name: menu, exact: typeof menu === "string" }).first().click();
  await page.getByRole("menuitem", { name: action }).click();
}

/** Checks a page as axe does, that nothing sticks out to the side, and takes its photograph. */
export async function inspect(page: Page, name: string) {
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect(page.locator("[aria-hidden].animate-shimmer")).toHaveCount(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  const overhang = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overhang, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
  await page.screenshot({ path: `screenshots/${name}.png`, fullPage: true });
}
