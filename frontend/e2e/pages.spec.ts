/// Every page beside jobs: each opened in both themes and widths, each action clicked, against a real server with one
/// agent. It expects what walk.spec.ts expects. Photographs land in screenshots/.
import { expect, type Page, test } from "@playwright/test";

import { choose, complaints, elsewhere, IMAGE, inspect, login, loginToDashboard, PASSWORD, unexpected, USERNAME } from "./help";

/** Tells this run's objects from those of an earlier one. */
const RUN = Date.now().toString(36);

const sleeper = (name: string, queue = "default") => ({
  name,
  queue,
  image: IMAGE,
  run: "exec sleep 600",
  network: "none",
  max_runtime: "20m",
  resources: { cpus: "50m", memory: "32Mi" },
});

test.use({ actionTimeout: 20_000 });

const dialog = (page: Page) => page.getByRole("dialog");
const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

test("a queue is made, explained, edited and deleted with its jobs moved", async ({ page, request }) => {
  const found = complaints(page);
  const call = await elsewhere(request);
  const name = `pages-${RUN}`;
  await loginToDashboard(page);
  await page.goto("/queues");
  await page.getByRole("button", { name: "New queue" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByText("Quotas", { exact: true }).click();
  await page.getByRole("group", { name: "All its jobs" }).getByLabel("Running jobs").fill("a few");
  await page.getByRole("button", { name: "Create the queue" }).click();
  await expect(dialog(page).getByRole("alert")).toBeVisible();
  await page.getByRole("group", { name: "All its jobs" }).getByLabel("Running jobs").fill("7");
  await page.getByRole("button", { name: "Create the queue" }).click();
  await row(page, name).getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByRole("meter", { name: "Running jobs" })).toHaveAttribute("aria-valuetext", "0 of 7");

  await page.getByRole("button", { name: /^Pause/ }).click();
  await expect(page.getByText("It takes jobs and starts none")).toBeVisible();
  await call("POST", "/jobs", sleeper(`first-${RUN}`, name));
  await call("POST", "/jobs", { ...sleeper(`second-${RUN}`, name), priority: 90 });
  // What is submitted elsewhere appears by itself, in the order in which it is tried, with its reason.
  const line = page.getByRole("list", { name: "Next in line" });
  await expect(line.getByRole("listitem").first()).toContainText(`second-${RUN}`);
  await expect(line.getByRole("listitem").nth(1)).toContainText(`first-${RUN}`);
  await expect(line).toContainText("is paused");
  await inspect(page, "queue-line");

  await choose(page, "More", "Edit…");
  await page.getByLabel("Weight").fill("4");
  await dialog(page).getByText("Guarantee", { exact: true }).click();
  await page.getByRole("group", { name: "What it is assured of" }).getByLabel("CPUs").fill("2");
  await dialog(page).getByLabel("Whose places its jobs may take").selectOption("off");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/weight 4/)).toBeVisible();
  await expect(page.getByText("2 CPUs", { exact: true })).toBeVisible();
  await expect(page.getByText("Nobody’s", { exact: true })).toBeVisible();
  await choose(page, "More", "Delete…");
  await dialog(page).getByText("Move", { exact: true }).click();
  await dialog(page).getByLabel("To", { exact: true }).selectOption("default");
  await dialog(page).getByRole("button", { name: "Delete the queue" }).click();
  await expect(page.getByRole("heading", { name: "Queues" })).toBeVisible();
  await expect(row(page, name)).toHaveCount(0);
  for (const job of [`first-${RUN}`, `second-${RUN}`]) {
    const moved = (await call("GET", `/jobs?name=${job}`)).items[0];
    expect(moved.queue).toBe("default");
    await call("POST", `/jobs/${moved.id}/cancel`);
  }
  expect(unexpected(found)).toEqual([]);
});

test("a node is cordoned with a reason, labelled, and its drain foreseen", async ({ page, request }) => {
  const found = complaints(page);
  const call = await elsewhere(request);
  const job = await call("POST", "/jobs", sleeper(`drained-${RUN}`));
  await expect.poll(async () => (await call("GET", `/jobs/${job.id}`)).state, { timeout: 60_000 }).toBe("running");
  const node = (await call("GET", `/jobs/${job.id}`)).nodes[0] as string;
  await loginToDashboard(page);
  await page.goto(`/nodes?q=${node}`);
  await page.getByRole("link", { name: node, exact: true }).click();
  await expect(page.getByRole("heading", { name: node })).toBeVisible();
  await expect(page.getByRole("list", { name: "Latest jobs" })).toContainText(`drained-${RUN}`);

  await page.getByRole("button", { name: "Drain" }).click();
  const preview = dialog(page).getByRole("region", { name: "What it hits" });
  await expect(preview).toContainText(`drained-${RUN}`);
  await dialog(page).getByLabel("Within").fill("0s");
  await expect(preview).toContainText("is stopped and queued again");
  await dialog(page).getByLabel("Within").fill("1h");
  await expect(preview).toContainText("ends before");
  await inspect(page, "node-drain");
  await dialog(page).getByRole("button", { name: "Close", exact: true }).last().click();

  // Hostile words are words.
  const reason = `fan noise <img src=x onerror=alert(1)> \u202Eesrever ${"long".repeat(60)}`;
  await page.getByRole("button", { name: "Cordon" }).click();
  await dialog(page).getByLabel("Why").fill(reason);
  await dialog(page).getByRole("button", { name: "Cordon the node" }).click();
  await expect(page.getByText("<img src=x onerror=alert(1)>").first()).toBeVisible();
  await expect(page.getByRole("list", { name: /^History/ })).toContainText("Cordoned");
  await inspect(page, "node-cordoned");
  await page.getByRole("button", { name: "Uncordon" }).click();
  await expect(page.getByRole("button", { name: "Cordon", exact: true })).toBeVisible();

  await choose(page, "More", "Labels…");
  await dialog(page).getByLabel("Labels").fill("no equals sign");
  await expect(dialog(page).getByRole("alert")).toContainText("not key=value");
  await dialog(page).getByLabel("Labels").fill(`walk=${RUN}`);
  await dialog(page).getByRole("button", { name: "Set the labels" }).click();
  // The dialog may still stand there, with the same words.
  await expect(page.locator("#main").getByText(`walk=${RUN}`, { exact: true })).toBeVisible();
  await choose(page, "More", "Remove…");
  await expect(dialog(page)).toContainText("back to their queues");
  await dialog(page).getByRole("button", { name: "Keep it" }).click();

  // What an administrator does elsewhere appears without a reload, on the list too.
  await page.goto(`/nodes?q=${node}`);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: node }) });
  await expect(card).toContainText("Ready");
  const id = (await call("GET", "/nodes")).items.find((one: { name: string }) => one.name === node).id;
  await call("POST", `/nodes/${id}/cordon`, { reason: "elsewhere" });
  await expect(card).toContainText("Cordoned");
  await call("POST", `/nodes/${id}/uncordon`);
  await expect(card).toContainText("Ready");
  await call("PATCH", `/nodes/${id}`, { labels: {} });
  await call("POST", `/jobs/${job.id}/cancel`);
  expect(found).toEqual([]);
});

test("a cluster is made, a node is invited, the key revoked", async ({ page }) => {
  const found = complaints(page);
  const name = `cluster-${RUN}`;
  await loginToDashboard(page);
  await page.goto("/clusters");
  await page.getByRole("button", { name: "New cluster" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Placement").selectOption("spread");
  await page.getByRole("button", { name: "Create the cluster" }).click();
  await page.getByRole("link", { name }).click();
  await expect(page.getByText("No node has joined")).toBeVisible();
  await page.getByRole("button", { name: "Add node" }).first().click();
  await dialog(page).getByRole("button", { name: "Make a join key" }).click();
  await expect(dialog(page)).toContainText("lilac_join_");
  await expect(dialog(page)).toContainText("Waiting for the node");
  await inspect(page, "add-node-waiting");
  await dialog(page).getByRole("button", { name: "Close", exact: true }).last().click();
  await page.reload();
  await choose(page, /^More for ui-/, "Revoke…");
  await dialog(page).getByRole("button", { name: "Revoke the key" }).click();
  await expect(page.getByText("Revoked")).toBeVisible();
  await choose(page, "More", "Edit…");
  await dialog(page).getByLabel("Patience with a silent node").fill("90s");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("90s").or(page.getByText("1m 30s")).or(page.getByText("1m30s"))).toBeVisible();
  await choose(page, "More", "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the cluster" }).click();
  await expect(page.getByRole("heading", { name: "Clusters" })).toBeVisible();
  await expect(page.getByRole("link", { name })).toHaveCount(0);
  expect(found).toEqual([]);
});

test("teams and users come and go; a new user chooses a password, and sees what a viewer may", async ({ page, browser, baseURL }) => {
  const found = complaints(page);
  const team = `team-${RUN}`;
  const user = `user-${RUN}`;
  await loginToDashboard(page);
  await page.goto("/teams");
  await page.getByRole("button", { name: "New team" }).click();
  await page.getByLabel("Name", { exact: true }).fill("no spaces, please");
  await page.getByRole("button", { name: "Create the team" }).click();
  await expect(page.getByLabel("Name", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Name", { exact: true }).fill(team);
  await page.getByRole("button", { name: "Create the team" }).click();
  await expect(row(page, team).getByRole("cell", { name: "0", exact: true })).toBeVisible();

  await page.goto("/users");
  await page.getByRole("button", { name: "New user" }).click();
  await dialog(page).getByLabel("Username").fill(user);
  await dialog(page).getByLabel("Password").fill(`given to ${user}`);
  await dialog(page).getByText("Viewer", { exact: true }).click();
  await page.getByRole("button", { name: "Create the user" }).click();
  await expect(row(page, user)).toContainText("must change password");
  await choose(page, `More for ${user}`, "Edit…");
  await dialog(page).getByLabel("User on the nodes").fill("1000:1000");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(dialog(page)).toHaveCount(0);

  await page.goto("/teams");
  await page.getByRole("link", { name: team }).click();
  await expect(page.locator("main").getByRole("link", { name: "Jobs", exact: true })).toHaveAttribute("href", new RegExp(`team=${team}`));
  await page.getByRole("button", { name: "Add member" }).click();
  await dialog(page).getByLabel("User").selectOption({ label: user });
  await dialog(page).getByRole("button", { name: "Add the member" }).click();
  await expect(row(page, user)).toContainText("Viewer");

  // The new user, in a browser of their own.
  const theirs = await browser.newContext({ baseURL, reducedMotion: "reduce" });
  const other = await theirs.newPage();
  await login(other, user, `given to ${user}`);
  await expect(other.getByText("Choose your own")).toBeVisible();
  await inspect(other, "new-password");
  await other.getByLabel("New password").fill(`chosen by ${user}`);
  await other.getByRole("button", { name: "Change password" }).click();
  await expect(other.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  await other.goto("/queues");
  await expect(other.getByRole("button", { name: /New queue.*Only an administrator/ })).toHaveAttribute("aria-disabled", "true");
  await other.goto("/users");
  await expect(other.getByText("Not allowed")).toBeVisible();
  await inspect(other, "users-as-viewer");
  await theirs.close();

  await row(page, user).getByRole("button", { name: /Remove/ }).click();
  await dialog(page).getByRole("button", { name: "Remove the member" }).click();
  await expect(row(page, user)).toHaveCount(0);
  await choose(page, "More", "Rename…");
  await dialog(page).getByLabel("Name").fill(`${team}-2`);
  await dialog(page).getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { name: `${team}-2` })).toBeVisible();
  await choose(page, "More", "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the team" }).click();
  await expect(page.getByRole("heading", { name: "Teams" })).toBeVisible();
  await expect(row(page, `${team}-2`)).toHaveCount(0);

  await page.goto("/users");
  await choose(page, `More for ${user}`, "Reset the password…");
  await dialog(page).getByRole("button", { name: "Reset the password" }).click();
  await expect(dialog(page)).toContainText("shown this once");
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await choose(page, `More for ${user}`, "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the user" }).click();
  await expect(row(page, user)).toHaveCount(0);
  expect(unexpected(found)).toEqual([]);
});

test("secrets, registry logins and volumes are kept, changed and removed", async ({ page }) => {
  const found = complaints(page);
  await loginToDashboard(page);
  await page.goto("/secrets");
  await page.getByRole("button", { name: "New secret" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`secret-${RUN}`);
  await page.getByLabel("Value", { exact: true }).fill("hidden from everybody");
  await page.getByRole("button", { name: "Store the secret" }).click();
  await expect(row(page, `secret-${RUN}`)).toContainText("version 1");
  await choose(page, `More for secret-${RUN}`, "Replace the value…");
  await page.getByLabel("New value").fill("another");
  await dialog(page).getByRole("button", { name: "Replace the value" }).click();
  await expect(row(page, `secret-${RUN}`)).toContainText("version 2");
  await expect(page.locator("body")).not.toContainText("hidden from everybody");
  await choose(page, `More for secret-${RUN}`, "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the secret" }).click();
  await expect(row(page, `secret-${RUN}`)).toHaveCount(0);

  await page.goto("/registries");
  await page.getByRole("button", { name: "New login" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`login-${RUN}`);
  await dialog(page).getByLabel("Registry").fill("registry.example.org");
  await dialog(page).getByLabel("Username").fill("robot");
  await dialog(page).getByLabel("Password").fill("secret");
  await page.getByRole("button", { name: "Store the login" }).click();
  await row(page, `login-${RUN}`).getByRole("button", { name: /Delete/ }).click();
  await dialog(page).getByRole("button", { name: "Delete the login" }).click();
  await expect(row(page, `login-${RUN}`)).toHaveCount(0);

  await page.goto("/volumes");
  await page.getByRole("button", { name: "New volume" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`volume-${RUN}`);
  await page.getByLabel("Folder on the nodes").fill("not/absolute");
  await page.getByRole("button", { name: "Make the volume" }).click();
  await expect(page.getByLabel("Folder on the nodes")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Folder on the nodes").fill("/mnt/walk");
  await page.getByRole("button", { name: "Make the volume" }).click();
  await expect(row(page, `volume-${RUN}`)).toContainText("read only");
  await choose(page, `More for volume-${RUN}`, "Edit…");
  await dialog(page).getByLabel("Only for reading").uncheck();
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(row(page, `volume-${RUN}`)).toContainText("read and write");
  await choose(page, `More for volume-${RUN}`, "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the volume" }).click();
  await expect(row(page, `volume-${RUN}`)).toHaveCount(0);
  expect(unexpected(found)).toEqual([]);
});

test("a hook is made, tested, switched off and removed", async ({ page }) => {
  const found = complaints(page);
  const name = `hook-${RUN}`;
  await loginToDashboard(page);
  await page.goto("/hooks");
  await page.getByRole("button", { name: "New hook" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Address").fill("https://10.0.0.1/inside");
  await page.getByRole("button", { name: "Make the hook" }).click();
  await expect(page.getByLabel("Address")).toHaveAttribute("aria-invalid", "true");
  // A name that can lead nowhere: the message stays where it can be seen.
  await page.getByLabel("Address").fill("https://nowhere.invalid/lilac");
  await page.getByRole("button", { name: "Make the hook" }).click();
  await expect(dialog(page)).toContainText("The hook is made");
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name }).click();
  await expect(page.getByText("Nothing was sent yet")).toBeVisible();
  await page.getByRole("button", { name: "Send a test" }).click();
  const messages = page.getByRole("list", { name: /^Messages/ });
  await expect(messages).toContainText("A test");
  await choose(page, "More", "Another secret…");
  await dialog(page).getByRole("button", { name: "Make another secret" }).click();
  await expect(dialog(page)).toContainText("shown this once");
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await choose(page, "More", "Edit…");
  await dialog(page).getByLabel("running").uncheck();
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(dialog(page)).toHaveCount(0);
  await choose(page, "More", "Switch off");
  await expect(page.getByText("Nothing is sent there.")).toBeVisible();
  await expect(messages).toContainText("Given up");
  await inspect(page, "hook");
  await choose(page, "More", "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the hook" }).click();
  await expect(row(page, name)).toHaveCount(0);
  expect(unexpected(found)).toEqual([]);
});

test("a schedule is written, paused, run at once and removed", async ({ page }) => {
  const found = complaints(page);
  const name = `nightly-${RUN}`;
  await loginToDashboard(page);
  await page.goto("/schedules");
  await page.getByRole("button", { name: "New schedule" }).click();
  const spec = page.getByLabel("Job spec");
  await spec.fill("name: [unfinished");
  await expect(page.getByRole("button", { name: /Create the schedule/ })).toHaveAttribute("aria-disabled", "true");
  const text = (cron: string) =>
    `name: ${name}\nimage: ${IMAGE}\nrun: echo good night\nnetwork: none\nresources: {cpus: 50m, memory: 32Mi}\nschedule: {cron: "${cron}"}\n`;
  await spec.fill(text("61 3 * * *"));
  await page.getByRole("button", { name: "Create the schedule" }).click();
  await expect(spec).toHaveAttribute("aria-invalid", "true");
  await inspect(page, "schedule-new");
  await spec.fill(text("0 3 1 1 *"));
  await page.getByRole("button", { name: "Create the schedule" }).click();
  await choose(page, `More for ${name}`, "Pause");
  await expect(row(page, name)).toContainText("Paused");
  await choose(page, `More for ${name}`, "Resume");
  await expect(row(page, name)).toContainText("On");
  await row(page, name).getByRole("button", { name: /Run/ }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await page.goto("/schedules");
  await choose(page, `More for ${name}`, "Delete…");
  await dialog(page).getByRole("button", { name: "Delete the schedule" }).click();
  await expect(row(page, name)).toHaveCount(0);
  expect(unexpected(found)).toEqual([]);
});

test("the audit log tells who did it, and its chain holds", async ({ page }) => {
  const found = complaints(page);
  await loginToDashboard(page);
  await page.goto("/audit");
  await page.getByLabel("What", { exact: true }).fill("queue.delete");
  await expect(page).toHaveURL(/action=queue.delete/);
  const entries = page.getByRole("list", { name: /^Changes/ });
  await expect(entries.getByRole("listitem").first()).toContainText(USERNAME);
  await entries.getByRole("button", { name: /^details/ }).first().click();
  await expect(entries.locator("pre").first()).toBeVisible();
  await page.getByRole("button", { name: "Check the chain" }).click();
  await expect(page.getByText("none is changed or missing")).toBeVisible();
  await page.getByLabel("Of what").fill("queue:never-was");
  await expect(page.getByText("No entry matches")).toBeVisible();
  expect(found).toEqual([]);
});

test("settings keep a profile, refuse a wrong password, and tell about the server", async ({ page }) => {
  const found = complaints(page);
  await loginToDashboard(page);
  // Its name is the user's, which others may have as well.
  await page.locator('a[title="Settings"]').click();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await page.getByRole("textbox", { name: /^Name/ }).fill(`Admin ${RUN}`);
  await page.getByRole("button", { name: "Save the profile" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.getByLabel("Current password").fill("not it");
  await page.getByLabel("New password").fill(`${PASSWORD} and more`);
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByText("Dark", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByText("As the system").click();
  await expect(page.getByText("Logs are kept")).toBeVisible();
  expect(unexpected(found)).toEqual([]);
});

const PAGES: readonly (readonly [name: string, path: string, heading: string])[] = [
  ["nodes", "/nodes", "Nodes"],
  ["clusters", "/clusters", "Clusters"],
  ["queues", "/queues", "Queues"],
  ["schedules", "/schedules", "Schedules"],
  ["volumes", "/volumes", "Volumes"],
  ["secrets", "/secrets", "Secrets"],
  ["registries", "/registries", "Registries"],
  ["hooks", "/hooks", "Hooks"],
  ["users", "/users", "Users"],
  ["teams", "/teams", "Teams"],
  ["api-keys", "/api-keys", "API keys"],
  ["audit", "/audit", "Audit"],
  ["settings", "/settings", "Settings"],
  ["not-found", "/no/such/page", "Not found"],
];

for (const theme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`every page beside jobs is whole and accessible, ${theme}, ${width} px`, async ({ browser, baseURL, request }) => {
      // Axe takes its time on a busy machine.
      test.setTimeout(600_000);
      const call = await elsewhere(request);
      const first = async (path: string) => (await call("GET", path)).items[0];
      const node = await first("/nodes");
      const queue = await first("/queues");
      const cluster = await first("/clusters");
      const team = await first("/teams");
      const context = await browser.newContext({
        baseURL,
        colorScheme: theme,
        reducedMotion: "reduce",
        viewport: { width, height: width > 600 ? 900 : 844 },
      });
      const page = await context.newPage();
      const found = complaints(page);
      await loginToDashboard(page);
      const all = [
        ...PAGES,
        ["node", `/nodes/${node.id}`, node.name],
        ["queue", `/queues/${queue.id}`, queue.name],
        ["cluster", `/clusters/${cluster.id}`, cluster.name],
        ["team", `/teams/${team.id}`, team.name],
      ] as const;
      for (const [name, path, heading] of all) {
        await page.goto(path);
        await expect(page.getByRole("heading", { name: heading, exact: true, level: 1 })).toBeVisible();
        await inspect(page, `${name}-${theme}-${width}`);
      }
      await page.goto("/queues");
      await page.getByRole("button", { name: "New queue" }).click();
      for (const fold of ["Quotas", "Guarantee", "Limits", "Who may submit", "Containers"]) await page.getByText(fold, { exact: true }).click();
      await inspect(page, `queue-new-${theme}-${width}`);
      expect(found).toEqual([]);
      await context.close();
    });
  }
}
