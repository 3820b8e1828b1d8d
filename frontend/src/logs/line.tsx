/// One line of a log as text nodes: colours by class names, matches marked.
import { memo } from "react";

import { ownColours, parseLine, PLAIN, type Span, styleClass } from "./ansi";
import type { Line } from "./buffer";

interface LineTextProps {
  line: Line;
  /** Beside the line, because an unfinished line keeps its place while its text grows. */
  text: string;
  wrap: boolean;
  needle: string;
}

export const LineText = memo(function LineText({ line, wrap, needle }: LineTextProps) {
  const { spans } = parseLine(line.text, line.start);
  return (
    <span className={`log-line min-w-0 flex-1 ${wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre"}`}>
      {spans.length === 0 ? "\u200b" : spans.map((span) => <SpanText key={span.at} span={span} needle={needle} />)}
    </span>
  );
});

function SpanText({ span, needle }: { span: Span; needle: string }) {
  const text = needle ? marked(span.text, needle) : span.text;
  // Most of a log has no colour, and half as many elements are laid out sooner.
  if (span.style === PLAIN) return text;
  return (
    <span className={styleClass(span.style)} style={ownColours(span.style)}>
      {text}
    </span>
  );
}

function marked(text: string, needle: string) {
  const parts = [];
  const lower = text.toLowerCase();
  const wanted = needle.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at));
    from = at + wanted.length;
    parts.push(
      <mark key={at} className="rounded-xs bg-mark text-ink">
        {text.slice(at, from)}
      </mark>,
    );
  }
  parts.push(text.slice(from));
  return parts;
}
