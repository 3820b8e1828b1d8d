/// One walk through every page, against a real server with one agent. It expects LILAC_URL, LILAC_USERNAME
/// and LILAC_PASSWORD, an administrator's, and an image with a shell on the node (LILAC_TEST_IMAGE).
/// Photographs land in screenshots/.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

const USERNAME = process.env.LILAC_USERNAME ?? "admin";
const PASSWORD = process.env.LILAC_PASSWORD ?? "";
const IMAGE = process.env.LILAC_TEST_IMAGE ?? "lilac/busybox:test";

/** Tells this run's objects from those of an earlier one. */
const RUN = Date.now().toString(36);

test.describe.configure({ mode: "serial" });

/** What the browser complained about; a page that works says nothing. */
function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => found.push(error.message));
  return found;
}

async function login(page: Page) {
  await page.goto("/login");
  await page.getByLabel("Username").fill(USERNAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
}

async function submit(page: Page, name: string, script: string) {
  await page.goto("/jobs/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Image", { exact: true }).fill(IMAGE);
  await page.getByLabel("Script", { exact: true }).fill(script);
  await page.getByLabel("CPUs").fill("100m");
  await page.getByLabel("Memory").fill("32Mi");
  await page.getByText("None", { exact: true }).click();
  await expect(page.getByLabel("The job as text")).toContainText("network: none");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
}

const header = (page: Page) => page.locator("main header").first();

test("a job submitted by form shows its live log and succeeds", async ({ page }) => {
  const found = complaints(page);
  await login(page);
  const steps = "for i in 1 2 3 4; do echo step $i of 4; sleep 1; done; printf '\\033[32mall done\\033[0m\\n'";
  await submit(page, `walk-${RUN}`, steps);
  const log = page.getByRole("log");
  await expect(log).toContainText("step 1 of 4");
  // The log is live: its beginning is here while its end is not.
  await expect(header(page)).toContainText("Running");
  await expect(log).toContainText("step 4 of 4");
  await expect(log.locator(".ansi-fg-2")).toHaveText("all done");
  await expect(header(page)).toContainText("Succeeded");
  await expect(page.getByText("Complete")).toBeVisible();

  await page.getByLabel("Search the log").fill("STEP");
  await expect(page.getByText("1/4")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the log" }).click();
  expect((await download).suggestedFilename()).toBe(`walk-${RUN}-1.log`);

  await page.getByRole("link", { name: "Events" }).click();
  await expect(page.getByRole("list", { name: "Events, the latest first" })).toContainText("Succeeded");
  await page.getByRole("link", { name: "Spec" }).click();
  await expect(page.getByLabel("Spec", { exact: true })).toContainText(`name: walk-${RUN}`);
  // What is over cannot be cancelled, and the button says so.
  await expect(page.getByRole("button", { name: /Cancel.*succeeded already/ })).toHaveAttribute("aria-disabled", "true");
  expect(found).toEqual([]);
});

test("a running job is cancelled after a question", async ({ page }) => {
  const found = complaints(page);
  await login(page);
  await submit(page, `walk-stop-${RUN}`, "echo waiting; exec sleep 600");
  await expect(page.getByRole("log")).toContainText("waiting");
  await page.getByRole("button", { name: "Cancel" }).click();
  const question = page.getByRole("dialog", { name: `Cancel walk-stop-${RUN}?` });
  await expect(question).toContainText("SIGTERM");
  await question.getByRole("button", { name: "Keep it" }).click();
  await expect(question).toBeHidden();
  await page.getByRole("button", { name: "Cancel" }).click();
  await question.getByRole("button", { name: "Cancel the job" }).click();
  await expect(header(page)).toContainText("Cancelled", { timeout: 40_000 });
  expect(found).toEqual([]);
});

test("a job that no node can take says why it waits; a failed one says how it ended", async ({ page }) => {
  await login(page);
  await submit(page, `walk-fail-${RUN}`, "echo about to fail >&2; exit 3");
  await expect(header(page)).toContainText("Failed");
  await expect(header(page)).toContainText("3");

  await page.goto("/jobs/new");
  await page.getByLabel("Name", { exact: true }).fill(`walk-big-${RUN}`);
  await page.getByLabel("Image", { exact: true }).fill(IMAGE);
  await page.getByLabel("CPUs").fill("4000");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("Queued: exceeds any node")).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("link", { name: /cannot run here/ })).toBeVisible();
});

test("refused fields are named where they are", async ({ page }) => {
  await login(page);
  await page.goto("/jobs/new");
  await page.getByLabel("Memory").fill("lots");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await expect(page.getByLabel("Memory")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Memory").fill("32Mi");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Image", { exact: true })).toHaveAttribute("aria-invalid", "true");
});

test("a node is cordoned and uncordoned, and a key for another one is made", async ({ page }) => {
  const found = complaints(page);
  await login(page);
  await page.goto("/nodes");
  const node = page.locator("main li").filter({ has: page.getByRole("heading", { level: 2 }) }).first();
  await node.getByRole("button", { name: /^Cordon/ }).click();
  await expect(node).toContainText("Cordoned");
  await node.getByRole("button", { name: /^Uncordon/ }).click();
  await expect(node).toContainText("Ready");

  await page.getByRole("button", { name: "Add node" }).click();
  await page.getByRole("button", { name: "Make a join key" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a node" });
  await expect(dialog).toContainText("lilac_join_");
  await expect(dialog).toContainText("lilac_cli agent start");
  await expect(dialog).toContainText("Waiting for the node");
  expect(found).toEqual([]);
});

test("queues, users and API keys are made and changed", async ({ page }) => {
  const found = complaints(page);
  await login(page);
  await page.goto("/queues");
  await page.getByRole("button", { name: "New queue" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`walk-${RUN}`);
  await page.getByLabel("Priority").fill("5");
  await page.getByRole("button", { name: "Create the queue" }).click();
  const queue = page.getByRole("row").filter({ hasText: `walk-${RUN}` });
  await expect(queue).toContainText("Open");
  await queue.getByRole("button", { name: /Pause/ }).click();
  await expect(queue).toContainText("Paused");
  await queue.getByRole("button", { name: /Resume/ }).click();
  await expect(queue).toContainText("Open");

  await page.goto("/users");
  await page.getByRole("button", { name: "New user" }).click();
  await page.getByLabel("Username").fill(`walker-${RUN}`);
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create the user" }).click();
  await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Password").fill(`long enough ${RUN}`);
  await page.getByRole("button", { name: "Create the user" }).click();
  const user = page.getByRole("row").filter({ hasText: `walker-${RUN}` });
  await user.getByRole("button", { name: /Disable/ }).click();
  await page.getByRole("button", { name: "Disable the account" }).click();
  await expect(user).toContainText("Disabled");

  await page.goto("/api-keys");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`walk-${RUN}`);
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByRole("dialog")).toContainText("lilac_pat_");
  await page.getByRole("button", { name: "Done" }).click();
  const key = page.getByRole("row").filter({ hasText: `walk-${RUN}` });
  await key.getByRole("button", { name: /Revoke/ }).click();
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await expect(key).toHaveCount(0);
  // The refused password of above is the one answer that the browser reports by itself.
  expect(found.filter((text) => !text.includes("422"))).toEqual([]);
});

test("the keyboard reaches everything, and the URL holds the filters", async ({ page }) => {
  await login(page);
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await expect(page.getByRole("heading", { name: "Jobs", exact: true })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByLabel("Filter by text")).toBeFocused();
  await page.keyboard.type(`walk-${RUN}`);
  await page.getByRole("button", { name: /^Succeeded/ }).click();
  await expect(page).toHaveURL(new RegExp(`state=succeeded.*q=walk-${RUN}|q=walk-${RUN}.*state=succeeded`));
  await page.reload();
  await expect(page.getByRole("table", { name: "Jobs" }).getByRole("row")).toHaveCount(2);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Page, action/ }).fill("queues");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Queues" })).toBeVisible();
});

const PAGES: readonly (readonly [name: string, path: string, heading: string])[] = [
  ["dashboard", "/", "Dashboard"],
  ["jobs", "/jobs", "Jobs"],
  ["jobs-filtered", "/jobs?state=failed", "Jobs"],
  ["submit", "/jobs/new", "Submit a job"],
  ["queues", "/queues", "Queues"],
  ["nodes", "/nodes", "Nodes"],
  ["add-node", "/nodes?add=true", "Add a node"],
  ["users", "/users", "Users"],
  ["api-keys", "/api-keys", "API keys"],
  ["not-found", "/no/such/page", "Not found"],
];

/** Checks a page as axe does, that nothing sticks out to the side, and takes its photograph. */
async function inspect(page: Page, name: string) {
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect(page.locator("[aria-hidden].animate-shimmer")).toHaveCount(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  const overhang = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overhang, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
  await page.screenshot({ path: `screenshots/${name}.png` });
}

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`every page is whole and accessible, ${theme}, ${width} px`, async ({ browser, baseURL }) => {
      const context = await browser.newContext({
        baseURL,
        colorScheme: theme,
        reducedMotion: "reduce",
        viewport: { width, height: width > 600 ? 900 : 844 },
      });
      const page = await context.newPage();
      const found = complaints(page);
      await page.goto("/login");
      await expect(page.getByLabel("Username")).toBeFocused();
      await inspect(page, `login-${theme}-${width}`);
      await login(page);
      await expect(page.locator("html")).toHaveAttribute("data-theme", theme);
      for (const [name, path, heading] of PAGES) {
        await page.goto(path);
        await expect(page.getByRole("heading", { name: heading, exact: true })).toBeVisible();
        await inspect(page, `${name}-${theme}-${width}`);
      }
      await page.goto(`/jobs?q=walk-${RUN}`);
      await page.getByRole("link", { name: `walk-${RUN}` }).first().click();
      for (const tab of ["Overview", "Logs", "Metrics", "Events", "Attempts", "Spec"]) {
        await page.getByRole("link", { name: tab, exact: true }).click();
        await inspect(page, `job-${tab.toLowerCase()}-${theme}-${width}`);
      }
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("option").first()).toBeVisible();
      await inspect(page, `palette-${theme}-${width}`);
      expect(found).toEqual([]);
      await context.close();
    });
  }
}
