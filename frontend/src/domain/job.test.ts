import { expect, it } from "vitest";

import type { Job, User } from "@/api/types";

import { exitText, JOB_STATES, jobCan, jobSentence } from "./job";

const job = (part: Partial<Job>): Job => ({
  id: "019ab3c4-1000-7000-8000-000000000001",
  name: "train",
  queue: "default",
  team: "default",
  owner: "ada",
  priority: 50,
  state: "running",
  message: "",
  actor: "node:n1",
  image: "busybox",
  labels: {},
  requests: { cpu_milli: 1000, memory_bytes: 1 << 28, disk_bytes: 0, gpus: 0 },
  epoch: 1,
  attempts_charged: 0,
  cancel_requested: false,
  nodes: ["n1"],
  created_at: "2026-01-01T00:00:00Z",
  ...part,
});
const user = (role: User["role"], username = "ada"): User => ({
  id: "019ab3c4-1000-7000-8000-000000000002",
  username,
  role,
  disabled: false,
  created_at: "2026-01-01T00:00:00Z",
});

it("lets a job be cancelled while it is not over, and released while it is held", () => {
  const may = (action: "cancel" | "release") =>
    JOB_STATES.filter((state) => jobCan[action](job({ state }), user("admin")) === null);
  expect(may("cancel")).toEqual(["queued", "starting", "running", "held"]);
  expect(may("release")).toEqual(["held"]);
});

it("says why an action is not possible", () => {
  expect(jobCan.cancel(job({}), user("viewer"))).toMatch(/look/);
  expect(jobCan.cancel(job({}), user("member", "bob"))).toMatch(/belongs to ada/);
  expect(jobCan.cancel(job({}), user("admin", "root"))).toBeNull();
  expect(jobCan.cancel(job({ state: "succeeded" }), user("admin"))).toMatch(/succeeded already/);
  expect(jobCan.cancel(job({ cancel_requested: true }), user("admin"))).toMatch(/already/);
});

it("prefers the server's sentence to the general one", () => {
  expect(jobSentence(job({ reason: "oom", message: "Killed at 512 MiB." }))).toBe("Killed at 512 MiB.");
  expect(jobSentence(job({ reason: "oom" }))).toMatch(/memory/);
  expect(jobSentence(job({}))).toBe("");
});

it("tells exit codes from signals", () => {
  expect(exitText({ exit_code: 0 })).toBe("exit 0");
  expect(exitText({ exit_code: 137, signal: 9 })).toBe("signal 9");
  expect(exitText({})).toBe("");
});
