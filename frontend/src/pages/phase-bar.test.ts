import { expect, it } from "vitest";

import type { Attempt } from "@/api/types";

import { phasesOf } from "./phase-bar";

const at = (secs: number) => new Date(Date.UTC(2026, 0, 1) + secs * 1000).toISOString();
const millis = (secs: number) => Date.parse(at(secs));
const attempt = (part: Partial<Attempt>): Attempt => ({
  id: "019ab3c4-1000-7000-8000-000000000001",
  job_id: "019ab3c4-1000-7000-8000-000000000002",
  epoch: 1,
  state: "running",
  message: "",
  granted_at: at(5),
  tasks: [],
  ...part,
});
const shape = (part: Partial<Attempt>, now: number) =>
  phasesOf(attempt(part), millis(0), millis(now)).map((phase) => [phase.name, phase.millis / 1000, phase.live]);

it("splits the time of a running attempt, and lets the last part grow", () => {
  expect(shape({ started_at: at(7) }, 20)).toEqual([
    ["Queued", 5, false],
    ["Preparing", 2, false],
    ["Running", 13, true],
  ]);
});

it("has no running part where the program never ran", () => {
  expect(shape({ state: "failed", finished_at: at(9) }, 99)).toEqual([
    ["Queued", 5, false],
    ["Preparing", 4, false],
  ]);
  expect(shape({ state: "preparing" }, 8)).toEqual([
    ["Queued", 5, false],
    ["Preparing", 3, true],
  ]);
});
