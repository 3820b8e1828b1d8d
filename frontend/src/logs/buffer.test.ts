import { expect, it } from "vitest";

import { afterLines, indexAt, LogBuffer, MAX_CHARS, MAX_LINES, search } from "./buffer";

const bytes = (text: string) => new TextEncoder().encode(text);
function buffer(...parts: string[]): LogBuffer {
  const made = new LogBuffer();
  made.reset(0);
  for (const part of parts) made.append(bytes(part));
  return made;
}
const texts = (log: LogBuffer) => log.lines.map((line) => line.text);

it("makes the same lines of a text however it is cut", () => {
  const text = "one\ntwo\u00e4\n\nfour";
  const whole = buffer(text);
  expect(texts(whole)).toEqual(["one", "twoä", "", "four"]);
  expect(whole.lines.map((line) => line.offset)).toEqual([0, 4, 10, 11]);
  for (let at = 1; at < bytes(text).length; at += 1) {
    const made = new LogBuffer();
    made.reset(0);
    made.append(bytes(text).subarray(0, at));
    made.append(bytes(text).subarray(at));
    expect(made.lines).toEqual(whole.lines);
    expect([made.start, made.end]).toEqual([0, bytes(text).length]);
  }
});

it("shows what a progress bar shows last, and Windows lines without their return", () => {
  expect(texts(buffer("a\r\nb\r\n"))).toEqual(["a", "b"]);
  expect(texts(buffer("10%\r20%", "\r30%\rdone\nnext"))).toEqual(["done", "next"]);
  expect(texts(buffer("10%\r"))).toEqual(["10%\r"]);
});

it("carries the style on, over pieces as well", () => {
  const esc = String.fromCharCode(27);
  const made = buffer(`${esc}[31mred\nstill\n${esc}[0mplain`);
  expect(made.lines[1]?.start.foreground).toBe(1);
  expect(made.lines[2]?.start.foreground).toBe(1);
});

it("cuts a line without an end into pieces, never inside of a character", () => {
  const made = buffer("ä".repeat(300_000));
  expect(texts(made).join("")).toBe("ä".repeat(300_000));
  expect(Math.max(...texts(made).map((text) => text.length))).toBeLessThan(8_193);
  expect(made.lines.slice(1).every((line) => line.goesOn)).toBe(true);
  expect(made.lines[0]?.goesOn).toBe(false);
});

it("holds no more than its bounds, and knows what it holds", () => {
  const made = new LogBuffer();
  made.reset(0);
  for (let part = 0; part < 12; part += 1) made.append(bytes("line\n".repeat(10_000)));
  expect(made.lines.length).toBe(MAX_LINES);
  expect(made.firstNumber).toBe(120_001 - MAX_LINES);
  expect([made.start, made.end]).toEqual([600_000 - 5 * MAX_LINES, 600_000]);
  for (let part = 0; part < 40; part += 1) made.append(bytes(`${"x".repeat(1 << 20)}\n`));
  expect(made.lines.reduce((sum, line) => sum + line.text.length, 0)).toBeLessThanOrEqual(MAX_CHARS);
  // Forty megabytes take their time where others work, too.
}, 60_000);

it("grows to the front and is cut at the back, and goes on there as if nothing had been", () => {
  const text = Array.from({ length: MAX_LINES + 4_000 }, (_, at) => `line ${at}\n`).join("");
  const all = bytes(text);
  const middle = bytes(text.slice(0, text.indexOf("line 5000\n"))).length;
  const made = new LogBuffer();
  made.reset(middle);
  made.append(all.subarray(middle));
  expect(made.firstNumber).toBeNull();
  expect(made.prepend(all.subarray(0, middle))).toBe(5_000);
  expect([made.firstNumber, made.start]).toEqual([1, 0]);
  expect(made.trimBack()).toBe(true);
  expect(made.lines.length).toBe(MAX_LINES);
  expect(made.lines.at(-1)?.text).toBe(`line ${MAX_LINES - 1}`);
  made.append(all.subarray(made.end));
  expect(made.lines.at(-1)?.text).toBe(`line ${MAX_LINES + 3_999}`);
  expect(made.firstNumber).toBe(4_001);
});

it("says where so many lines end", () => {
  const data = bytes("a\nb\nc\nd");
  expect([0, 1, 3, 4].map((lines) => afterLines(data, 0, lines))).toEqual([0, 2, 6, 7]);
  expect(afterLines(data, 2, 1)).toBe(4);
  expect(afterLines(data, 9, 1)).toBe(7);
});

it("finds lines by their text, without their colours, and by their place", () => {
  const esc = String.fromCharCode(27);
  const made = buffer(`one\n${esc}[31mTw${esc}[0mo\nthree\n`);
  expect(search(made.lines, "two")).toEqual([4]);
  expect(search(made.lines, "")).toEqual([]);
  expect([0, 3, 4, 16, 17, 22, 99].map((at) => indexAt(made, at))).toEqual([0, 0, 1, 1, 2, 2, -1]);
});
