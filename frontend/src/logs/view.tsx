/// The log on the screen: virtualised, following until somebody scrolls up, searchable.
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, ChevronDown, ChevronUp, Download, Search, WrapText } from "lucide-react";
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { explain } from "@/api/errors";
import { IconButton } from "@/ui/button";
import { bytes, plural } from "@/lib/format";

import { ownColours, parseLine, type Span, styleClass } from "./ansi";
import { type Line, search } from "./buffer";
import { downloadLog, type LogSource, type LogState, useLog } from "./stream";

const LINE_PIXELS = 20;
/** This near to the end counts as being at the end. */
const END_PIXELS = 40;

export function LogView({ source, fileName }: { source: LogSource; fileName: string }) {
  const log = useLog(source);
  const { lines, version } = log.buffer;
  const [following, setFollowing] = useState(true);
  const [wrap, setWrap] = useState(true);
  const [needle, setNeedle] = useState("");
  const [hit, setHit] = useState(0);
  const wanted = useDeferredValue(needle);
  // oxlint-disable-next-line react/exhaustive-deps -- the buffer is one object; its version tells when it changed
  const hits = useMemo(() => search(lines, wanted), [lines, version, wanted]);
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);

  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PIXELS,
    overscan: 30,
    getItemKey: (index) => lines[index]?.number ?? index,
  });

  useEffect(() => {
    if (following && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [following, version, lines.length, rows]);

  function jump(to: number) {
    if (hits.length === 0) return;
    const index = (to + hits.length) % hits.length;
    setHit(index);
    setFollowing(false);
    rows.scrollToIndex(hits[index] ?? 0, { align: "center" });
  }

  function onScroll(element: HTMLDivElement) {
    const toEnd = element.scrollHeight - element.scrollTop - element.clientHeight;
    // Scrolling up pauses; reaching the end goes on.
    if (element.scrollTop < lastTop.current - 2 && toEnd > END_PIXELS) setFollowing(false);
    else if (toEnd < 4) setFollowing(true);
    lastTop.current = element.scrollTop;
  }

  const current = hits[hit];
  // As wide as the largest number, so that lines do not shift while one scrolls.
  const gutter = `calc(${Math.max(3, String(lines.at(-1)?.number ?? 0).length)}ch + 2rem)`;
  return (
    <div className="overflow-hidden rounded-xl border bg-log shadow-card">
      <div className="flex flex-wrap items-center gap-1 border-b bg-panel px-2 py-1.5">
        <LogStatus log={log} />
        <div className="ml-auto flex min-w-0 items-center gap-1">
          <label className="flex h-8 min-w-0 items-center gap-2 rounded-lg border bg-panel px-2 text-sm focus-within:border-accent-solid">
            <Search size={14} className="shrink-0 text-ink-faint" aria-hidden />
            <span className="sr-only">Search the log</span>
            <input
              value={needle}
              placeholder="Search"
              spellCheck={false}
              className="w-24 min-w-0 bg-transparent outline-none placeholder:text-ink-faint sm:w-36"
              onChange={(event) => {
                setNeedle(event.target.value);
                setHit(0);
              }}
              onKeyDown={(event) => {
                if (event.key === "Enter") jump(current === undefined ? 0 : hit + (event.shiftKey ? -1 : 1));
                if (event.key === "Escape") setNeedle("");
              }}
            />
            {wanted && (
              <output className="text-xs whitespace-nowrap text-ink-faint">
                {hits.length === 0 ? "none" : `${hit + 1}/${hits.length}`}
              </output>
            )}
          </label>
          {wanted && (
            <>
              <IconButton label="Previous match" onClick={() => jump(hit - 1)}>
                <ChevronUp size={16} />
              </IconButton>
              <IconButton label="Next match" onClick={() => jump(hit + 1)}>
                <ChevronDown size={16} />
              </IconButton>
            </>
          )}
          <IconButton label="Wrap long lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
            <WrapText size={16} />
          </IconButton>
          <IconButton label="Follow the end" aria-pressed={following} onClick={() => setFollowing(!following)}>
            <ArrowDownToLine size={16} />
          </IconButton>
          <DownloadButton source={source} fileName={fileName} />
        </div>
      </div>
      {(log.firstOffset > 0 || log.buffer.dropped > 0) && (
        <p className="border-b bg-raised px-4 py-1.5 text-xs text-ink-soft">
          {log.buffer.dropped > 0 ? `${plural(log.buffer.dropped, "earlier line")} left this page. ` : "The log begins earlier. "}
          The download has all of it.
        </p>
      )}
      <div
        ref={scroller}
        role="log"
        aria-label="Output of the job"
        aria-live="off"
        tabIndex={0}
        className="max-h-[min(62dvh,44rem)] min-h-64 overflow-auto py-2 font-mono text-[0.78rem] leading-5 focus-visible:-outline-offset-2"
        onScroll={(event) => onScroll(event.currentTarget)}
      >
        {lines.length === 0 ? (
          <p className="px-4 py-8 text-center font-sans text-sm text-ink-faint">{quiet(log)}</p>
        ) : (
          <div className="relative min-w-full" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map((item) => {
              const line = lines[item.index];
              return (
                line && (
                  <div
                    key={item.key}
                    data-index={item.index}
                    ref={rows.measureElement}
                    className={`absolute top-0 left-0 flex min-w-full pr-4 ${wrap ? "w-full" : ""} ${item.index === current && wanted ? "bg-accent-soft" : "hover:bg-hover"}`}
                    style={{ transform: `translateY(${item.start}px)` }}
                  >
                    {log.firstOffset === 0 && (
                      <span aria-hidden className="shrink-0 pr-4 text-right text-ink-faint select-none" style={{ width: gutter }}>
                        {line.number}
                      </span>
                    )}
                    <LineText line={line} text={line.text} wrap={wrap} needle={wanted} indent={log.firstOffset > 0} />
                  </div>
                )
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

function quiet(log: LogState): string {
  if (log.error) return explain(log.error).detail;
  return log.status === "complete" ? "It ended without writing anything." : "Nothing written yet. Output appears here as it comes.";
}

function LogStatus({ log }: { log: LogState }) {
  const size = log.bytes > 0 ? bytes(log.bytes) : "";
  const looks: Record<LogState["status"], [string, string]> = {
    connecting: ["bg-idle", "Connecting"],
    live: ["bg-accent-solid animate-breathe", "Live"],
    stale: ["bg-warn", "Disconnected, trying again"],
    complete: ["bg-good", "Complete"],
    refused: ["bg-bad", "Not available"],
  };
  const [dot, word] = looks[log.status];
  return (
    <p className="flex items-center gap-2 px-2 text-sm text-ink-soft" role="status">
      <span aria-hidden className={`size-2 rounded-full ${dot}`} />
      {word}
      {size && <span className="text-ink-faint">{size}</span>}
    </p>
  );
}

function DownloadButton({ source, fileName }: { source: LogSource; fileName: string }) {
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");
  const label = { idle: "Download the log", busy: "Downloading…", failed: "The download failed; try again" }[state];
  return (
    <IconButton
      label={label}
      disabled={state === "busy"}
      className={state === "failed" ? "text-bad" : ""}
      onClick={() => {
        setState("busy");
        downloadLog(source, fileName).then(
          () => setState("idle"),
          () => setState("failed"),
        );
      }}
    >
      <Download size={16} />
    </IconButton>
  );
}

interface LineTextProps {
  line: Line;
  /** Beside the line, because an unfinished line keeps its place while its text grows. */
  text: string;
  wrap: boolean;
  needle: string;
  indent: boolean;
}

const LineText = memo(function LineText({ line, wrap, needle, indent }: LineTextProps) {
  const { spans } = parseLine(line.text, line.start);
  return (
    <span className={`min-w-0 flex-1 ${indent ? "pl-4" : ""} ${wrap ? "break-all whitespace-pre-wrap" : "whitespace-pre"}`}>
      {spans.length === 0 ? "\u200b" : spans.map((span) => <SpanText key={span.at} span={span} needle={needle} />)}
    </span>
  );
});

function SpanText({ span, needle }: { span: Span; needle: string }) {
  return (
    <span className={styleClass(span.style)} style={ownColours(span.style)}>
      {needle ? marked(span.text, needle) : span.text}
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
