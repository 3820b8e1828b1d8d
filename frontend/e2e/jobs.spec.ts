/// The half of the UI that is about jobs, against a real server with one agent: what is live, what is long, what is
/// hostile, what is fast, and every action. It expects what walk.spec.ts expects. Photographs land in screenshots/.
import { AxeBuilder } from "@axe-core/playwright";
import { type APIRequestContext, expect, type Page, test } from "@playwright/test";

const USERNAME = process.env.LILAC_USERNAME ?? "admin";
const PASSWORD = process.env.LILAC_PASSWORD ?? "";
const IMAGE = process.env.LILAC_TEST_IMAGE ?? "lilac/busybox:test";
const RUN = Date.now().toString(36);
const ESC = String.fromCharCode(27);

test.describe.configure({ mode: "serial" });

/** What the browser complained about, and what broke the content security policy; a page that works says nothing. */
async function complaints(page: Page): Promise<string[]> {
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => found.push(error.message));
  page.on("dialog", (dialog) => {
    found.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction("reportViolation", (text: string) => found.push(text));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const { reportViolation } = window as unknown as { reportViolation: (text: string) => void };
      reportViolation(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return found;
}

async function login(page: Page) {
  await page.goto("/login");
  await page.getByLabel("Username").fill(USERNAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
}

/** Calls the API as somebody else would, past the page. */
async function caller(request: APIRequestContext) {
  const answer = await request.post("/api/v1/auth/login", { data: { username: USERNAME, password: PASSWORD } });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${token}` };
  return async function call<T>(method: "GET" | "POST" | "PATCH", path: string, data?: unknown): Promise<T> {
    const response = await request.fetch(`/api/v1${path}`, { method, headers, timeout: 120_000, ...(data !== undefined && { data }) });
    expect(response.ok(), `${method} ${path}: ${await response.text()}`).toBe(true);
    return (await response.json()) as T;
  };
}

/** What was measured stands in the output, whether or not a test bounds it. */
function measured(text: string) {
  process.stdout.write(`    ${text}\n`);
}

interface Job {
  id: string;
  name: string;
  state: string;
}

const small = { cpus: "50m", memory: "16Mi" };
const jobSpec = (name: string, run: string, more: object = {}) => ({ name: `${name}-${RUN}`, image: IMAGE, run, network: "none", resources: small, ...more });

/** Axe has nothing to say, and nothing sticks out to the side; then the photograph. */
async function inspect(page: Page, name: string) {
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect(page.locator("[aria-hidden].animate-shimmer")).toHaveCount(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  const overhang = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overhang, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
  await page.screenshot({ path: `screenshots/${name}.png` });
}

const header = (page: Page) => page.locator("main header").first();
const jobTable = (page: Page) => page.getByRole("table", { name: "Jobs" });

/** How many milliseconds pass until something is seen that was not there, from when it was caused. */
async function seenAfter(cause: () => Promise<unknown>, seen: () => Promise<unknown>): Promise<number> {
  await cause();
  const began = Date.now();
  await seen();
  return Date.now() - began;
}

test("the first load is small, and each page brings only its own", async ({ page }) => {
  await login(page);
  // As somebody comes back: with a session, and nothing in the cache.
  const session = await page.context().newCDPSession(page);
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.goto("/jobs");
  await expect(page.getByText(/in all$/)).toBeVisible();
  const { interactive, files } = await page.evaluate(() => {
    const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    const resources = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    const code = resources.filter((one) => /\.(js|css)$/.test(new URL(one.name).pathname));
    return {
      interactive: Math.round(entry?.domInteractive ?? 0),
      files: code.map((one) => ({ name: new URL(one.name).pathname, bytes: one.encodedBodySize })),
    };
  });
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  measured(`first load of the list of jobs: ${files.length} files, ${Math.round(total / 1000)} kB compressed, interactive after ${interactive} ms`);
  expect(total).toBeGreaterThan(50_000);
  expect(total).toBeLessThan(150_000);
  const names = files.map((file) => file.name).join(" ");
  for (const heavy of ["xterm", "editor", "chart", "menu-parts", "dialog-base"]) expect(names).not.toContain(`/${heavy}-`);
});

test("what is changed elsewhere appears by itself: on the list, the dashboard and the job's page", async ({ page, request, context }) => {
  const found = await complaints(page);
  const call = await caller(request);
  await login(page);
  await page.goto(`/jobs?q=live-${RUN}`);
  await expect(page.getByText("No job matches")).toBeVisible();
  await expect(page.getByText("Live", { exact: true }).first()).toBeVisible();
  let job: Job | undefined;
  const listed = await seenAfter(
    async () => {
      job = await call<Job>("POST", "/jobs", jobSpec("live", "sleep 600"));
    },
    () => expect(jobTable(page).getByRole("link", { name: `live-${RUN}` })).toBeVisible(),
  );
  const id = job?.id ?? "";
  await expect(jobTable(page)).toContainText("Running");

  const other = await context.newPage();
  await other.goto("/");
  await expect(other.getByRole("table", { name: "My jobs" })).toContainText(`live-${RUN}`);
  const third = await context.newPage();
  await third.goto(`/jobs/${id}?tab=overview`);
  await expect(header(third)).toContainText("Running");
  const stopped = await seenAfter(
    () => call("POST", `/jobs/${id}/cancel`),
    () => expect(header(third)).toContainText(/cancelling|Cancelled/),
  );
  await expect(header(third)).toContainText("Cancelled", { timeout: 40_000 });
  await expect(jobTable(page)).toContainText("Cancelled");
  const row = other.getByRole("table", { name: "My jobs" }).getByRole("row").filter({ hasText: `live-${RUN}` });
  await expect(row).toContainText("Cancelled");
  measured(`a job submitted elsewhere was listed after ${listed} ms, its end was shown after ${stopped} ms`);
  expect(found).toEqual([]);
  await other.close();
  await third.close();
});

test("a storm of changes is no storm of requests", async ({ page, request }) => {
  const call = await caller(request);
  await login(page);
  await page.goto("/jobs");
  await expect(jobTable(page)).toBeVisible();
  let lists = 0;
  page.on("request", (sent) => {
    if (new URL(sent.url()).pathname === "/api/v1/jobs") lists += 1;
  });
  const began = Date.now();
  const storm = Array.from({ length: 200 }, (_, at) => ({ ...jobSpec("storm", "true"), name: `storm-${RUN}-${at}`, resources: { cpus: "900", memory: "16Mi" } }));
  await call("POST", "/jobs/batch", { jobs: storm });
  await expect(jobTable(page)).toContainText(`storm-${RUN}`);
  await call("POST", `/jobs/cancel?text=storm-${RUN}`);
  await expect(jobTable(page).getByRole("row").filter({ hasText: `storm-${RUN}` }).first()).toContainText("Cancelled");
  const seconds = (Date.now() - began) / 1000;
  measured(`400 changes within ${seconds.toFixed(1)} s: the list was read ${lists} times`);
  // Two pages are on the screen, each read at most once or twice a second.
  expect(lists).toBeLessThan(10 + seconds * 4);
});

test("every action of a job does what it says", async ({ page, request }) => {
  const found = await complaints(page);
  const call = await caller(request);
  await login(page);
  const waiting = await call<Job>("POST", "/jobs", jobSpec("acts", "true", { resources: { cpus: "900", memory: "16Mi" }, max_runtime: "1h" }));
  await page.goto(`/jobs/${waiting.id}`);
  // What waits opens on the reason.
  await expect(page.getByRole("heading", { name: "Why it waits" })).toBeVisible();
  await expect(page.getByText("No node is that large")).toBeVisible();
  await expect(page.getByRole("heading", { name: "What would let it start" })).toBeVisible();

  const dialog = page.getByRole("dialog");
  const change = async (item: string) => {
    await page.getByRole("button", { name: "Change" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await change("Priority…");
  await dialog.getByLabel("Priority").fill("5000");
  await page.getByRole("button", { name: "Change the priority" }).click();
  await expect(dialog.getByLabel("Priority")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Priority").fill("77");
  await page.getByRole("button", { name: "Change the priority" }).click();
  await expect(dialog).toHaveCount(0);
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("77", { exact: true })).toBeVisible();
  await change("Time limit…");
  await dialog.getByLabel("Time limit").fill("2h");
  await page.getByRole("button", { name: "Change the limit" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.locator("main").getByText(/^2h$/).first()).toBeVisible();
  await change("Hold…");
  await dialog.getByLabel("Why").fill("<b>not</b> today");
  await page.getByRole("button", { name: "Hold the job" }).click();
  await expect(header(page)).toContainText("Held");
  await expect(header(page)).toContainText("<b>not</b> today");
  await page.getByRole("button", { name: "Release" }).click();
  await expect(header(page)).toContainText("Queued");

  await page.getByRole("button", { name: "Run again" }).first().click();
  await expect(page).not.toHaveURL(new RegExp(waiting.id));
  await page.getByRole("link", { name: "Spec" }).click();
  await expect(page.getByText("The same as")).toBeVisible();
  // Edited and run again, the spec tells what differs.
  await page.getByRole("button", { name: "More ways to run it again" }).click();
  await page.getByRole("menuitem", { name: "Edit and run again" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(`acts-${RUN}`);
  expect(found.filter((text) => !text.includes("422"))).toEqual([]);
});

test("many jobs are changed at once, grouped and laid out", async ({ page, request }) => {
  const call = await caller(request);
  await login(page);
  for (const at of [1, 2, 3]) {
    await call("POST", "/jobs", jobSpec(`many-${at}`, "true", { resources: { cpus: "900", memory: "16Mi" }, labels: { sweep: RUN, seed: String(at) } }));
  }
  await page.goto(`/jobs?q=many-`);
  await page.getByLabel("Filter by text").fill(`sweep=${RUN}`);
  await expect(page).toHaveURL(/q=sweep/);
  await expect(jobTable(page).getByRole("row")).toHaveCount(4);
  await page.getByLabel("Choose the jobs that are shown").check();
  const bar = page.getByRole("region", { name: "Chosen jobs" });
  await expect(bar).toContainText("3 chosen");
  await bar.getByRole("button", { name: "Priority" }).click();
  await page.getByRole("dialog").getByLabel("Priority").fill("12");
  await page.getByRole("button", { name: "Change the priority" }).click();
  await expect(page.getByRole("dialog")).toContainText("3 jobs changed");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Priority" }).click();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/cols=.*priority/);
  await expect(jobTable(page).getByRole("cell", { name: "12", exact: true })).toHaveCount(3);
  await page.getByLabel("Choose the jobs that are shown").check();
  await bar.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("button", { name: "Run them again" }).click();
  await expect(page.getByRole("dialog")).toContainText("3 jobs submitted again");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await expect(jobTable(page).getByRole("row")).toHaveCount(7);

  await page.getByLabel("Group by").selectOption("name");
  const groups = page.getByRole("list", { name: "Jobs by name" });
  await expect(groups.getByRole("button", { name: `many-1-${RUN}` })).toBeVisible();
  await inspect(page, "jobs-grouped");
  await groups.getByRole("button", { name: `many-1-${RUN}` }).click();
  await expect(jobTable(page).getByRole("row")).toHaveCount(3);

  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save this view…" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Seed one");
  await page.getByRole("button", { name: "Save the view" }).click();
  await page.goto("/jobs");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Seed one" }).click();
  await expect(page).toHaveURL(/q=many-1/);

  await page.goto(`/jobs?q=sweep%3D${RUN}`);
  await page.getByLabel("Choose the jobs that are shown").check();
  await bar.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel them" }).click();
  await expect(page.getByRole("dialog")).toContainText("6 jobs cancelled");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await expect(jobTable(page).getByText("Cancelled", { exact: true })).toHaveCount(6);
});

test("form and text are one job, and the scheduler answers as one types", async ({ page }) => {
  const found = await complaints(page);
  await login(page);
  await page.goto("/jobs/new");
  const text = page.getByRole("textbox", { name: "The job as text" });
  const answer = page.getByRole("region", { name: "Dry run" });
  await expect(answer).toContainText("Not complete yet");
  await page.getByLabel("Name", { exact: true }).fill(`form-${RUN}`);
  await page.getByLabel("Image", { exact: true }).fill(IMAGE);
  await page.getByText("None", { exact: true }).click();
  await page.getByLabel("CPUs").fill("50m");
  await page.getByLabel("Memory").fill("16Mi");
  await expect(answer).toContainText("Starts now on");
  await page.getByLabel("CPUs").fill("4000");
  await expect(answer).toContainText("Would never start");
  await page.getByLabel("CPUs").fill("lots");
  await expect(page.getByLabel("CPUs")).toHaveAttribute("aria-invalid", "true");

  await text.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(`name: form-${RUN}\nimage: ${IMAGE}\nnetwork: none\nresources:\n  cpus: 50m\n  memory: 16Mi\nlabels:\n  from: text\npriorty: 3\n`);
  await expect(answer).toContainText("did you mean priority");
  await expect(page.getByLabel("CPUs")).toHaveValue("50m");
  await expect(page.getByLabel("Labels")).toHaveValue("from=text");
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Shift+Home");
  await page.keyboard.insertText("run: echo from text");
  await expect(page.getByLabel("Script", { exact: true })).toHaveValue("echo from text");
  await expect(answer).toContainText("Starts now on");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("menuitem", { name: "Outputs to keep" }).click();
  await expect(text).toContainText("path: /out");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await expect(page.getByRole("log")).toContainText("from text");
  await page.getByRole("link", { name: "Outputs" }).click();
  await expect(page.locator("main")).toContainText("/out");
  await page.getByRole("link", { name: "Receipt" }).click();
  await expect(page.getByRole("list", { name: "What it held" })).toContainText(/CPU-(hours|seconds)/);
  // The server's refusals of unfinished drafts are the answers that the browser reports by itself.
  expect(found.filter((line) => !line.includes("422"))).toEqual([]);
});

test("a shell in a running job, in the browser", async ({ page, request }) => {
  const found = await complaints(page);
  const call = await caller(request);
  await login(page);
  const job = await call<Job>("POST", "/jobs", jobSpec("shell", "sleep 600"));
  await page.goto(`/jobs/${job.id}?tab=shell`);
  await expect(header(page)).toContainText("Running");
  await page.getByRole("button", { name: "Open a shell" }).click();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await page.keyboard.type("echo $((6 * 7))-$LILAC_JOB_NAME\n");
  await expect(page.locator(".xterm-rows")).toContainText(`42-shell-${RUN}`);
  await inspect(page, "job-shell");
  await page.keyboard.type("exit 3\n");
  await expect(page.getByText("Ended with exit code 3")).toBeVisible();
  // It ends with the job, too.
  await page.getByRole("button", { name: "Open another" }).click();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await call("POST", `/jobs/${job.id}/cancel`);
  await expect(page.getByText(/attempt has ended|connection ended|Ended/)).toBeVisible({ timeout: 40_000 });
  expect(found).toEqual([]);
});

test("what a stranger wrote is shown as text", async ({ page, request }) => {
  const found = await complaints(page);
  const call = await caller(request);
  await login(page);
  const hostile = `<img src=x onerror="alert(1)">`;
  const script = [
    `printf '%s\\n' '${hostile}'`,
    `printf '\\033[31mred\\033[0m \\033]0;title\\007 \\033[2Jcleared\\n'`,
    `printf 'turned \\342\\200\\256 around\\n'`,
    `printf '10%%\\r20%%\\rdone\\n'`,
    `head -c 1000000 /dev/zero | tr '\\0' 'x'; echo; echo the end`,
  ].join("\n");
  const labels = { html: hostile, turned: "\u202Eabc", long: "w".repeat(255) };
  const job = await call<Job>("POST", "/jobs", jobSpec("hostile", `${script}\nexit 1`, { labels }));
  await page.goto(`/jobs/${job.id}?tab=overview`);
  await expect(header(page)).toContainText("Failed");
  await expect(page.getByText(`html=${hostile}`)).toBeVisible();
  await inspect(page, "job-hostile");
  await page.getByRole("link", { name: "Logs" }).click();
  await page.getByRole("button", { name: "Go to the beginning" }).click();
  const log = page.getByRole("log");
  await expect(log).toContainText(hostile);
  await expect(log).toContainText("‹U+202E›");
  await expect(log).toContainText("done");
  await expect(log).not.toContainText("20%");
  await expect(log.locator("img")).toHaveCount(0);
  await inspect(page, "job-log-hostile");
  await page.getByLabel("Search the log").fill("the end");
  await page.keyboard.press("Enter");
  await expect(log).toContainText("the end");
  await page.goto(`/jobs?label=${encodeURIComponent(`html=${hostile}`)}&cols=labels,image`);
  await expect(jobTable(page)).toContainText(hostile);
  expect(found).toEqual([]);
});

test("a failed job opens at the first error of its log, and a line has an address", async ({ page, request }) => {
  const call = await caller(request);
  await login(page);
  const script = `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; echo "Traceback: it broke here"; i=0; while [ $i -lt 3000 ]; do echo "after $i"; i=$((i+1)); done; exit 1`;
  const job = await call<Job>("POST", "/jobs", jobSpec("breaks", script));
  await page.goto(`/jobs/${job.id}?tab=overview`);
  await expect(header(page)).toContainText("Failed");
  await page.goto(`/jobs/${job.id}`);
  const log = page.getByRole("log");
  await expect(log.getByText("Traceback: it broke here")).toBeVisible();
  await expect(log.getByText("line 2999")).toBeVisible();
  const target = log.locator("div[data-index]").filter({ hasText: "after 3" }).first();
  await target.getByRole("button", { name: /Link to line/ }).click();
  await expect(page).toHaveURL(/at=\d+/);
  await page.reload();
  await expect(log.getByText("after 3", { exact: true })).toBeVisible();
});

/** The longest time between two frames while the page is scrolled by the wheel. */
async function longestFrame(page: Page, scroll: () => Promise<void>): Promise<number> {
  await page.evaluate(() => {
    const state = window as unknown as { longest: number; tasks: PerformanceObserver };
    state.longest = 0;
    state.tasks = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) state.longest = Math.max(state.longest, entry.duration);
    });
    state.tasks.observe({ type: "longtask" });
  });
  await scroll();
  return page.evaluate(() => {
    const state = window as unknown as { longest: number; tasks: PerformanceObserver };
    state.tasks.disconnect();
    return Math.round(state.longest);
  });
}

test("a long log: its end at once, its beginning and any place of it when wanted", async ({ page, request }) => {
  const call = await caller(request);
  await login(page);
  // 64 MiB: a gigabyte takes the same way, only longer to write.
  const script = `yes "a line of a log that is long enough to fill a gigabyte in the end" | head -c 67108864; echo; echo NEEDLE at the end`;
  const job = await call<Job>("POST", "/jobs", jobSpec("long", script, { resources: { cpus: "1", memory: "64Mi" } }));
  await page.goto(`/jobs/${job.id}?tab=logs`);
  await expect(header(page)).toContainText("Succeeded", { timeout: 90_000 });
  await expect(page.getByText("Complete")).toBeVisible({ timeout: 90_000 });
  const began = Date.now();
  await page.reload();
  const log = page.getByRole("log");
  await expect(log).toContainText("NEEDLE");
  const shown = Date.now() - began;
  await page.getByRole("button", { name: "Go to the beginning" }).click();
  await expect(log.getByRole("button", { name: "Link to line 1", exact: true })).toBeVisible();
  await log.hover();
  const longest = await longestFrame(page, async () => {
    for (let step = 0; step < 100; step += 1) {
      await page.mouse.wheel(0, 3_000);
      await page.waitForTimeout(30);
    }
  });
  await page.getByLabel("Search the log").fill("needle at");
  await expect(page.getByText("1/1")).toBeVisible({ timeout: 60_000 });
  await page.keyboard.press("Enter");
  await expect(log.locator("mark")).toHaveText("NEEDLE at");
  measured(`the end of a log of 64 MiB was there ${shown} ms after the page was opened; longest task while scrolling ${longest} ms`);
});

/** The tabs that walk.spec.ts does not photograph. */
const TABS = ["Scheduling", "Outputs", "Receipt", "Shell"] as const;

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`the pages of jobs are whole and accessible, ${theme}, ${width} px`, async ({ browser, baseURL }) => {
      test.setTimeout(300_000);
      const context = await browser.newContext({ baseURL, colorScheme: theme, reducedMotion: "reduce", viewport: { width, height: width > 600 ? 900 : 844 } });
      const page = await context.newPage();
      const found = await complaints(page);
      await login(page);
      const suffix = `${theme}-${width}`;
      await page.goto(`/jobs?q=form-${RUN}`);
      await jobTable(page).getByLabel(`Choose form-${RUN}`).check();
      await inspect(page, `jobs-chosen-${suffix}`);
      await page.getByRole("link", { name: `form-${RUN}` }).first().click();
      for (const tab of TABS) {
        await page.getByRole("link", { name: tab, exact: true }).click();
        await inspect(page, `job-${tab.toLowerCase()}-${suffix}`);
      }
      await page.goto("/jobs?group=reason");
      await inspect(page, `jobs-by-reason-${suffix}`);
      await page.goto(`/jobs?q=acts-${RUN}`);
      await page.getByRole("link", { name: `acts-${RUN}` }).first().click();
      await expect(page.getByRole("heading", { name: "Why it waits" })).toBeVisible();
      await inspect(page, `job-waits-${suffix}`);
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog", { name: "Keyboard" })).toContainText("Run it again");
      await inspect(page, `keyboard-${suffix}`);
      expect(found).toEqual([]);
      await context.close();
    });
  }
}

test("colours of a terminal are readable text", async ({ page, request }) => {
  const call = await caller(request);
  await login(page);
  const job = await call<Job>("POST", "/jobs", jobSpec("colours", `printf '${ESC}[32mgreen${ESC}[0m\\n'`));
  await page.goto(`/jobs/${job.id}?tab=logs`);
  await expect(page.getByRole("log").locator(".ansi-fg-2")).toHaveText("green");
});

test("a hundred thousand jobs: the first are there at once, and memory is bounded", async ({ page, request }) => {
  // Made and cancelled in one go each, which takes longer than to look at them.
  test.setTimeout(300_000);
  const call = await caller(request);
  await login(page);
  const many = jobSpec("hundred", "true", { resources: { cpus: "900", memory: "16Mi" }, array: { count: 100_000 } });
  const first = await call<Job & { array: { id: string } }>("POST", "/jobs", many);
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  const began = Date.now();
  await page.goto("/jobs");
  await expect(jobTable(page).getByRole("link", { name: `hundred-${RUN}` }).first()).toBeVisible();
  const shown = Date.now() - began;
  await expect(page.getByText(/^1\d\d,\d\d\d in all$/)).toBeVisible();
  const session = await page.context().newCDPSession(page);
  const used = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return page.evaluate(() => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6);
  };
  const before = await used();
  await page.mouse.move(700, 500);
  const longest = await longestFrame(page, async () => {
    for (let step = 0; step < 150; step += 1) {
      await page.mouse.wheel(0, 2_400);
      await page.waitForTimeout(40);
    }
  });
  const depth = await page.evaluate(() => Math.round(window.scrollY / 57));
  const rows = await page.locator("[data-job]").count();
  const after = await used();
  measured(`first rows of 100,000 after ${shown} ms; ${depth} rows deep: ${rows} rows in the page, longest task ${longest} ms, heap ${before.toFixed(1)} to ${after.toFixed(1)} MB`);
  expect(depth).toBeGreaterThan(1_000);
  expect(rows).toBeLessThan(120);
  expect(after - before).toBeLessThan(25);
  await call("POST", `/arrays/${first.array.id}/cancel`);
});
