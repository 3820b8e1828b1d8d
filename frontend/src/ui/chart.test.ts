import { expect, it } from "vitest";

import { columns, timeRange, valueRange } from "./chart";

it("lays lines on one axis of time, with gaps where one was not measured", () => {
  const point = (secs: number, value: number) => ({ at: new Date(secs * 1000).toISOString(), value });
  const lines = [
    { name: "a", points: [point(10, 1), point(30, 3)] },
    { name: "b", points: [point(20, 2)] },
  ];
  expect(columns(lines)).toEqual([[10, 20, 30], [1, null, 3], [null, 2, null]]);
});

it("gives a single measurement an axis of time, and a flat line one of values", () => {
  expect(timeRange(100, 100)).toEqual([40, 160]);
  expect(timeRange(1, 9)).toEqual([1, 9]);
  expect(valueRange(0, undefined)).toEqual([0, 1]);
  expect(valueRange(0, 8_000, 1_000)).toEqual([0, 1_000]);
});

it("shows a limit that is near, and does not press the line flat for one that is far", () => {
  expect(valueRange(10, 20)[1]).toBeGreaterThan(20);
  expect(valueRange(10, 1_000)[1]).toBeLessThan(12);
});
