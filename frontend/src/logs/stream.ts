/// A job's log on its way into a buffer: followed at its end, or read around a place of it. A log may be a gigabyte
/// long; the page holds one stretch of it, and reads on at either end as somebody scrolls there.
import { useEffect, useState, useSyncExternalStore } from "react";

import { fetchAsUser } from "@/api/client";
import { refusal } from "@/api/errors";
import { follow, type StreamStatus } from "@/api/sse";
import type { LogChunk } from "@/api/types";

import { afterLines, indexAt, LogBuffer, MAX_LINES } from "./buffer";

export interface LogSource {
  jobId: string;
  epoch: number;
  rank: number;
}

export interface LogState {
  buffer: LogBuffer;
  /** `elsewhere`: what is held lies before the end. */
  status: StreamStatus | "complete" | "refused" | "elsewhere";
  error: Error | null;
  /** The size of the log, as far as it is known. */
  bytes: number;
  reading: boolean;
}

/** How much of a long log is read at first. */
const FIRST_LINES = 5_000;
/** A part is taken in and laid out between two frames: a larger one would be felt. */
const PART_BYTES = 32 << 10;
/** So much is read around a place, and of that so much lies before it. */
const AROUND_BYTES = 128 << 10;
const BEFORE_BYTES = 48 << 10;
const DOWNLOAD_PART_BYTES = 1 << 20;
/** Chunks may come faster than the screen can show them. */
const NOTIFY_MILLIS = 50;
const NEWLINE = 10;

export interface LogStore {
  subscribe: (listener: () => void) => () => void;
  read: () => LogState;
  start: () => () => void;
  /** Reads what lies before what is held. */
  readBefore: () => void;
  /** Reads what lies after it, and follows the log again where that is its end. */
  readAfter: () => void;
  /** Shows another place; resolves when its line is there. */
  jump: (offset: number) => Promise<void>;
  /** Shows the end, and follows it. */
  toEnd: () => void;
}

/** Bytes of a log from an offset on, and where the next ones begin. */
async function readPart({ jobId, epoch, rank }: LogSource, offset: number, limit: number, signal?: AbortSignal) {
  const query = `epoch=${epoch}&rank=${rank}&offset=${offset}&limit=${limit}`;
  const address = new URL(`/api/v1/jobs/${jobId}/logs?${query}`, location.origin);
  const response = await fetchAsUser(new Request(address, signal ? { signal } : {}));
  if (!response.ok) throw refusal(response, await response.json().catch(() => null));
  const next = Number(response.headers.get("lilac-log-next-offset"));
  return { data: new Uint8Array(await response.arrayBuffer()), next: Number.isFinite(next) ? next : offset };
}

function decoded(base64: string): Uint8Array {
  const binary = atob(base64);
  const data = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) data[at] = binary.charCodeAt(at);
  return data;
}

function logStore(source: LogSource, from: number | undefined): LogStore {
  const { jobId, epoch, rank } = source;
  const listeners = new Set<() => void>();
  let state: LogState = { buffer: new LogBuffer(), status: "connecting", error: null, bytes: 0, reading: false };
  let frame: number | undefined;
  let following = new AbortController();
  let isStarted = false;
  /** Nothing is known of where the followed part begins before its first chunk. */
  let next: number | null = null;

  function notify() {
    frame = undefined;
    for (const listener of listeners) listener();
  }
  function change(part: Partial<LogState>) {
    state = { ...state, ...part };
    frame ??= window.setTimeout(notify, NOTIFY_MILLIS);
  }
  /** For what must be on the screen with the next paint. */
  function changeNow(part: Partial<LogState>) {
    window.clearTimeout(frame);
    state = { ...state, ...part };
    notify();
  }

  function onChunk(chunk: LogChunk) {
    let data = decoded(chunk.data);
    if (next === null) {
      next = chunk.offset;
      state.buffer.reset(chunk.offset);
    }
    // After a reconnect, bytes that are here already are not shown again.
    if (chunk.offset < next) data = data.subarray(next - chunk.offset);
    if (data.length === 0) return;
    next = Math.max(next, chunk.offset) + data.length;
    state.buffer.append(data);
    change({ bytes: Math.max(state.bytes, next) });
  }

  function followOn() {
    following.abort();
    following = new AbortController();
    const { signal } = following;
    void follow({
      url: () => {
        const place = next === null ? `tail=${FIRST_LINES}` : `offset=${next}`;
        return `/api/v1/jobs/${jobId}/logs/stream?epoch=${epoch}&rank=${rank}&${place}`;
      },
      onEvent: (event) => {
        if (signal.aborted) return true;
        if (event.name === "log") onChunk(JSON.parse(event.data) as LogChunk);
        if (event.name !== "end") return false;
        change({ status: "complete" });
        return true;
      },
      onStatus: (status) => !signal.aborted && change({ status }),
      onRefused: (error) => !signal.aborted && change({ status: "refused", error }),
      signal,
    });
  }

  function toEnd() {
    next = null;
    state.buffer.reset(0);
    change({ status: "connecting" });
    followOn();
  }

  /** One reading at a time: a second one would not know what the first brings. */
  async function alone(work: () => Promise<void>) {
    if (state.reading) return;
    change({ reading: true });
    try {
      await work();
    } catch (error) {
      change({ error: error instanceof Error ? error : new Error(String(error)) });
    } finally {
      change({ reading: false });
    }
  }

  const readBefore = () =>
    alone(async () => {
      const { buffer } = state;
      const before = buffer.start;
      if (before === 0) return;
      let at = Math.max(0, before - PART_BYTES);
      let { data } = await readPart(source, at, before - at);
      if (at > 0 && !data.includes(NEWLINE)) {
        // A line that is longer than the part: the larger the part, the fewer its seams.
        at = Math.max(0, before - AROUND_BYTES);
        ({ data } = await readPart(source, at, before - at));
      }
      // It begins in the middle of a line, unless the line is longer than all of it.
      if (at > 0) data = data.subarray(data.indexOf(NEWLINE) + 1);
      if (buffer.start !== before || data.length === 0) return;
      buffer.prepend(data);
      if (!buffer.trimBack()) return changeNow({});
      following.abort();
      changeNow({ status: "elsewhere" });
    });

  const readAfter = () =>
    alone(async () => {
      if (state.status !== "elsewhere") return;
      const { buffer } = state;
      const { end } = buffer;
      const { data } = await readPart(source, end, PART_BYTES);
      if (buffer.end !== end) return;
      if (data.length > 0) buffer.append(data);
      next = buffer.end;
      if (data.length < PART_BYTES) {
        change({ bytes: Math.max(state.bytes, next), status: "connecting" });
        followOn();
      } else change({ bytes: Math.max(state.bytes, next) });
    });

  async function jump(offset: number) {
    if (indexAt(state.buffer, offset) >= 0) return;
    following.abort();
    const at = Math.max(0, offset - BEFORE_BYTES);
    const part = await readPart(source, at, AROUND_BYTES);
    // Of very short lines it may be more than is held, and what does not fit is cut off before the place.
    const data = part.data.subarray(0, afterLines(part.data, offset - at, MAX_LINES / 2));
    const after = at + data.length;
    const skipped = at > 0 ? data.subarray(0, Math.max(0, offset - at)).indexOf(NEWLINE) + 1 : 0;
    state.buffer.reset(at + skipped);
    state.buffer.append(data.subarray(skipped));
    next = after;
    changeNow({ status: "elsewhere", bytes: Math.max(state.bytes, after), error: null });
    if (data.length === part.data.length && data.length < AROUND_BYTES) followOn();
  }

  function start() {
    if (isStarted && state.status === "elsewhere") return () => {};
    isStarted = true;
    if (from === undefined || next !== null) followOn();
    else jump(from).catch((error: unknown) => change({ status: "refused", error: error as Error }));
    return () => {
      following.abort();
      window.clearTimeout(frame);
      frame = undefined;
    };
  }

  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    read: () => state,
    start,
    readBefore: () => void readBefore(),
    readAfter: () => void readAfter(),
    jump,
    toEnd,
  };
}

/**
 * The log of one task of one attempt, live from its end or at a place of it. Mount it with a key: another source is
 * another component.
 */
export function useLog(source: LogSource, from: number | undefined): [LogState, LogStore] {
  const [store] = useState(() => logStore(source, from));
  useEffect(() => store.start(), [store]);
  return [useSyncExternalStore(store.subscribe, store.read), store];
}

/** Reads the whole log, part by part, and hands it to the browser as a file. */
export async function downloadLog(source: LogSource, fileName: string): Promise<void> {
  const parts: Blob[] = [];
  let offset = 0;
  for (;;) {
    const { data, next } = await readPart(source, offset, DOWNLOAD_PART_BYTES);
    parts.push(new Blob([data]));
    // A live log is saved as far as it reaches now.
    if (!(next > offset)) break;
    offset = next;
  }
  const url = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
