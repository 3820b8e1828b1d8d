/// A newcomer on an empty platform gets to a finished job without leaving the page. It runs before the others, which
/// fill the platform; on one that has run jobs there is nobody to lead.
import { expect, test } from "@playwright/test";

import { complaints, elsewhere, IMAGE, inspect, loginToDashboard } from "./help";

test("an empty platform leads to a finished job", async ({ page, request }) => {
  const call = await elsewhere(request);
  const counts = await call("GET", "/jobs/counts");
  const jobs = Object.values(counts.by_state as Record<string, number>).reduce((sum, count) => sum + count, 0);
  test.skip(jobs > 0, "the platform has run jobs");
  const found = complaints(page);
  await loginToDashboard(page);
  const steps = page.getByRole("region", { name: "First steps" });
  await expect(steps).toContainText("joined");
  await steps.getByLabel("Image").fill(IMAGE);
  await inspect(page, "first-run-job");
  await steps.getByRole("button", { name: "Run it" }).click();
  await expect(steps.getByRole("log")).toContainText("step 1 of 3");
  await expect(steps).toContainText("It works.");
  await inspect(page, "first-run-done");
  await steps.getByRole("link", { name: "Open its page" }).click();
  await expect(page.getByRole("heading", { name: "hello" })).toBeVisible();
  // Whoever has come this far is led no more.
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  await expect(page.getByRole("link", { name: "hello" }).first()).toBeVisible();
  await expect(steps).toHaveCount(0);
  expect(found).toEqual([]);
});
