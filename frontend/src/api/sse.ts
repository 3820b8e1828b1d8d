/// Server-sent events by `fetch`, because `EventSource` cannot send an `Authorization` header.
/// Reconnects for as long as it is wanted: with growing pauses, and from where it left off.
import { fetchAsUser } from "./client";
import { refusal } from "./errors";

export interface ServerEvent {
  name: string;
  data: string;
  id: string;
}

export type StreamStatus = "connecting" | "live" | "stale";

export interface StreamOptions {
  /** Asked anew before each connection, so that a log can go on at its offset. */
  url: () => string;
  /** Returns true when the stream is complete and must not be opened again. */
  onEvent: (event: ServerEvent) => boolean | void;
  onStatus: (status: StreamStatus) => void;
  /** The server refused for good: trying again would not help. */
  onRefused: (error: Error) => void;
  signal: AbortSignal;
}

/** The longest line that is kept: a full log chunk in base64, and then some. */
const MAX_LINE_CHARS = 4 << 20;
/** The server writes a comment more often than this when it has nothing to say. */
const SILENCE_MILLIS = 45_000;
const FIRST_PAUSE_MILLIS = 500;
const LONGEST_PAUSE_MILLIS = 15_000;

/** Splits a stream of text into events, as the HTML standard writes them. */
export function eventParser(onEvent: (event: ServerEvent) => void): (text: string) => void {
  let pending = "";
  let name = "";
  let data: string[] = [];
  let id = "";

  function line(text: string) {
    if (text === "") {
      if (data.length > 0) onEvent({ name: name || "message", data: data.join("\n"), id });
      name = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }

  return (text) => {
    pending += text;
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? "";
    for (const complete of lines) line(complete);
    if (pending.length > MAX_LINE_CHARS) throw new Error("the server sent an event that is too long");
  };
}

/** Reads events until the signal fires, the stream is complete, or the server refuses. */
export async function follow(options: StreamOptions): Promise<void> {
  const { signal, onStatus } = options;
  let lastId = "";
  let failures = 0;
  onStatus("connecting");
  while (!signal.aborted) {
    const outcome = await once(options, lastId, (id) => {
      lastId = id;
      failures = 0;
    });
    if (outcome === "over" || signal.aborted) return;
    onStatus("stale");
    await pause(failures, signal);
    failures += 1;
  }
}

async function once(
  { url, onEvent, onStatus, onRefused, signal }: StreamOptions,
  lastId: string,
  progress: (id: string) => void,
): Promise<"over" | "broken"> {
  // One connection's own end, so that silence can cut it without ending the whole.
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal.addEventListener("abort", abort);
  let watchdog = window.setTimeout(abort, SILENCE_MILLIS);
  try {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (lastId) headers["last-event-id"] = lastId;
    const response = await fetchAsUser(
      new Request(new URL(url(), location.origin), { headers, signal: connection.signal }),
    );
    if (!response.ok || !response.body) {
      if (response.status >= 500 || response.status === 429) return "broken";
      onRefused(refusal(response, await response.json().catch(() => null)));
      return "over";
    }
    onStatus("live");
    let over = false;
    const parse = eventParser((event) => {
      progress(event.id);
      if (onEvent(event) === true) over = true;
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return over ? "over" : "broken";
      window.clearTimeout(watchdog);
      watchdog = window.setTimeout(abort, SILENCE_MILLIS);
      parse(value);
      if (over) return "over";
    }
  } catch {
    // Whatever broke the connection, the answer is the same: open it again.
    return "broken";
  } finally {
    window.clearTimeout(watchdog);
    signal.removeEventListener("abort", abort);
    connection.abort();
  }
}

/** Waits before the next try: longer each time, and by chance, so that a thousand pages do not return at once. */
function pause(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(FIRST_PAUSE_MILLIS * 2 ** failures, LONGEST_PAUSE_MILLIS);
  const millis = longest * (0.5 + Math.random() / 2);
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, millis);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
