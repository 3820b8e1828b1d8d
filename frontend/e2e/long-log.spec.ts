/// A log that nobody loads whole: its end, its beginning, any place of it, and a word somewhere in it. Some dozen
/// megabytes here; LILAC_LOG_MIB=1024 makes it a gigabyte, and then the times are asserted too.
import { expect, type Page, test } from "@playwright/test";

import { longestFrame } from "./frames";
import { complaints, elsewhere, inspect, loginToDashboard } from "./help";
import { CHUNK_BYTES, SpokenNode } from "./node";

const MIB = Number(process.env.LILAC_LOG_MIB ?? 48);
const IS_WHOLE = MIB >= 1_000;
const RUN = Date.now().toString(36);
const NAME = `long-${RUN}`;
const ESC = String.fromCharCode(27);
/** Where the word stands that is looked for, as a part of the log. */
const NEEDLE_AT = 0.7;

test.describe.configure({ mode: "serial" });
// Whoever records every action copies the whole page at each turn of the wheel, in its own frames.
test.use({ trace: "off" });

/** A training run's log: short and long lines, colours, progress bars; each chunk begins with its own number. */
function* chunks(): Generator<Buffer> {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const line = (at: number) => {
    const step = `step ${at} loss=${(random(1_000_000) / 1e6).toFixed(6)} lr=${random(1000)}e-6`;
    if (at % 97 === 0) return `${ESC}[33mWARN${ESC}[0m ${step} gradient ${"∇".repeat(random(40))}`;
    if (at % 389 === 0) return `${step} ${"x".repeat(random(2_000))}`;
    if (at % 211 === 0) return `10%\r50%\r${step}`;
    return step + " ".repeat(random(3)) + "tokens/s ".repeat(random(4));
  };
  // Sixteen that differ, over and over: to make a thousand takes longer than to hand them over.
  const bodies = Array.from({ length: 16 }, () => {
    const lines: string[] = [];
    for (let at = 1, size = 0; size < CHUNK_BYTES; at += 1) size += Buffer.byteLength(lines[lines.push(line(at)) - 1] ?? "") + 1;
    return Buffer.from(`${lines.join("\n")}\n`);
  });
  for (let chunk = 0; chunk < MIB; chunk += 1) {
    const head = `chunk ${chunk} of ${MIB}${chunk === Math.floor(MIB * NEEDLE_AT) ? " the NEEDLE in it" : ""}\n`;
    const tail = chunk === MIB - 1 ? "the very end\n" : "";
    const body = (bodies[chunk % bodies.length] as Buffer).subarray(0, CHUNK_BYTES - head.length - tail.length - 1);
    yield Buffer.concat([Buffer.from(head), body, Buffer.from(`\n${tail}`)]);
  }
}

const measured = (text: string) => void process.stdout.write(`    ${text}\n`);
const log = (page: Page) => page.getByRole("log");

test("a long log: its end, its beginning, any place and a word in it, in bounded memory", async ({ page, request }) => {
  test.setTimeout(IS_WHOLE ? 1_200_000 : 240_000);
  const found = complaints(page);
  const call = await elsewhere(request);
  const node = await SpokenNode.join(request, call, NAME);
  const job = await call("POST", "/jobs", { name: NAME, queue: NAME, image: "none/such:1", network: "none", resources: { cpus: "1", memory: "64Mi" } });
  await node.run();
  const began = Date.now();
  const size = await node.write(chunks());
  await node.end(size);
  expect(size).toBe(MIB * CHUNK_BYTES);
  measured(`${MIB} MiB were handed over in ${((Date.now() - began) / 1000).toFixed(1)} s`);

  await loginToDashboard(page);
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return page.evaluate(() => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6);
  };
  let read = 0;
  await session.send("Network.enable");
  session.on("Network.dataReceived", (part) => {
    read += part.dataLength;
  });
  const timed = async (what: string, act: () => Promise<unknown>, seen: () => Promise<unknown>) => {
    const from = Date.now();
    await act();
    await seen();
    const millis = Date.now() - from;
    measured(`${what} after ${millis} ms`);
    if (IS_WHOLE) expect.soft(millis, what).toBeLessThan(1_000);
  };
  const before = await heap();
  await timed("its end was there", () => page.goto(`/jobs/${job.id}?tab=logs`), () => expect(log(page)).toContainText("the very end"));
  await expect(page.getByText("Complete")).toBeVisible();
  const toStart = page.getByRole("button", { name: "Go to the beginning" });
  await timed("its beginning", () => toStart.click(), () => expect(log(page)).toContainText(`chunk 0 of ${MIB}`));
  await expect(log(page).getByRole("button", { name: "Link to line 1", exact: true })).toBeVisible();
  const middle = Math.floor(MIB / 2);
  await timed(
    "a place in its middle, by its address",
    () => page.goto(`/jobs/${job.id}?tab=logs&at=${middle * CHUNK_BYTES}`),
    () => expect(log(page).getByText(`chunk ${middle} of ${MIB}`)).toBeVisible(),
  );

  // On from there, further than the page holds.
  await log(page).hover();
  const down = await longestFrame(page, session, async () => {
    for (let step = 0; step < 250; step += 1) {
      await page.mouse.wheel(0, 1_200);
      await page.waitForTimeout(16);
    }
  });
  const reached = await placeOf(page);
  expect(reached).toBeGreaterThan(middle * CHUNK_BYTES + 200_000);
  const up = await longestFrame(page, session, async () => {
    for (let step = 0; step < 250; step += 1) {
      await page.mouse.wheel(0, -1_200);
      await page.waitForTimeout(16);
    }
  });
  expect(await placeOf(page)).toBeLessThan(reached);
  for (const [way, { wall, own }] of Object.entries({ down, up })) {
    measured(`the longest frame while scrolling ${way} took ${wall} ms, of which ${own} were the page's own (0: none over 50)`);
    expect.soft(own, `the longest frame ${way}`).toBeLessThanOrEqual(50);
  }

  const searching = Date.now();
  await page.getByLabel("Search the log").fill("the needle in it");
  await expect(page.getByText("1/1", { exact: true })).toBeVisible({ timeout: 180_000 });
  measured(`a word was found in all of it after ${((Date.now() - searching) / 1000).toFixed(1)} s`);
  await page.keyboard.press("Enter");
  await expect(log(page).locator("mark")).toHaveText("the NEEDLE in it");
  await inspect(page, "job-log-long");
  await timed("its end again", () => page.getByRole("button", { name: "Follow the end" }).click(), () => expect(log(page)).toContainText("the very end"));

  const after = await heap();
  measured(`${(read / 1e6).toFixed(1)} MB were read of ${(size / 1e6).toFixed(0)}; heap ${before.toFixed(1)} to ${after.toFixed(1)} MB`);
  expect(after - before).toBeLessThan(40);
  expect(read).toBeLessThan(64e6);
  expect(found).toEqual([]);
});

/** The place in the log of the line in the middle of the screen. */
async function placeOf(page: Page): Promise<number> {
  const box = await log(page).boundingBox();
  const at = { x: (box?.x ?? 0) + 20, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
  const name = await page.evaluate(({ x, y }) => document.elementFromPoint(x, y)?.closest("[data-offset]")?.getAttribute("data-offset"), at);
  return Number(name);
}
