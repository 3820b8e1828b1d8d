import { expect, it } from "vitest";

import { amount, amountText, bucketText, fieldsOf, quotaOf } from "./queue";

it("reads amounts as the server writes them", () => {
  expect(amount("cpus", "1.5")).toBe(1500);
  expect(amount("cpus", "250m")).toBe(250);
  expect(amount("memory", "2Gi")).toBe(2 ** 31);
  expect(amount("memory", "1048576")).toBe(2 ** 20);
  expect(amount("gpus", 3)).toBe(3);
  expect(amountText("cpus", 1500)).toBe("1.5");
  expect(amountText("memory", 2 ** 31)).toBe("2 GiB");
});

it("leaves out of a quota what a form leaves empty, and hands on what is no number", () => {
  expect(quotaOf({ cpus: "8", memory: " 4Gi ", gpus: "2", running_jobs: "", queued_jobs: "many" })).toEqual({
    cpus: "8",
    memory: "4Gi",
    gpus: 2,
    queued_jobs: "many",
  });
  expect(fieldsOf({ cpus: "8", gpus: 2, memory: null })).toEqual({ cpus: "8", gpus: "2" });
});

it("names buckets by their ends", () => {
  expect(bucketText({ up_to_secs: 300, jobs: 1 }, undefined)).toBe("≤ 5 min");
  expect(bucketText({ jobs: 1 }, { up_to_secs: 86_400, jobs: 0 })).toBe("over 1 d");
});
