/// The part of a log that the page holds: lines out of bytes, bounded in number and size. What is beyond
/// the bound falls off the front; the download has it all.
import { parseLine, PLAIN, plainText, type Style } from "./ansi";

export interface Line {
  /** Number of the line in the log, from 1, or in what was read of it. */
  number: number;
  text: string;
  /** The style that the line before ended with. */
  start: Style;
}

export const MAX_LINES = 50_000;
export const MAX_CHARS = 16 << 20;
/** A longer line is continued on the next: one line without an end must not freeze the page. */
export const MAX_LINE_CHARS = 8_192;

export class LogBuffer {
  lines: Line[] = [];
  /** Lines that fell off the front. */
  dropped = 0;
  /** Grows with every change: what views compare. */
  version = 0;
  private chars = 0;
  private count = 0;
  private style: Style = PLAIN;
  private partial = "";
  private partialShown = false;
  private decoder = new TextDecoder();

  append(bytes: Uint8Array) {
    this.take(this.decoder.decode(bytes, { stream: true }));
    this.trim();
    this.version += 1;
  }

  private take(text: string) {
    if (this.partialShown) this.unshow();
    const parts = (this.partial + text).split("\n");
    this.partial = parts.pop() ?? "";
    for (const part of parts) this.push(part);
    while (this.partial.length > MAX_LINE_CHARS && !this.partial.includes("\r")) {
      this.push(this.partial.slice(0, MAX_LINE_CHARS));
      this.partial = this.partial.slice(MAX_LINE_CHARS);
    }
    // A progress bar rewrites its line: only what it shows last is worth keeping.
    if (this.partial.includes("\r")) this.partial = overwritten(this.partial, true);
    if (this.partial !== "") this.show();
  }

  /** Shows the line that has no end yet. */
  private show() {
    const start = this.style;
    this.push(this.partial);
    this.style = start;
    this.partialShown = true;
  }

  private unshow() {
    const line = this.lines.pop();
    if (line) {
      this.chars -= line.text.length;
      this.count -= 1;
      this.style = line.start;
    }
    this.partialShown = false;
  }

  private push(raw: string) {
    const whole = overwritten(raw, false);
    for (let at = 0; at === 0 || at < whole.length; at += MAX_LINE_CHARS) {
      const text = whole.slice(at, at + MAX_LINE_CHARS);
      this.count += 1;
      this.lines.push({ number: this.count, text, start: this.style });
      this.chars += text.length;
      this.style = parseLine(text, this.style).end;
    }
  }

  private trim() {
    let excess = Math.max(0, this.lines.length - MAX_LINES);
    let chars = this.chars;
    for (let at = 0; at < excess; at += 1) chars -= this.lines[at]?.text.length ?? 0;
    while (chars > MAX_CHARS && excess < this.lines.length - 1) {
      chars -= this.lines[excess]?.text.length ?? 0;
      excess += 1;
    }
    if (excess === 0) return;
    this.lines = this.lines.slice(excess);
    this.chars = chars;
    this.dropped += excess;
  }
}

/** What a terminal shows of a line in which carriage returns went back to its beginning. */
function overwritten(line: string, open: boolean): string {
  if (!line.includes("\r")) return line;
  const parts = line.split("\r");
  const last = parts.at(-1) ?? "";
  // A return at the very end has overwritten nothing yet; it must stay while more may follow.
  const shown = last === "" ? (parts.findLast((part) => part !== "") ?? "") : last;
  return open && last === "" && shown !== "" ? `${shown}\r` : shown;
}

/** Indices of the lines that contain the text, in any case. */
export function search(lines: readonly Line[], needle: string): number[] {
  if (needle === "") return [];
  const wanted = needle.toLowerCase();
  const found: number[] = [];
  for (const [index, line] of lines.entries()) {
    if (plainText(line.text).toLowerCase().includes(wanted)) found.push(index);
  }
  return found;
}
