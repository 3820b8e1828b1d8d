import { QueryClient } from "@tanstack/react-query";
import { expect, it } from "vitest";

import { applyJobEvent, queries, refreshAfterJobs } from "./queries";
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

function pages(client: QueryClient, count: number) {
  const data = { pages: Array.from({ length: count }, () => ({ items: [job("a"), job("b")] })), pageParams: [] };
  client.setQueryData<unknown>(queries.jobs({}).queryKey, data);
}

it("writes an event into the lists and the page that show its job, and into no other job", () => {
  const client = new QueryClient();
  pages(client, 2);
  client.setQueryData(queries.job("b").queryKey, job("b"));
  applyJobEvent(client, event);
  const after = { ...job("b"), state: "starting", reason: undefined, message: "placed on n1", epoch: 1 };
  expect(client.getQueryData(queries.job("b").queryKey)).toEqual(after);
  expect(client.getQueryData(queries.jobs({}).queryKey)?.pages[1]?.items).toEqual([job("a"), after]);
});

it("does not invent a job that no page has read", () => {
  const client = new QueryClient();
  applyJobEvent(client, event);
  expect(client.getQueryCache().getAll()).toEqual([]);
});

it("reads short lists again after an event, and leaves long ones to their patches", () => {
  const client = new QueryClient();
  const stale = () => client.getQueryState(queries.jobs({}).queryKey)?.isInvalidated;
  pages(client, 2);
  refreshAfterJobs(client, ["b"]);
  expect(stale()).toBe(true);
  pages(client, 4);
  refreshAfterJobs(client, ["b"]);
  expect(stale()).toBe(false);
});
