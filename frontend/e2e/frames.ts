/// How long the page keeps its frames waiting. On a machine that has other things to do a frame takes as long as that
/// lets it; what the page itself does in it is told by the clock of its main thread, which stands still meanwhile.
import { type CDPSession, expect, type Page } from "@playwright/test";

/** Frames that took long, by the clock on the wall and by that of the main thread, in milliseconds. */
export interface Frames {
  wall: number;
  own: number;
}

interface Entry {
  start: number;
  duration: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  tid: number;
  pid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args: { data?: { startTime?: number } };
}

const CATEGORIES = ["blink.user_timing", "toplevel", "disabled-by-default-devtools.timeline"];
const MARK = "frames-begin";

/** The longest frames of the page while something is done; 0 where none took over 50 ms on the wall. */
export async function longestFrame(page: Page, session: CDPSession, work: () => Promise<void>): Promise<Frames> {
  const stop = await record(session);
  await page.evaluate((mark) => {
    const state = window as unknown as { seen: Entry[]; frames: PerformanceObserver };
    const take = (entries: PerformanceEntryList) => void state.seen.push(...entries.map(({ startTime: start, duration }) => ({ start, duration })));
    state.seen = [];
    state.frames = new PerformanceObserver((list) => take(list.getEntries()));
    state.frames.observe({ type: "long-animation-frame" });
    performance.mark(mark);
  }, MARK);
  await work();
  const long = await page.evaluate(() => {
    const state = window as unknown as { seen: Entry[]; frames: PerformanceObserver };
    const rest = state.frames.takeRecords().map(({ startTime: start, duration }) => ({ start, duration }));
    state.frames.disconnect();
    return [...state.seen, ...rest];
  });
  const events = await stop();
  const mark = events.find(({ name }) => name === MARK);
  expect(mark?.args.data?.startTime, "the trace tells when it began").toBeDefined();
  const zero = (mark?.ts ?? 0) - (mark?.args.data?.startTime ?? 0) * 1_000;
  const tasks = events.filter((event) => event.name === "RunTask" && event.pid === mark?.pid && event.tid === mark.tid);
  expect(tasks.length, "the trace tells what the main thread did").toBeGreaterThan(100);
  const own = ({ start, duration }: Entry) => {
    const from = zero + start * 1_000;
    const within = tasks.filter(({ ts, dur = 0 }) => ts + dur > from && ts < from + duration * 1_000);
    return within.reduce((sum, { tdur = 0 }) => sum + tdur / 1_000, 0);
  };
  const most = (numbers: number[]) => Math.round(Math.max(0, ...numbers));
  return { wall: most(long.map(({ duration }) => duration)), own: most(long.map(own)) };
}

/** Records what the browser does until the returned function is called, which gives it. */
async function record(session: CDPSession): Promise<() => Promise<TraceEvent[]>> {
  const events: TraceEvent[] = [];
  const take = ({ value }: { value: object[] }) => void events.push(...(value as TraceEvent[]));
  session.on("Tracing.dataCollected", take);
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: CATEGORIES } });
  return async () => {
    const over = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await over;
    session.off("Tracing.dataCollected", take);
    return events;
  };
}
