/// Terminal colours as spans of text. A log is a stranger's text: it becomes text nodes with class names
/// out of a fixed list, never markup, and every other escape sequence is dropped.
import type { CSSProperties } from "react";

export interface Style {
  /** 0 to 15 of the theme's own palette, or a colour in CSS words. */
  foreground?: number | string;
  background?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
}

export interface Span {
  /** Where it begins in the line: its identity. */
  at: number;
  text: string;
  style: Style;
}

export const PLAIN: Style = {};

const ESC = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
/** Control characters but tab and newline, made from their codes to be seen in this file. */
const OTHER_CONTROLS = new RegExp(`[${String.fromCharCode(0)}-${String.fromCharCode(8)}${String.fromCharCode(11)}-${String.fromCharCode(31, 127)}]`, "g");
/** What turns the direction of text around, and would make a line read other than it is. */
const DIRECTIONS = new RegExp(`[${String.fromCharCode(0x202a)}-${String.fromCharCode(0x202e)}${String.fromCharCode(0x2066)}-${String.fromCharCode(0x2069)}]`, "g");
/** CSI with its parameters and final byte; OSC and other strings up to their end; two-character escapes. */
const SEQUENCE = new RegExp(
  `${ESC}(?:\\[([0-9;:?<=>]*)[ -/]*([@-~])|[\\]PX^_][^${BELL}${ESC}]*(?:${BELL}|${ESC}\\\\|$)|[ -/]*[0-~]?)`,
  "g",
);

/** Splits a line into spans, beginning with the style that the line before ended with. */
export function parseLine(line: string, start: Style): { spans: Span[]; end: Style } {
  const spans: Span[] = [];
  let style = start;
  let position = 0;
  function push(at: number, end?: number) {
    const text = shown(line.slice(at, end));
    if (text) spans.push({ at, text, style });
  }
  if (line.includes(ESC)) {
    for (const match of line.matchAll(SEQUENCE)) {
      push(position, match.index);
      position = match.index + match[0].length;
      if (match[2] === "m") style = select(style, match[1] ?? "");
    }
  }
  push(position);
  return { spans, end: style };
}

/** The style that a line ends with. */
export function styleAfter(line: string, start: Style): Style {
  return line.includes(ESC) ? parseLine(line, start).end : start;
}

/** The line's text without its escapes: what is searched. */
export function plainText(line: string): string {
  const text = line.includes(ESC) ? line.replace(SEQUENCE, "") : line;
  return shown(text);
}

/** How long that text is, about: most lines have nothing to leave out. */
export function shownLength(line: string): number {
  return line.includes(ESC) ? plainText(line).length : line.length;
}

/** Text without control characters; those that turn its direction are named instead. */
function shown(text: string): string {
  return text
    .replace(OTHER_CONTROLS, "")
    .replace(DIRECTIONS, (char) => `\u2039U+${char.charCodeAt(0).toString(16).toUpperCase()}\u203a`);
}

/** Applies one "select graphic rendition" sequence. */
function select(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  let style = { ...before };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      if (colour !== null) style[code === 38 ? "foreground" : "background"] = colour;
      at += used;
    } else style = simple(style, code);
  }
  return style;
}

function simple(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 9) return { ...style, strike: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 29) return { ...style, strike: false };
  if (code >= 30 && code <= 37) return { ...style, foreground: code - 30 };
  if (code === 39) return { ...style, foreground: undefined };
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 };
  if (code === 49) return { ...style, background: undefined };
  if (code >= 90 && code <= 97) return { ...style, foreground: code - 82 };
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 };
  return style;
}

/** Reads `5;n` or `2;r;g;b`; says how many numbers it used. */
function extended(codes: number[], at: number): [number | string | null, number] {
  if (codes[at] === 5) return [palette(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) {
    const rgb = codes.slice(at + 1, at + 4);
    const valid = rgb.length === 3 && rgb.every((part) => part >= 0 && part <= 255);
    return [valid ? `rgb(${rgb.join(" ")})` : null, 4];
  }
  return [null, 0];
}

/** The 256 colours: 16 of the theme, a cube of 216, a ramp of 24 greys. */
function palette(index: number): number | string | null {
  if (!(index >= 0 && index <= 255)) return null;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const cube = index - 16;
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

/** Class names of a style; `ownColours` gives the colours that are not of the theme's palette. */
export function styleClass(style: Style): string {
  const names: string[] = [];
  // The bright eight are the plain eight in bold: one palette that is readable in both themes.
  if (typeof style.foreground === "number") names.push(`ansi-fg-${style.foreground % 8}`);
  if (typeof style.foreground === "string") names.push("ansi-fg-own");
  if (typeof style.background === "number") names.push(`ansi-bg-${style.background % 8}`);
  if (typeof style.background === "string") names.push("ansi-bg-own");
  if (style.bold) names.push("ansi-bold");
  if (style.dim) names.push("ansi-dim");
  if (style.italic) names.push("ansi-italic");
  if (style.underline) names.push("ansi-underline");
  if (style.strike) names.push("ansi-strike");
  return names.join(" ");
}

/** A log's own colours, for the stylesheet to make readable on the theme's background. */
export function ownColours(style: Style): CSSProperties | undefined {
  const colours: Record<`--${string}`, string> = {};
  if (typeof style.foreground === "string") colours["--own-foreground"] = style.foreground;
  if (typeof style.background === "string") colours["--own-background"] = style.background;
  return Object.keys(colours).length > 0 ? (colours as CSSProperties) : undefined;
}
