/// Looking for a text in a log: in what the page holds where that is all of it, else on the server, part by part.
import { useEffect, useMemo, useState } from "react";

import { api, ok } from "@/api/client";

import { search } from "./buffer";
import type { LogSource, LogState } from "./stream";

export interface Matches {
  /** Offsets of the lines that match, in the order of the log. */
  offsets: readonly number[];
  /** Whether all of the log was looked through. */
  whole: boolean;
  busy: boolean;
}

const NONE: Matches = { offsets: [], whole: true, busy: false };
/** More matches than this help nobody. */
const MAX_MATCHES = 1_000;
/** The server covers some megabytes with each call. */
const MAX_CALLS = 400;
const TYPING_MILLIS = 250;
const MAX_NEEDLE_BYTES = 512;

export function useMatches(source: LogSource, log: LogState, needle: string): Matches {
  const { buffer, status } = log;
  const isWhole = buffer.start === 0 && status !== "elsewhere";
  const local = useMemo<Matches>(
    () => (isWhole && needle ? { offsets: search(buffer.lines, needle), whole: true, busy: false } : NONE),
    // oxlint-disable-next-line react/exhaustive-deps -- the buffer is one object; its version tells when it changed
    [isWhole, buffer, buffer.version, needle],
  );
  const [remote, setRemote] = useState<Matches>(NONE);
  const { jobId, epoch, rank } = source;

  useEffect(() => {
    setRemote(NONE);
    if (isWhole || !needle || new TextEncoder().encode(needle).length > MAX_NEEDLE_BYTES) return;
    const stop = new AbortController();
    const timer = window.setTimeout(() => {
      searchAll({ jobId, epoch, rank }, needle, stop.signal, setRemote).catch(() => setRemote((found) => ({ ...found, busy: false })));
    }, TYPING_MILLIS);
    return () => {
      window.clearTimeout(timer);
      stop.abort();
    };
  }, [isWhole, needle, jobId, epoch, rank]);

  return isWhole ? local : remote;
}

async function searchAll({ jobId, epoch, rank }: LogSource, needle: string, signal: AbortSignal, tell: (found: Matches) => void) {
  const offsets: number[] = [];
  let offset = 0;
  tell({ offsets, whole: false, busy: true });
  const escaped = needle.replaceAll(/[\\^$.*+?()[\]{}|/&~#-]/g, String.raw`\$&`);
  for (let call = 0; call < MAX_CALLS && offsets.length < MAX_MATCHES; call += 1) {
    const query = { search: `(?i)${escaped}`, regex: true, epoch, rank, offset, limit: MAX_MATCHES - offsets.length };
    const found = await ok(api.GET("/api/v1/jobs/{id}/logs/search", { params: { path: { id: jobId }, query }, signal }));
    if (signal.aborted) return;
    offsets.push(...found.items.map((match) => match.offset));
    if (found.reached_end || found.next_offset <= offset) {
      tell({ offsets: [...offsets], whole: true, busy: false });
      return;
    }
    offset = found.next_offset;
    tell({ offsets: [...offsets], whole: false, busy: true });
  }
  tell({ offsets: [...offsets], whole: false, busy: false });
}
