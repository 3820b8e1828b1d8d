/// Several nodes: a job with a rank on each, and an agent that is killed while its node is on every screen. It expects
/// what walk.spec.ts expects, two nodes or more, and for the killed agent the programs (LILAC_TEST_BIN) and DOCKER_HOST.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, type Page, test } from "@playwright/test";

import { complaints, elsewhere, IMAGE, inspect, loginToDashboard } from "./help";

const { LILAC_TEST_BIN: BIN = "", DOCKER_HOST = "" } = process.env;
const RUN = Date.now().toString(36);
const header = (page: Page) => page.locator("main header").first();
const measured = (text: string) => void process.stdout.write(`    ${text}\n`);

/** A job with a rank on each of two nodes. */
const gang = (name: string, run: string) => ({
  name: `${name}-${RUN}`,
  queue: `gangs-${RUN}`,
  image: IMAGE,
  run,
  nodes: 2,
  network: "host",
  ports: [{ name: "board", port: 6006 }],
  resources: { cpus: "50m", memory: "32Mi" },
});

test("a job on two nodes: the log, the shell and the end of each rank", async ({ page, request }) => {
  const found = complaints(page);
  const call = await elsewhere(request);
  const nodes = (await call("GET", "/nodes")).items.filter((node: { state: string; cluster: string }) => node.state === "ready" && node.cluster === "default");
  test.skip(nodes.length < 2, "there is one node only");
  await call("POST", "/queues", { name: `gangs-${RUN}`, clusters: ["default"], networks: ["host", "none"] });
  const job = await call("POST", "/jobs", gang("pair", "echo I am rank $LILAC_NODE_RANK; exec sleep 600"));
  await loginToDashboard(page);
  await page.goto(`/jobs/${job.id}?tab=logs`);
  await expect(header(page)).toContainText("Running", { timeout: 60_000 });
  const log = page.getByRole("log");
  await expect(log).toContainText("I am rank 0");
  await page.getByRole("button", { name: "Rank 1" }).click();
  await expect(page).toHaveURL(/rank=1/);
  await expect(log).toContainText("I am rank 1");
  await expect(log).not.toContainText("I am rank 0");
  await page.getByRole("link", { name: "Overview" }).click();
  const ranks = page.getByRole("table").filter({ hasText: "Rank" });
  await expect(ranks.getByRole("row").nth(2)).toContainText("Running");
  await ranks.getByRole("link", { name: "Log of rank 0" }).click();
  await expect(log).toContainText("I am rank 0");

  await page.getByRole("link", { name: "Shell" }).click();
  await page.getByLabel("Rank").selectOption("1");
  await page.getByRole("button", { name: "Open a shell" }).click();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await page.keyboard.type("echo here-$LILAC_NODE_RANK\n");
  await expect(page.locator(".xterm-rows")).toContainText("here-1");
  await call("POST", `/jobs/${job.id}/cancel`);

  const broken = await call("POST", "/jobs", gang("broken", "if [ $LILAC_NODE_RANK = 1 ]; then exit 3; fi; exec sleep 600"));
  await page.goto(`/jobs/${broken.id}?tab=overview`);
  await expect(header(page)).toContainText("Failed", { timeout: 60_000 });
  await expect(ranks.getByRole("row").nth(1)).toContainText("Stopped");
  await expect(ranks.getByRole("row").nth(2)).toContainText("Failed");
  await expect(ranks.getByRole("row").nth(2)).toContainText("exit code 3. It failed first");
  await inspect(page, "job-ranks");
  expect(found).toEqual([]);
});

/** Starts an agent of a new node. */
async function startAgent(folder: string, server: string, name: string, joinKey: string): Promise<ChildProcess> {
  const settings = { server, name, join_key: joinKey, docker_host: DOCKER_HOST, state_dir: join(folder, "state"), run_dir: join(folder, "run") };
  const config = join(folder, "agent.toml");
  // A TOML string and a JSON string are written alike for what is used here.
  writeFileSync(config, Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join(""), { mode: 0o600 });
  const agent = spawn(join(BIN, "lilac_agent"), ["--config", config], { stdio: "ignore" });
  await once(agent, "spawn");
  return agent;
}

test("an agent that is killed is seen as lost on every page, as soon as the server knows", async ({ page, request, context, baseURL }) => {
  test.skip(!BIN || !DOCKER_HOST, "there is no agent to kill: LILAC_TEST_BIN and DOCKER_HOST are not set");
  const found = complaints(page);
  const call = await elsewhere(request);
  const name = `doomed-${RUN}`;
  const cluster = await call("POST", "/clusters", { name });
  const key = await call("POST", `/clusters/${cluster.id}/api-keys`, { name });
  const folder = mkdtempSync(join(tmpdir(), "lilac-doomed-"));
  const agent = await startAgent(folder, baseURL ?? "", name, key.secret);
  try {
    const find = async () => (await call("GET", `/clusters/${cluster.id}/nodes`)).items[0];
    await expect.poll(async () => (await find())?.state, { timeout: 60_000 }).toBe("ready");
    const node = await find();
    await loginToDashboard(page);
    const look = async (path: string, alive: (at: Page) => Promise<unknown>) => {
      const at = await context.newPage();
      await at.goto(path);
      await alive(at);
      return at;
    };
    const card = (at: Page) => at.getByRole("listitem").filter({ has: at.getByRole("heading", { name }) });
    const lists = await look(`/nodes?q=${name}`, (at) => expect(card(at)).toContainText("Ready"));
    const one = await look(`/nodes/${node.id}`, (at) => expect(header(at)).toContainText("Ready"));
    const its = await look(`/clusters/${cluster.id}`, (at) => expect(at.getByRole("row").filter({ hasText: name })).toContainText("Ready"));
    const all = await look("/clusters", (at) => expect(card(at)).toContainText("1 of 1 node up"));
    agent.kill("SIGKILL");

    // The server knows when its history tells of it; what is on the screens may be asked for before that, by chance.
    const knows = async () => {
      await expect
        .poll(async () => (await call("GET", `/nodes/${node.id}/events`)).items[0].kind as string, { timeout: 90_000, intervals: [50] })
        .toBe("unreachable");
      return Date.now();
    };
    const seen = async (what: Promise<unknown>) => {
      await what;
      return Date.now();
    };
    const patience = { timeout: 120_000 };
    const [known, ...times] = await Promise.all([
      knows(),
      seen(expect(card(lists)).toContainText("Unreachable", patience)),
      seen(expect(header(one)).toContainText("Unreachable", patience)),
      seen(expect(its.getByRole("row").filter({ hasText: name })).toContainText("Unreachable", patience)),
      seen(expect(card(all)).toContainText("0 of 1 node up", patience)),
      seen(expect(page.getByText(`${name} is unreachable`)).toBeVisible(patience)),
    ]);
    const late = times.map((time) => time - known);
    measured(`a killed agent was seen as lost ${late.join(", ")} ms after the server knew: nodes, node, cluster, clusters, dashboard`);
    // Pages look by themselves every 20 s: this is what events do.
    expect(Math.max(...late)).toBeLessThan(5_000);
    await inspect(one, "node-lost");
    await call("DELETE", `/nodes/${node.id}`);
    await expect(card(lists)).toHaveCount(0);
    expect(found).toEqual([]);
  } finally {
    agent.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
