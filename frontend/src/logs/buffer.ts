/// The part of a log that the page holds: lines out of bytes, bounded in number and size. It is one stretch of the
/// log, which grows at either end and is cut at the other when it gets too large; each line knows where it begins.
import { PLAIN, plainText, shownLength, type Style, styleAfter } from "./ansi";

export interface Line {
  /** Where it begins in the log: what a link to it says. */
  offset: number;
  text: string;
  /** How many characters of it are shown, about. */
  width: number;
  /** The style that the line before ended with. */
  start: Style;
  /** Goes on with the line before, which was too long for one. */
  goesOn: boolean;
}

/** All that is held is laid out anew with every part that comes, in the frame of somebody who scrolls. */
export const MAX_LINES = 6_000;
export const MAX_CHARS = 2 << 20;
/** A longer line is continued on the next: one line without an end must not freeze the page. */
export const MAX_LINE_BYTES = 8_192;

const NEWLINE = 10;
const RETURN = 13;

export class LogBuffer {
  lines: Line[] = [];
  /** Number of the first line in the log, from 1, where it is known. */
  firstNumber: number | null = null;
  /** Grows with every change: what views compare. */
  version = 0;
  /** Where the bytes that are held begin. */
  start = 0;
  /** Where they end. */
  end = 0;
  private chars = 0;
  private style: Style = PLAIN;
  /** The line that has no end yet. */
  private partial: Uint8Array = new Uint8Array();
  private partialAt = 0;
  private partialShown = 0;
  private continues = false;

  /** Forgets everything and begins anew at a place of the log, which is the beginning of a line. */
  reset(at: number) {
    Object.assign(this, { lines: [], chars: 0, style: PLAIN, partial: new Uint8Array(), partialShown: 0, continues: false });
    Object.assign(this, { start: at, end: at, partialAt: at, firstNumber: at === 0 ? 1 : null });
    this.version += 1;
  }

  /** Takes what follows at the end. */
  append(bytes: Uint8Array) {
    this.unshow();
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.finish(joined(this.partial, bytes.subarray(from, at)));
      from = at + 1;
      this.partialAt = this.end + from;
    }
    this.partial = joined(this.partial, bytes.subarray(from));
    this.end += bytes.length;
    // A progress bar rewrites its line: only what it shows last is worth keeping.
    this.partial = lastWritten(this.partial);
    this.show();
    this.trimFront();
    this.version += 1;
  }

  /** Takes what comes before the start, which must begin with a line and end with one; says how many lines that is. */
  prepend(bytes: Uint8Array): number {
    const before = new LogBuffer();
    before.reset(this.start - bytes.length);
    before.append(bytes);
    const { lines } = before;
    this.lines = [...lines, ...this.lines];
    this.chars += before.chars;
    const whole = lines.filter((line) => !line.goesOn).length;
    if (this.firstNumber !== null) this.firstNumber -= whole;
    this.start = before.start;
    if (this.start === 0) this.firstNumber = 1;
    this.version += 1;
    return lines.length;
  }

  /** Cuts the end off when there is too much; true when something was. */
  trimBack(): boolean {
    let keep = Math.min(this.lines.length, MAX_LINES);
    let chars = this.chars;
    for (let at = this.lines.length - 1; at >= keep; at -= 1) chars -= this.lines[at]?.text.length ?? 0;
    while (chars > MAX_CHARS && keep > 1) chars -= this.lines[--keep]?.text.length ?? 0;
    const first = this.lines[keep];
    if (!first) return false;
    this.lines = this.lines.slice(0, keep);
    this.chars = chars;
    this.end = first.offset;
    this.style = first.start;
    this.continues = first.goesOn;
    Object.assign(this, { partial: new Uint8Array(), partialShown: 0, partialAt: this.end });
    this.version += 1;
    return true;
  }

  private trimFront() {
    let excess = Math.max(0, this.lines.length - MAX_LINES);
    let chars = this.chars;
    for (let at = 0; at < excess; at += 1) chars -= this.lines[at]?.text.length ?? 0;
    while (chars > MAX_CHARS && excess < this.lines.length - 1) {
      chars -= this.lines[excess]?.text.length ?? 0;
      excess += 1;
    }
    if (excess === 0) return;
    if (this.firstNumber !== null) this.firstNumber += this.lines.slice(0, excess).filter((line) => !line.goesOn).length;
    this.lines = this.lines.slice(excess);
    this.chars = chars;
    this.start = this.lines[0]?.offset ?? this.end;
  }

  private finish(bytes: Uint8Array) {
    const at = this.partialAt;
    this.pushPieces(lastWritten(bytes, true), at);
    this.partial = new Uint8Array();
    this.continues = false;
  }

  /** Shows the line that has no end yet. */
  private show() {
    const style = this.style;
    const { continues } = this;
    const before = this.lines.length;
    if (this.partial.length > 0) this.pushPieces(this.partial, this.partialAt);
    this.partialShown = this.lines.length - before;
    this.style = style;
    this.continues = continues;
  }

  private unshow() {
    for (; this.partialShown > 0; this.partialShown -= 1) this.chars -= this.lines.pop()?.text.length ?? 0;
  }

  private pushPieces(bytes: Uint8Array, offset: number) {
    for (let at = 0; at === 0 || at < bytes.length; ) {
      const to = pieceEnd(bytes, at);
      const text = DECODER.decode(bytes.subarray(at, to));
      this.lines.push({ offset: offset + at, text, width: shownLength(text), start: this.style, goesOn: this.continues });
      this.chars += text.length;
      this.style = styleAfter(text, this.style);
      this.continues = true;
      at = Math.max(to, at + 1);
    }
  }
}

const DECODER = new TextDecoder();

/** Where a piece of a line ends: never inside of a character. */
function pieceEnd(bytes: Uint8Array, from: number): number {
  let to = Math.min(bytes.length, from + MAX_LINE_BYTES);
  if (to === bytes.length) return to;
  while (to > from + MAX_LINE_BYTES - 4 && ((bytes[to] ?? 0) & 0xc0) === 0x80) to -= 1;
  return to;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b.slice();
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** What a terminal shows of a line in which carriage returns went back to its beginning. */
function lastWritten(line: Uint8Array, isOver = false): Uint8Array {
  let end = line.length;
  // A return at the very end has overwritten nothing yet; it must stay while more may follow.
  while (end > 0 && line[end - 1] === RETURN) end -= 1;
  const before = end > 0 ? line.lastIndexOf(RETURN, end - 1) : -1;
  return line.subarray(before + 1, isOver ? end : line.length);
}

/** Offsets of the lines that contain the text, in any case. */
export function search(lines: readonly Line[], needle: string): number[] {
  if (needle === "") return [];
  const wanted = needle.toLowerCase();
  return lines.filter((line) => plainText(line.text).toLowerCase().includes(wanted)).map((line) => line.offset);
}

/** Where the so many lines end that begin at a place of some bytes; their end where there are fewer. */
export function afterLines(bytes: Uint8Array, from: number, lines: number): number {
  let end = Math.min(from, bytes.length);
  for (let line = 0; line < lines; line += 1) {
    const at = bytes.indexOf(NEWLINE, end);
    if (at < 0) return bytes.length;
    end = at + 1;
  }
  return end;
}

/** The index of the line that holds a place of the log; -1 where none does. */
export function indexAt(buffer: LogBuffer, offset: number): number {
  const { lines } = buffer;
  if (offset < buffer.start || offset >= buffer.end) return -1;
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lines[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return lines.length > 0 ? low : -1;
}
