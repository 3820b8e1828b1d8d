/// A line over time, small and quiet: the latest and the highest value stand beside it in words, so that it can be
/// read without seeing it. Pointing at it tells the value of a moment.
import { type PointerEvent, useState } from "react";

import { exact } from "@/lib/format";

export interface ChartPoint {
  at: string;
  value: number;
}

export interface ChartLine {
  name: string;
  points: ChartPoint[];
}

const WIDTH = 300;
const HEIGHT = 80;
/** Lines of one chart differ in more than colour. */
const STROKES = [
  { className: "stroke-accent-solid", dash: undefined },
  { className: "stroke-info", dash: "4 3" },
];

/** The lines of a chart share their axes, which begin at 0. `limit` is drawn where it lies within reach. */
export function Chart({
  title,
  lines,
  text,
  limit,
}: {
  title: string;
  lines: ChartLine[];
  text: (value: number) => string;
  limit?: number | undefined;
}) {
  const [pointed, setPointed] = useState<number>();
  const frame = frameOf(lines, limit);
  if (!frame) return null;
  const follow = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    setPointed(frame.from + share * (frame.to - frame.from));
  };
  const shown = lines.map((line) => ({ ...line, point: nearest(line.points, pointed ?? frame.to) }));
  const moment = pointed === undefined ? undefined : shown[0]?.point?.at;
  return (
    <figure className="rounded-xl border bg-panel p-4 shadow-card">
      <figcaption className="mb-3 flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
        <span className="text-sm font-medium">{title}</span>
        <span className="text-xs text-ink-faint tabular-nums">{moment ? exact(moment) : `highest ${text(frame.highest)}`}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={`${title}: ${shown.map((line) => `${line.name} now ${text(line.point?.value ?? 0)}`).join(", ")}; highest ${text(frame.highest)}`}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="block h-24 w-full touch-pan-y overflow-visible"
        onPointerMove={follow}
        onPointerLeave={() => setPointed(undefined)}
      >
        <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} className="stroke-line-strong" vectorEffect="non-scaling-stroke" />
        {limit !== undefined && limit <= frame.top && (
          <line
            x1={0}
            x2={WIDTH}
            y1={frame.y(limit)}
            y2={frame.y(limit)}
            className="stroke-line-strong"
            strokeDasharray="2 4"
            vectorEffect="non-scaling-stroke"
          />
        )}
        {lines.map((line, index) => (
          <path
            key={line.name}
            d={path(line.points, frame)}
            fill="none"
            className={STROKES[index % STROKES.length]?.className}
            strokeDasharray={STROKES[index % STROKES.length]?.dash}
            strokeWidth={1.5}
            strokeLinejoin="round"
            vectorEffect="non-scaling-stroke"
          />
        ))}
        {moment && (
          <line
            x1={frame.x(moment)}
            x2={frame.x(moment)}
            y1={0}
            y2={HEIGHT}
            className="stroke-accent-line"
            vectorEffect="non-scaling-stroke"
          />
        )}
      </svg>
      <ul className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-soft tabular-nums">
        {shown.map((line, index) => (
          <li key={line.name} className="flex items-center gap-1.5">
            <svg aria-hidden width={16} height={4}>
              <line
                x1={0}
                x2={16}
                y1={2}
                y2={2}
                className={STROKES[index % STROKES.length]?.className}
                strokeDasharray={STROKES[index % STROKES.length]?.dash}
                strokeWidth={2}
              />
            </svg>
            {line.name} {text(line.point?.value ?? 0)}
          </li>
        ))}
      </ul>
    </figure>
  );
}

interface Frame {
  from: number;
  to: number;
  top: number;
  highest: number;
  x: (at: string) => number;
  y: (value: number) => number;
}

/** The axes; none where there is nothing to draw. */
export function frameOf(lines: ChartLine[], limit: number | undefined): Frame | undefined {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return undefined;
  const times = points.map((point) => Date.parse(point.at));
  const from = Math.min(...times);
  const to = Math.max(...times);
  const highest = Math.max(...points.map((point) => point.value));
  // A limit that is far away would press the line flat.
  const top = Math.max(limit !== undefined && limit < highest * 3 ? limit : 0, highest) * 1.05 || 1;
  return {
    from,
    to,
    top,
    highest,
    x: (at) => (to === from ? WIDTH : ((Date.parse(at) - from) / (to - from)) * WIDTH),
    y: (value) => HEIGHT - (value / top) * HEIGHT,
  };
}

function path(points: ChartPoint[], frame: Frame): string {
  const [only] = points;
  // A single point is a short dash: a line needs two.
  if (points.length === 1 && only) return `M${WIDTH - 6} ${frame.y(only.value)}H${WIDTH}`;
  return points.map((point, index) => `${index === 0 ? "M" : "L"}${frame.x(point.at).toFixed(2)} ${frame.y(point.value).toFixed(2)}`).join("");
}

function nearest(points: ChartPoint[], time: number): ChartPoint | undefined {
  let best: ChartPoint | undefined;
  for (const point of points) {
    if (!best || Math.abs(Date.parse(point.at) - time) < Math.abs(Date.parse(best.at) - time)) best = point;
  }
  return best;
}
