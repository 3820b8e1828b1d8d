/// Follows a job's log into a buffer, and downloads it whole.
import { useEffect, useState, useSyncExternalStore } from "react";

import { fetchAsUser } from "@/api/client";
import { refusal } from "@/api/errors";
import { follow, type StreamStatus } from "@/api/sse";
import type { LogChunk } from "@/api/types";

import { LogBuffer } from "./buffer";

export interface LogSource {
  jobId: string;
  epoch: number;
  rank: number;
}

export interface LogState {
  buffer: LogBuffer;
  status: StreamStatus | "complete" | "refused";
  error: Error | null;
  /** Where the first line begins in the log; 0 means that nothing was skipped. */
  firstOffset: number;
  bytes: number;
}

/** How much of a long log is read at first. */
const FIRST_LINES = 20_000;
const DOWNLOAD_PART_BYTES = 1 << 20;
/** Chunks may come faster than the screen can show them. */
const NOTIFY_MILLIS = 16;

interface LogStore {
  subscribe: (listener: () => void) => () => void;
  read: () => LogState;
  start: () => () => void;
}

function logStore({ jobId, epoch, rank }: LogSource): LogStore {
  const listeners = new Set<() => void>();
  let state: LogState = { buffer: new LogBuffer(), status: "connecting", error: null, firstOffset: 0, bytes: 0 };
  let next: number | null = null;
  let frame: number | undefined;

  function notify() {
    frame = undefined;
    for (const listener of listeners) listener();
  }
  function change(part: Partial<LogState>) {
    state = { ...state, ...part };
    frame ??= window.setTimeout(notify, NOTIFY_MILLIS);
  }

  function onChunk(chunk: LogChunk) {
    let data = Uint8Array.from(atob(chunk.data), (char) => char.charCodeAt(0));
    if (next === null) {
      next = chunk.offset;
      change({ firstOffset: chunk.offset });
    }
    // After a reconnect, bytes that are here already are not shown again.
    if (chunk.offset < next) data = data.subarray(next - chunk.offset);
    if (data.length === 0) return;
    next = Math.max(next, chunk.offset) + data.length;
    state.buffer.append(data);
    change({ bytes: next });
  }

  function start() {
    const stop = new AbortController();
    void follow({
      url: () => {
        const from = next === null ? `tail=${FIRST_LINES}` : `offset=${next}`;
        return `/api/v1/jobs/${jobId}/logs/stream?epoch=${epoch}&rank=${rank}&${from}`;
      },
      onEvent: (event) => {
        if (event.name === "log") onChunk(JSON.parse(event.data) as LogChunk);
        if (event.name !== "end") return false;
        change({ status: "complete" });
        return true;
      },
      onStatus: (status) => change({ status }),
      onRefused: (error) => change({ status: "refused", error }),
      signal: stop.signal,
    });
    return () => {
      stop.abort();
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
  };
}

/** The log of one task of one attempt, live. Mount it with a key: another source is another component. */
export function useLog(source: LogSource): LogState {
  const [store] = useState(() => logStore(source));
  useEffect(() => store.start(), [store]);
  return useSyncExternalStore(store.subscribe, store.read);
}

/** Reads the whole log, part by part, and hands it to the browser as a file. */
export async function downloadLog({ jobId, epoch, rank }: LogSource, fileName: string): Promise<void> {
  const parts: Blob[] = [];
  let offset = 0;
  for (;;) {
    const query = `epoch=${epoch}&rank=${rank}&offset=${offset}&limit=${DOWNLOAD_PART_BYTES}`;
    const response = await fetchAsUser(new Request(new URL(`/api/v1/jobs/${jobId}/logs?${query}`, location.origin)));
    if (!response.ok) throw refusal(response, await response.json().catch(() => null));
    parts.push(await response.blob());
    const next = Number(response.headers.get("lilac-log-next-offset"));
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
