import { expect, it } from "vitest";

import { diffLines } from "./diff";

const told = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => ({ same: " ", added: "+", removed: "-" })[kind] + text);

it("tells added, removed and changed lines, and keeps what is common", () => {
  expect(told("a\nb\nc\n", "a\nb\nc\n")).toEqual([" a", " b", " c"]);
  expect(told("a\nb\nc", "a\nx\nc\nd")).toEqual([" a", "-b", "+x", " c", "+d"]);
  expect(told("a", "b\na\nb")).toEqual(["+b", " a", "+b"]);
});

it("does not compare what is too long line by line", () => {
  const long = "x\n".repeat(3_000);
  expect(diffLines(long, "x")).toHaveLength(3_001);
});
