/// Lines over time: the latest and the highest value stand beside them in words, so that they can be read without
/// being seen. Pointing at a chart tells the values of a moment, in every chart of the same page.
import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { exact } from "@/lib/format";
import { useTheme } from "@/lib/theme";

export interface ChartPoint {
  at: string;
  value: number;
}

export interface ChartLine {
  name: string;
  points: ChartPoint[];
}

const HEIGHT = 150;
/** Around a single measurement: a time axis needs an extent. */
const ALONE_SECS = 60;
/** Lines of one chart differ in more than colour. */
const STROKES = [
  { colour: "--accent-solid", className: "stroke-accent-solid", dash: undefined },
  { colour: "--info", className: "stroke-info", dash: [5, 4] },
  { colour: "--good", className: "stroke-good", dash: [2, 3] },
] as const;

type Amount = "count" | "milli" | "bytes";

/** The extent of an axis of values when all of them are 0. */
const LEAST: Record<Amount, number> = { count: 1, milli: 1000, bytes: 1024 };
const DOUBLED = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** How far marks may stand apart. What is counted comes in whole ones only: half a job is marked nowhere. */
const STEPS: Record<Amount, number[]> = {
  count: Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat(),
  milli: [1, 2, 5, 10, 20, 50, 100, 250, 500, ...DOUBLED.map((step) => step * 1000)],
  bytes: DOUBLED,
};

interface ChartProps {
  title: string;
  lines: ChartLine[];
  text: (value: number) => string;
  /** Drawn where it lies within reach. */
  limit?: number | undefined;
  /** What is drawn: it tells where marks may stand, and how far the axis reaches where nothing is used. */
  of?: Amount;
  /** Without a frame of its own, for charts inside of a card. */
  bare?: boolean;
}

/** The lines of a chart share their axes, which begin at 0. */
export function Chart({ title, lines, text, limit: most, of = "count", bare = false }: ChartProps) {
  // While no node is up there is nothing to have, and so no limit to draw.
  const limit = most || undefined;
  const data = useMemo(() => columns(lines), [lines]);
  const [pointed, setPointed] = useState<number | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const names = lines.map((line) => line.name).join("\n");
  const highest = highestOf(lines);
  const isEmpty = data[0].length === 0;
  const tell = useEffectEvent((value: number) => text(value));

  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (!element || isEmpty) return;
    const made = new uPlot(options(element, names.split("\n"), { limit, of }, tell, setPointed), [[]], element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const themed = new MutationObserver(() => made.redraw(false, true));
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      made.destroy();
      plot.current = null;
    };
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- another theme is drawn anew
  }, [names, limit, of, isEmpty, theme]);
  // oxlint-disable-next-line react/exhaustive-effect-dependencies -- what was made anew has no data yet
  useEffect(() => plot.current?.setData(data), [data, names, limit, of, theme, isEmpty]);

  if (isEmpty) return null;
  const shown = lines.map((line) => ({ name: line.name, value: valueAt(line.points, pointed === null ? undefined : data[0][pointed]) }));
  const moment = pointed === null ? undefined : data[0][pointed];
  const words = shown.map((line) => `${line.name} now ${text(line.value)}`).join(", ");
  return (
    <figure className={bare ? "" : "rounded-xl border bg-panel p-4 shadow-card"}>
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
        <span className="text-sm font-medium">{title}</span>
        <span className="text-xs text-ink-faint tabular-nums">
          {moment === undefined ? `highest ${text(highest)}` : exact(new Date(moment * 1000).toISOString())}
        </span>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${words}; highest ${text(highest)}`} className="-ml-1" style={{ height: HEIGHT }} />
      <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-soft tabular-nums">
        {shown.map((line, index) => {
          const stroke = STROKES[index % STROKES.length];
          return (
            <li key={line.name} className="flex items-center gap-1.5">
              <svg aria-hidden width={16} height={4}>
                <line x1={0} x2={16} y1={2} y2={2} className={stroke?.className} strokeDasharray={stroke?.dash?.join(" ")} strokeWidth={2} />
              </svg>
              {line.name} {text(line.value)}
            </li>
          );
        })}
        {limit !== undefined && limit <= highest * 3 && <li className="flex items-center gap-1.5 text-ink-faint">limit {text(limit)}</li>}
      </ul>
    </figure>
  );
}

type Columns = [number[], ...(number | null)[][]];

/** Times in seconds, and a column for each line: as uPlot wants them. */
export function columns(lines: ChartLine[]): Columns {
  const times = [...new Set(lines.flatMap((line) => line.points.map((point) => Date.parse(point.at) / 1000)))].toSorted((a, b) => a - b);
  const rows = lines.map((line) => {
    const values = new Map(line.points.map((point) => [Date.parse(point.at) / 1000, point.value]));
    return times.map((time) => values.get(time) ?? null);
  });
  return [times, ...rows];
}

function highestOf(lines: ChartLine[]): number {
  let highest = 0;
  for (const line of lines) for (const point of line.points) highest = Math.max(highest, point.value);
  return highest;
}

function valueAt(points: ChartPoint[], secs: number | undefined): number {
  if (secs === undefined) return points.at(-1)?.value ?? 0;
  let best = points[0];
  for (const point of points) {
    if (!best || Math.abs(Date.parse(point.at) / 1000 - secs) < Math.abs(Date.parse(best.at) / 1000 - secs)) best = point;
  }
  return best?.value ?? 0;
}

/** The extent of the time axis; a single measurement stands in the middle of its own. */
export function timeRange(from: number | null, to: number | null): [number, number] {
  if (from === null || to === null) return [0, 1];
  return from === to ? [from - ALONE_SECS, to + ALONE_SECS] : [from, to];
}

/** A limit that is far away would press the line flat. */
export function valueRange(highest: number, limit: number | undefined, least = 1): [number, number] {
  return [0, Math.max(limit !== undefined && limit < highest * 3 ? limit : 0, highest) * 1.08 || least];
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** Times as they are worth telling at this distance. */
function timeTexts(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  const seconds = step < 60;
  const days = step >= 86_400;
  const style: Intl.DateTimeFormatOptions = days ? { month: "short", day: "numeric" } : { ...CLOCK, ...(seconds && { second: "2-digit" }) };
  const format = new Intl.DateTimeFormat(undefined, style);
  return splits.map((split) => format.format(split * 1000));
}

function options(
  element: HTMLElement,
  names: string[],
  { limit, of }: { limit: number | undefined; of: Amount },
  text: (value: number) => string,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: () => colour("--ink-faint"),
    font: "11px Geist Variable, system-ui, sans-serif",
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    // A time stands in the middle under its mark: the last one needs half of its width beyond the line.
    padding: [6, 18, 0, 0],
    cursor: { y: false, sync: { key: "usage" }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      // Around a single measurement the library would lay three years.
      x: { time: true, range: ({ data }, from, to) => timeRange(from, data[0].length === 1 ? from : to) },
      y: { range: (_, __, highest) => valueRange(highest ?? 0, limit, LEAST[of]) },
    },
    axes: [
      { ...axis, values: timeTexts, space: 70, size: 24, grid: { show: false } },
      { ...axis, incrs: STEPS[of], values: (_, splits) => splits.map(text).map((words, at, all) => (words === all[at - 1] ? "" : words)), space: 34, size: 66, gap: 6 },
    ],
    series: [
      {},
      ...names.map((name, index): uPlot.Series => {
        const stroke = STROKES[index % STROKES.length];
        return {
          label: name,
          stroke: () => colour(stroke?.colour ?? "--ink"),
          width: 1.5,
          spanGaps: true,
          ...(stroke?.dash && { dash: [...stroke.dash] }),
          ...(index === 0 && { fill: () => `color-mix(in srgb, ${colour("--accent-solid")} 9%, transparent)` }),
          // A line of few measurements shows each of them.
          points: { show: (plot) => plot.data[0].length < 3, size: 6, fill: () => colour(stroke?.colour ?? "--ink") },
        };
      }),
    ],
    hooks: {
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
      draw: [(plot) => drawLimit(plot, limit)],
    },
  };
}

function drawLimit(plot: uPlot, limit: number | undefined) {
  const top = plot.scales.y?.max ?? 0;
  if (limit === undefined || limit > top) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit, "y", true);
  ctx.save();
  ctx.strokeStyle = colour("--ink-faint");
  ctx.setLineDash([3, 5]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
