import { expect, it } from "vitest";

import { LogBuffer, MAX_LINE_CHARS, MAX_LINES, search } from "./buffer";

function filled(...chunks: string[]): LogBuffer {
  const buffer = new LogBuffer();
  const encoder = new TextEncoder();
  for (const chunk of chunks) buffer.append(encoder.encode(chunk));
  return buffer;
}

const texts = (buffer: LogBuffer) => buffer.lines.map((line) => line.text);

it("shows an unfinished line, and goes on with it", () => {
  const buffer = filled("one\ntw");
  expect(texts(buffer)).toEqual(["one", "tw"]);
  buffer.append(new TextEncoder().encode("o\nthree"));
  expect(texts(buffer)).toEqual(["one", "two", "three"]);
  expect(buffer.lines.map((line) => line.number)).toEqual([1, 2, 3]);
});

it("gives the same lines however the bytes are cut", () => {
  const log = "a\r\nprogress 1%\rprogress 50%\rprogress 100%\nümlaut 🌸\n\n\u001b[31mred\nstill red\u001b[0m\nend";
  const bytes = new TextEncoder().encode(log);
  const whole = filled(log);
  for (let size = 1; size < 9; size += 1) {
    const cut = new LogBuffer();
    for (let at = 0; at < bytes.length; at += size) cut.append(bytes.subarray(at, at + size));
    expect(cut.lines).toEqual(whole.lines);
  }
  expect(texts(whole)).toEqual(["a", "progress 100%", "ümlaut 🌸", "", "\u001b[31mred", "still red\u001b[0m", "end"]);
  expect(whole.lines[5]?.start).toEqual({ foreground: 1 });
  expect(whole.lines[6]?.start).toEqual({});
});

it("keeps a progress bar to its latest state without growing", () => {
  const buffer = filled(...Array.from({ length: 2000 }, (_, step) => `\r${step} of 2000`));
  expect(texts(buffer)).toEqual(["1999 of 2000"]);
});

it("drops the oldest lines at its bound, and says how many", () => {
  const buffer = filled(`${"x\n".repeat(MAX_LINES)}last two\nlast\n`);
  expect(buffer.lines.length).toBe(MAX_LINES);
  expect(buffer.dropped).toBe(2);
  expect(buffer.lines.at(-1)).toMatchObject({ text: "last", number: MAX_LINES + 2 });
});

it("continues a line that never ends on the next", () => {
  const buffer = filled("y".repeat(MAX_LINE_CHARS * 2 + 5));
  expect(buffer.lines.map((line) => line.text.length)).toEqual([MAX_LINE_CHARS, MAX_LINE_CHARS, 5]);
});

it("finds text across colours and in any case", () => {
  const buffer = filled("\u001b[1mErr\u001b[0mor here\nfine\nERROR\n");
  expect(search(buffer.lines, "error")).toEqual([0, 2]);
  expect(search(buffer.lines, "")).toEqual([]);
});
