import { expect, it } from "vitest";
import { parse } from "yaml";

import { EMPTY_FORM, fieldOf, formOf, pairs, specOf, words } from "./form";
import { asCli, asCurl, asJson, asYaml } from "./text";

const filled = {
  ...EMPTY_FORM,
  name: " train ",
  image: "busybox",
  script: "echo 'hi'\nexit 3\n",
  gpus: "H100:8",
  env: "A=1\n# note\n\nB = x=y",
  labels: "exp=a1",
  maxAttempts: "3",
  priority: "80",
  maxRuntime: "1h",
  network: "none" as const,
};

it("leaves out what stands at its default", () => {
  expect(specOf({ ...EMPTY_FORM, name: "a", image: "b" })).toEqual({
    name: "a",
    queue: "default",
    image: "b",
    resources: { cpus: "1", memory: "256Mi" },
  });
});

it("says everything that was filled in", () => {
  expect(specOf(filled)).toEqual({
    name: "train",
    queue: "default",
    image: "busybox",
    run: "echo 'hi'\nexit 3\n",
    network: "none",
    priority: 80,
    env: { A: "1", B: " x=y" },
    labels: { exp: "a1" },
    max_runtime: "1h",
    retry: { max_attempts: 3 },
    resources: { cpus: "1", memory: "256Mi", gpus: { count: 8, model: ["H100"] } },
  });
});

it("gives back the job that a form was filled from, with what the form cannot show", () => {
  const spec = {
    ...specOf(filled),
    user: "1000:1000",
    stop: { signal: "SIGINT" as const, grace: "20s" },
    retry: { max_attempts: 3, rules: [{ action: "retry" as const, exit_codes: [33] }] },
  };
  expect(specOf(formOf(spec), spec)).toEqual(spec);
  const command = { name: "c", queue: "q", image: "i", command: ["sh", "-c", "echo it's \"so\""], resources: { cpus: "1", memory: "1Gi" } };
  expect(specOf(formOf(command), command)).toEqual(command);
});

it.each([
  ["plain  words", ["plain", "words"]],
  ["a 'b c' \"d $e\"", ["a", "b c", "d $e"]],
  ['"a\\"b" c\\ d', ['a"b', "c d"]],
  ["'' x", ["", "x"]],
  ["'open", ["open"]],
  ["", []],
])("splits %j as a shell does", (text, expected) => {
  expect(words(text)).toEqual(expected);
});

it("reads pairs without losing what stands behind the first equals sign", () => {
  expect(pairs("URL=http://x?a=b\nEMPTY=\nBARE")).toEqual({ URL: "http://x?a=b", EMPTY: "", BARE: "" });
});

it("finds the field of each path that the server may name", () => {
  expect(["name", "resources.gpus.count", "env.1A", "command[2]", "retry.max_attempts"].map(fieldOf)).toEqual([
    "name",
    "gpus",
    "env",
    "command",
    "maxAttempts",
  ]);
  expect(fieldOf("stop.grace")).toBeNull();
});

it("writes the same spec as YAML, JSON and commands", () => {
  const spec = specOf({ ...filled, script: "SPEC\necho 'done'\n" });
  expect(parse(asYaml(spec))).toEqual(spec);
  expect(JSON.parse(asJson(spec))).toEqual(spec);
  const cli = asCli({ ...spec, run: "x\nSPEC\n" }).split("\n");
  expect(cli[0]).toBe("lilac_cli submit -f - <<'SPEC'");
  expect(cli.at(-2)).toBe("SPEC");
  const curl = asCurl(spec, "http://host:8080");
  expect(curl).toContain("$LILAC_TOKEN");
  expect(curl).toContain(`'\\''done'\\''`);
});
