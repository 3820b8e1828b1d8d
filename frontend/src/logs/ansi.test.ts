import { expect, it } from "vitest";

import { ownColours, parseLine, PLAIN, plainText, styleClass } from "./ansi";

const spans = (line: string) => parseLine(line, PLAIN).spans.map(({ text, style }) => [text, style]);

it("turns colours into spans and carries the last style on", () => {
  const { spans: found, end } = parseLine("a \u001b[1;32mgood\u001b[39m bold", PLAIN);
  expect(found.map((span) => span.text)).toEqual(["a ", "good", " bold"]);
  expect(found.map((span) => styleClass(span.style))).toEqual(["", "ansi-fg-2 ansi-bold", "ansi-bold"]);
  expect(end.bold).toBe(true);
});

it.each([
  ["bright", "\u001b[91mx", "ansi-fg-1", undefined],
  ["the theme's part of the 256", "\u001b[38;5;4mx", "ansi-fg-4", undefined],
  ["the cube", "\u001b[38;5;208mx", "ansi-fg-own", "rgb(255 135 0)"],
  ["the greys", "\u001b[38;5;232mx", "ansi-fg-own", "rgb(8 8 8)"],
  ["true colour", "\u001b[38;2;1;2;3mx", "ansi-fg-own", "rgb(1 2 3)"],
  ["an impossible colour", "\u001b[38;2;999;2;3mx", "", undefined],
  ["a cut sequence", "\u001b[38;5mx", "ansi-fg-0", undefined],
])("reads %s", (_, line, classes, colour) => {
  const style = parseLine(line, PLAIN).spans[0]?.style ?? {};
  expect(styleClass(style)).toBe(classes);
  expect(ownColours(style)).toEqual(colour && { "--own-foreground": colour });
});

it.each([
  ["cursor movement", "\u001b[2J\u001b[10;4Hhello\u001b[K", "hello"],
  ["a window title", "\u001b]0;rm -rf\u0007hello", "hello"],
  ["a link", "\u001b]8;;javascript:alert(1)\u001b\\hello\u001b]8;;\u001b\\", "hello"],
  ["a title without an end", "hello\u001b]0;never closed", "hello"],
  ["a lone escape at the end", "hello\u001b", "hello"],
  ["other controls, but not tabs", "he\u0000l\u0008l\to", "hell\to"],
])("drops %s", (_, line, text) => {
  expect(spans(line).map(([part]) => part).join("")).toBe(text);
  expect(plainText(line)).toBe(text);
});

it("leaves markup as the text that it is", () => {
  expect(spans("<img src=x onerror=alert(1)>")).toEqual([["<img src=x onerror=alert(1)>", {}]]);
});
