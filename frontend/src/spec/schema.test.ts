import { readFileSync } from "node:fs";

import { expect, it } from "vitest";
import { parse } from "yaml";

import { faults, keysAbove, type Schemas, shapeAt } from "./schema";

const document = JSON.parse(readFileSync("../docs/openapi.json", "utf8")) as { components: { schemas: Schemas } };
const all = document.components.schemas;
const spec = all["JobSpec"] ?? {};
const told = (text: string) => faults(parse(text), spec, all).map(({ path, message }) => `${path}: ${message}`);

it("finds nothing wrong with a whole spec, and with its short forms", () => {
  expect(
    told(`
name: a
image: b
env: {A: "1"}
resources: {cpus: 2, memory: 8Gi, gpus: "H100:8"}
alternatives: [{gpus: 2}]
nodes: 2
placement: {constraints: ["label.pool == a"], same: rack}
retry: {max_attempts: 4, backoff: {initial: 30s, factor: 2}, rules: [{on: [oom], action: retry, memory_factor: 1.5}]}
stop: {signal: SIGTERM, grace: 120s, warn: {signal: SIGUSR1, before: 10m}}
array: {matrix: {lr: ["1e-4", "3e-4"]}, max_parallel: 4}
outputs: [{path: /out, keep: 30d}]
`),
  ).toEqual([]);
});

it("names what is wrong, and where", () => {
  expect(told("image: b")).toEqual(["name: is missing"]);
  expect(told("name: a\nimage: b\npriorty: 4")).toEqual(["priorty: there is no field priorty; did you mean priority?"]);
  expect(told("name: a\nimage: b\npriority: high")).toEqual(["priority: must be a number"]);
  expect(told("name: a\nimage: b\nnetwork: wifi")[0]).toMatch(/^network: must be one of bridge/);
  expect(told("name: a\nimage: b\ncommand: ls")).toEqual(["command: must be a list"]);
  expect(told("name: a\nimage: b\noutputs: [{path: /a, kep: 3d}]")).toEqual(["outputs[0].kep: there is no field kep; did you mean keep?"]);
  expect(told("name: a\nimage: b\nresources: big")).toEqual(["resources: must be a group of fields"]);
});

it("knows where one writes", () => {
  const lines = "name: a\nresources:\n  cpus: 1\n  \nretry:\n  rules:\n    - on: [oom]\n      \n    - ".split("\n");
  const keys = (at: number) => keysAbove(lines, at);
  expect(keys(0)).toEqual([]);
  expect(keys(3)).toEqual(["resources"]);
  expect(keys(7)).toEqual(["retry", "rules", "-"]);
  expect(Object.keys(shapeAt(["retry", "rules", "-"], spec, all)?.properties ?? {})).toContain("exit_codes");
  expect(Object.keys(shapeAt(["resources"], spec, all)?.properties ?? {})).toContain("memory");
});
