import { expect, it } from "vitest";

import { bytes, cpus, duration, exact, plural, relative, sentence, shellQuote } from "./format";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [268435456, "256 MiB"],
  [1.5 * 2 ** 40, "1.5 TiB"],
])("writes %d bytes as %s", (count, text) => {
  expect(bytes(count)).toBe(text);
});

it.each([
  [400, "0.4s"],
  [59_900, "59s"],
  [61_000, "1m 1s"],
  [3_600_000, "1h 0m"],
  [90_000_000, "1d 1h"],
  [-5, "0.0s"],
])("writes %d ms as %s", (millis, text) => {
  expect(duration(millis)).toBe(text);
});

it("tells the past from the future", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(relative("2025-12-31T23:55:00Z", now)).toBe("5m ago");
  expect(relative("2026-01-01T02:00:00Z", now)).toBe("in 2h");
  expect(relative("2026-01-01T00:00:01Z", now)).toBe("now");
});

it("writes CPUs without needless digits", () => {
  expect([1000, 500, 1250].map(cpus)).toEqual(["1", "0.5", "1.25"]);
});

it("counts in words", () => {
  expect(plural(1, "job")).toBe("1 job");
  expect(plural(0, "job waits", "jobs wait")).toBe("0 jobs wait");
});

it("quotes what a shell would read otherwise, and nothing else", () => {
  expect(shellQuote("http://a:80/b")).toBe("http://a:80/b");
  expect(shellQuote("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(shellQuote("")).toBe("''");
});

it("tells the times of the server's sentences as the reader's own, and leaves alone what is none", () => {
  expect(sentence("silent since 2026-11-30T21:17:37Z")).toBe(`Silent since ${exact("2026-11-30T21:17:37Z")}`);
  expect(sentence("job 2026-99-99T99:99:99Z")).toBe("Job 2026-99-99T99:99:99Z");
});
