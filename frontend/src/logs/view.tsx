/// The log on the screen: virtualised, following until somebody scrolls up, searchable, with a link for each line.
import { memo, useCallback, useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { explain } from "@/api/errors";

import { LogBar } from "./bar";
import { indexAt, type Line, type LogBuffer } from "./buffer";
import { LineText } from "./line";
import { useColumns, useRows } from "./rows";
import { useMatches } from "./search";
import { isSelecting, Slots } from "./slots";
import { type LogSource, type LogState, useLog } from "./stream";

const LINE_PIXELS = 20;
/** This near to the end counts as being at the end. */
const END_PIXELS = 40;
/** This near to what is held ends, more of it is read: parts are small, and each is some way off. */
const AHEAD_PIXELS = 6_000;
/** Beside the text of a line: around its number, and at its end. */
const BESIDE_PIXELS = 32 + 16;
const LEAST_DIGITS = 3;
const REMEASURED_MILLIS = [60, 200, 450];

interface LogViewProps {
  source: LogSource;
  fileName: string;
  /** Where to begin to read, as an offset; at the end by default. */
  from: number | undefined;
  /** The line that the address names. */
  marked: number | undefined;
  /** Puts a line into the address. */
  onMark: (offset: number | undefined) => void;
}

export function LogView({ source, fileName, from, marked, onMark }: LogViewProps) {
  const [log, store] = useLog(source, from);
  const { buffer } = log;
  const { version } = buffer;
  // As they are now: what is laid out must not change under the virtualiser, which tells what moved by their keys.
  // oxlint-disable-next-line react/exhaustive-deps -- the buffer is one object; its version tells when it changed
  const lines = useMemo(() => buffer.lines.slice(), [buffer, version]);
  const [following, setFollowing] = useState(from === undefined);
  const [wrap, setWrap] = useState(true);
  const [needle, setNeedle] = useState("");
  const [hit, setHit] = useState(-1);
  const wanted = useDeferredValue(needle);
  const matches = useMatches(source, log, wanted);
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const list = useRef<HTMLDivElement>(null);
  const [target, setTarget] = useState<number | null>(from ?? null);

  // oxlint-disable-next-line react/exhaustive-deps -- as above
  const numbers = useMemo(() => lineNumbers(buffer), [buffer, version]);
  const digits = Math.max(LEAST_DIGITS, numbers.digits);
  const columns = useColumns(scroller, BESIDE_PIXELS, digits);

  const [rows, measure] = useRows({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (wrap ? Math.max(1, Math.ceil((lines[index]?.width ?? 0) / columns)) * LINE_PIXELS : LINE_PIXELS),
    overscan: 8,
    getItemKey: useCallback((index: number) => lines[index]?.offset ?? index, [lines]),
    // What comes or goes above must not move what somebody reads.
    anchorTo: "end",
  });
  useLayoutEffect(() => measure(list.current));
  // What was measured is that of another width.
  useEffect(() => rows.measure(), [rows, columns]);

  useEffect(() => {
    if (following && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [following, version, lines.length, rows]);

  const isTargetHere = target !== null && indexAt(buffer, target) >= 0;
  useEffect(() => {
    if (target === null || !isTargetHere) return;
    const index = indexAt(buffer, target);
    rows.scrollToIndex(index, { align: "center" });
    // Lines in between have not been measured yet: once more when those that came into sight have been.
    const again = REMEASURED_MILLIS.map((after) => window.setTimeout(() => rows.scrollToIndex(index, { align: "center" }), after));
    const done = window.setTimeout(() => setTarget(null), (REMEASURED_MILLIS.at(-1) ?? 0) + 1);
    return () => {
      for (const timer of [...again, done]) window.clearTimeout(timer);
    };
  }, [target, isTargetHere, buffer, rows]);

  function show(offset: number) {
    setFollowing(false);
    void store.jump(offset).then(() => setTarget(offset));
  }
  function follow(on: boolean) {
    setFollowing(on);
    if (on && log.status === "elsewhere") store.toEnd();
  }
  function jumpToHit(to: number) {
    const count = matches.offsets.length;
    if (count === 0) return;
    const index = (to + count) % count;
    setHit(index);
    show(matches.offsets[index] ?? 0);
  }
  function onScroll(element: HTMLDivElement) {
    const toEnd = element.scrollHeight - element.scrollTop - element.clientHeight;
    const isUpwards = element.scrollTop < lastTop.current;
    // Scrolling up pauses; reaching the end goes on.
    if (element.scrollTop < lastTop.current - 2 && toEnd > END_PIXELS) setFollowing(false);
    else if (toEnd < 4 && log.status !== "elsewhere") setFollowing(true);
    if (isUpwards && element.scrollTop < AHEAD_PIXELS) store.readBefore();
    if (!isUpwards && toEnd < AHEAD_PIXELS) store.readAfter();
    lastTop.current = element.scrollTop;
  }

  const current = matches.offsets[hit];
  const items = rows.getVirtualItems();
  const [slots] = useState(() => new Slots());
  const keys = slots.keysOf(items.map(({ index }) => lines[index]?.offset ?? -1 - index), !isSelecting(list.current));
  const gutter = `calc(${digits}ch + 2rem)`;
  return (
    <div className="overflow-hidden rounded-xl border bg-log shadow-card">
      <LogBar
        {...{ source, fileName, log, needle, matches, hit, jumpToHit, wrap, following }}
        setWrap={(on) => {
          // The heights that were measured are those of the other way; the lines on the screen come anew, and are measured.
          rows.measure();
          setWrap(on);
        }}
        setNeedle={(text) => {
          setNeedle(text);
          setHit(-1);
        }}
        setFollowing={follow}
        toStart={() => show(0)}
      />
      <div
        ref={scroller}
        role="log"
        aria-label="Output of the job"
        aria-live="off"
        aria-busy={log.reading}
        tabIndex={0}
        className="max-h-[min(62dvh,44rem)] min-h-64 overflow-auto [overflow-anchor:none] py-2 font-mono text-[0.78rem] leading-5 focus-visible:-outline-offset-2"
        onScroll={(event) => onScroll(event.currentTarget)}
      >
        {lines.length === 0 ? (
          <p className="px-4 py-8 text-center font-sans text-sm text-ink-faint">{quiet(log)}</p>
        ) : (
          <div ref={list} key={wrap ? "wrapped" : "whole"} className="relative min-w-full" style={{ height: rows.getTotalSize() }}>
            {items.map(({ index, start, size }, at) => {
              const line = lines[index];
              return (
                line && (
                  <Row
                    key={keys[at]}
                    {...{ line, index, size, wrap, gutter, onMark }}
                    top={start}
                    text={line.text}
                    number={numbers.of(index)}
                    needle={wanted}
                    isMarked={line.offset === marked}
                    isHit={line.offset === current && wanted !== ""}
                  />
                )
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

interface RowProps {
  line: Line;
  text: string;
  index: number;
  top: number;
  /** How high it is thought to be. */
  size: number;
  number: string;
  gutter: string;
  wrap: boolean;
  needle: string;
  isMarked: boolean;
  isHit: boolean;
  onMark: (offset: number | undefined) => void;
}

/** A row that stays on the screen while others come is not made anew. */
const Row = memo(function Row({ line, text, index, top, size, number, gutter, wrap, needle, isMarked, isHit, onMark }: RowProps) {
  return (
    <div
      data-index={index}
      data-offset={line.offset}
      data-height={size}
      className={`absolute top-0 left-0 flex min-w-full pr-4 ${wrap ? "w-full" : ""} ${isMarked || isHit ? "bg-accent-soft" : "hover:bg-hover"}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <button
        type="button"
        tabIndex={-1}
        title={isMarked ? "Take this line out of the address" : "Link to this line"}
        aria-label={`Link to line ${number || `at byte ${line.offset}`}`}
        onClick={() => onMark(isMarked ? undefined : line.offset)}
        className="shrink-0 pr-4 text-right text-ink-faint select-none hover:text-accent"
        style={{ width: gutter }}
      >
        {line.goesOn ? "" : number || "·"}
      </button>
      <LineText line={line} text={text} wrap={wrap} needle={needle} />
    </div>
  );
});

/** Numbers of lines, where the beginning of the log is known; pieces of a long line have none. */
function lineNumbers({ lines, firstNumber }: LogBuffer): { digits: number; of: (index: number) => string } {
  if (firstNumber === null) return { digits: 1, of: () => "" };
  const hasPieces = lines.some((line) => line.goesOn);
  if (!hasPieces) {
    return { digits: String(firstNumber + lines.length).length, of: (index) => String(firstNumber + index) };
  }
  let number = firstNumber - 1;
  const all = Float64Array.from(lines, (line) => (line.goesOn ? 0 : ++number));
  return { digits: String(number).length, of: (index) => String(all[index] || "") };
}

function quiet(log: LogState): string {
  if (log.error) return explain(log.error).detail;
  return log.status === "complete" ? "It ended without writing anything." : "Nothing written yet. Output appears here as it comes.";
}
