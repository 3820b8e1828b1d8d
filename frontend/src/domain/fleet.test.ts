import { expect, it } from "vitest";

import type { Job, Node } from "@/api/types";

import { drainFate, failures, matching, spanMillis } from "./fleet";

it.each([
  ["90s", 90_000],
  ["1h30m", 5_400_000],
  ["24h", 86_400_000],
  ["1h 30m", 5_400_000],
  ["0s", 0],
])("reads %s as a span", (text, millis) => {
  expect(spanMillis(text)).toBe(millis);
});

it.each(["", "soon", "10", "5 parsecs", "1h-2m"])("takes %j for no span", (text) => {
  expect(spanMillis(text)).toBeUndefined();
});

const job = (change: Partial<Job>) => ({ state: "running", ...change }) as Job;

it("counts failures among what ended by itself", () => {
  const jobs = (["succeeded", "failed", "cancelled", "running", "succeeded"] as const).map((state) => job({ state }));
  expect(failures(jobs)).toEqual({ ended: 3, failed: 1 });
});

it("tells which jobs end before a drain does", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  const running = job({ started_at: "2026-01-01T11:30:00Z", max_runtime: "1h" });
  expect(drainFate(running, 40 * 60_000, now)).toBe("ends");
  expect(drainFate(running, 10 * 60_000, now)).toBe("unknown");
  expect(drainFate(running, 0, now)).toBe("stopped");
  expect(drainFate(job({ started_at: "2026-01-01T11:30:00Z" }), 60_000, now)).toBe("unknown");
});

it("finds nodes by every word of a filter", () => {
  const node = (name: string, labels = {}) => ({ name, cluster: "default", state: "ready", labels, gpus: [] }) as unknown as Node;
  const nodes = [node("n1", { zone: "a" }), node("n2", { zone: "b" })];
  expect(matching(nodes, "zone=b ready").map(({ name }) => name)).toEqual(["n2"]);
  expect(matching(nodes, "  ")).toHaveLength(2);
});
