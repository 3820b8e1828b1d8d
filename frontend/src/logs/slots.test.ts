import { expect, it } from "vitest";

import { Slots } from "./slots";

const from = (first: number, count = 10) => Array.from({ length: count }, (_, at) => (first + at) * 100);

it("keeps the element of a line that stays, and gives those that went to others", () => {
  const slots = new Slots();
  const first = slots.keysOf(from(0), true);
  expect(new Set(first).size).toBe(10);
  expect(slots.keysOf(from(0), true)).toEqual(first);
  // All of them other ones, in the same order: nothing moves.
  expect(slots.keysOf(from(50), true)).toEqual(first);
  const most = slots.keysOf(from(43), true);
  expect(most.slice(7)).toEqual(first.slice(0, 3));
  expect(new Set(most)).toEqual(new Set(first));
});

it("makes new ones for a few lines, for more lines than before, and where nothing may be touched", () => {
  const slots = new Slots();
  const first = slots.keysOf(from(0), true);
  const few = slots.keysOf(from(2), true);
  expect(few.slice(0, 8)).toEqual(first.slice(2));
  expect(few.slice(8).every((key) => !first.includes(key))).toBe(true);
  expect(slots.keysOf(from(90), false).every((key) => !few.includes(key))).toBe(true);
  const more = slots.keysOf(from(200, 15), true);
  expect(new Set(more).size).toBe(15);
});
