/// Nodes that are kept for a job which found no room are seen where somebody asks: at the job, its cluster and its node.
import { expect, test } from "@playwright/test";

import { complaints, elsewhere, inspect, loginToDashboard } from "./help";
import { SpokenNode } from "./node";

const NAME = `kept-${Date.now().toString(36)}`;
const BIG = `big-${NAME}`;

test("what is kept is told at the job, its cluster and its node, until the job waits no more", async ({ page, request }) => {
  const found = complaints(page);
  const call = await elsewhere(request);
  const node = await SpokenNode.join(request, call, NAME);
  const job = (name: string, cpus: string) =>
    call("POST", "/jobs", { name, queue: NAME, image: "none/such:1", network: "none", max_runtime: "1h", resources: { cpus, memory: "64Mi" } });
  await job(`runs-${NAME}`, "2");
  await node.run();
  const big = await job(BIG, "4");
  await loginToDashboard(page);

  await page.goto(`/jobs/${big.id}?tab=scheduling`);
  const kept = page.getByText("A node is kept for it:");
  await expect(kept).toBeVisible();
  await expect(kept.locator("..").getByRole("link", { name: NAME })).toBeVisible();
  await expect(page.getByText(/starts in \d+[hm] at the latest/)).toBeVisible();
  await inspect(page, "job-kept");

  await kept.locator("..").getByRole("link", { name: NAME }).click();
  await expect(page.getByRole("heading", { name: NAME, exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Kept", exact: true })).toBeVisible();
  await expect(page.getByRole("link", { name: BIG })).toBeVisible();
  await inspect(page, "node-kept");

  const cluster = (await call("GET", "/clusters")).items.find(({ name }: { name: string }) => name === NAME);
  await page.goto(`/clusters/${cluster.id}`);
  await expect(page.getByRole("heading", { name: "Kept nodes" })).toBeVisible();
  await expect(page.getByRole("link", { name: BIG })).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await inspect(page, "cluster-kept-390");
  await page.setViewportSize({ width: 1440, height: 900 });
  await inspect(page, "cluster-kept");

  const queue = (await call("GET", "/queues")).items.find(({ name }: { name: string }) => name === NAME);
  await page.goto(`/queues/${queue.id}`);
  await expect(page.getByRole("heading", { name: "Nodes kept for its jobs" })).toBeVisible();
  await expect(page.getByText(/starts in \d+[hm] at the latest/)).toBeVisible();
  await inspect(page, "queue-kept");

  await page.goto(`/clusters/${cluster.id}`);
  await expect(page.getByRole("heading", { name: "Kept nodes" })).toBeVisible();
  await call("POST", `/jobs/${big.id}/cancel`);
  await expect(page.getByRole("heading", { name: "Kept nodes" })).toBeHidden();
  expect(found).toEqual([]);
});
