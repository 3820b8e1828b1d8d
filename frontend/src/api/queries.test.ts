import { QueryClient } from "@tanstack/react-query";
import { expect, it, vi } from "vitest";

import { jobQueries } from "./job-queries";
import { gatherer } from "./live";
import { applyJobEvents, everyPage, queries } from "./queries";
import type { Job, JobEvent } from "./types";

const job = (id: string): Job => ({
  id,
  name: "train",
  queue: "default",
  team: "default",
  owner: "ada",
  priority: 50,
  state: "queued",
  reason: "waiting-for-capacity",
  message: "Nodes are full.",
  actor: "scheduler",
  image: "busybox",
  labels: {},
  requests: { cpu_milli: 1000, memory_bytes: 1 << 28, disk_bytes: 0, gpus: 0 },
  epoch: 0,
  attempts_charged: 0,
  cancel_requested: false,
  nodes: [],
  created_at: "2026-01-01T00:00:00Z",
});
const event: JobEvent = {
  job_id: "b",
  sequence: 2,
  at: "2026-01-01T00:00:01Z",
  state: "starting",
  epoch: 1,
  message: "placed on n1",
  actor: "scheduler",
};

function page(client: QueryClient, cursor: string) {
  client.setQueryData(jobQueries.page({}, cursor).queryKey, { items: [job("a"), job("b")] });
}
const read = (client: QueryClient, cursor: string) => client.getQueryData(jobQueries.page({}, cursor).queryKey);

it("writes an event into the lists and the page that show its job, and into no other job", () => {
  const client = new QueryClient();
  page(client, "");
  page(client, "next");
  client.setQueryData(queries.job("b").queryKey, job("b"));
  applyJobEvents(client, new Map([["b", event]]));
  const after = { ...job("b"), state: "starting", reason: undefined, message: "placed on n1", epoch: 1 };
  expect(client.getQueryData(queries.job("b").queryKey)).toEqual(after);
  expect(read(client, "next")?.items).toEqual([job("a"), after]);
});

it("does not write an old event over what was read since", () => {
  const client = new QueryClient();
  client.setQueryData(queries.job("b").queryKey, { ...job("b"), epoch: 2, state: "running" as const });
  applyJobEvents(client, new Map([["b", event]]));
  expect(client.getQueryData(queries.job("b").queryKey)?.state).toBe("running");
});

it("does not invent a job that no page has read", () => {
  const client = new QueryClient();
  applyJobEvents(client, new Map([["b", event]]));
  expect(client.getQueryCache().getAll()).toEqual([]);
});

it("shows events at once, and reads again once for a storm of them", () => {
  vi.useFakeTimers();
  const client = new QueryClient();
  page(client, "");
  const invalidated = vi.spyOn(client, "invalidateQueries");
  const readings = () => invalidated.mock.calls.filter(([filters]) => filters?.queryKey?.[0] === "jobs").length;
  const ring = gatherer(client, () => {});
  const send = (id: string) => ring({ name: "job", id: "1-1", data: JSON.stringify({ ...event, job_id: id }) });
  send("b");
  vi.advanceTimersByTime(100);
  expect(read(client, "")?.items[1]?.state).toBe("starting");
  expect(readings()).toBe(1);
  for (let at = 0; at < 600; at += 1) {
    send(`other-${at}`);
    vi.advanceTimersByTime(1);
  }
  expect(readings()).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(readings()).toBe(2);
  vi.useRealTimers();
});

it("reads a list to its last page", async () => {
  const pages = [
    { items: [1, 2], next_cursor: "a" },
    { items: [3], next_cursor: "b" },
    { items: [4], next_cursor: null },
  ];
  const asked: (string | undefined)[] = [];
  const all = await everyPage(({ cursor }) => {
    asked.push(cursor);
    return Promise.resolve(pages[asked.length - 1] ?? { items: [], next_cursor: null });
  });
  expect(all.items).toEqual([1, 2, 3, 4]);
  expect(asked).toEqual([undefined, "a", "b"]);
});
