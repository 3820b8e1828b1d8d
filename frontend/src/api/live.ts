/// Keeps what is on the screen true: one event stream for the whole page. An event rings the bell; what
/// it may have altered is read again, at most twice a second however many events there are.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { applyJobEvent, refreshAfterJobs } from "./queries";
import { follow, type ServerEvent, type StreamStatus } from "./sse";
import type { JobEvent } from "./types";

const GATHER_MILLIS = 500;
/** More jobs than this at once: everything about jobs is read again instead of job by job. */
const MAX_GATHERED_JOBS = 50;

let status: StreamStatus = "connecting";
const listeners = new Set<() => void>();

function setStatus(next: StreamStatus) {
  status = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether what is shown is fed by the server at this moment. */
export function useLiveStatus(): StreamStatus {
  return useSyncExternalStore(subscribe, () => status);
}

/** Follows the server's events until the returned function is called. */
export function startLive(client: QueryClient): () => void {
  const stop = new AbortController();
  const jobs = new Set<string>();
  let nodesChanged = false;
  let queuesChanged = false;
  let timer: number | undefined;

  function flush() {
    timer = undefined;
    if (jobs.size > MAX_GATHERED_JOBS) void client.invalidateQueries({ queryKey: ["job"] });
    if (jobs.size > 0) refreshAfterJobs(client, jobs.size > MAX_GATHERED_JOBS ? [] : jobs);
    if (nodesChanged) {
      void client.invalidateQueries({ queryKey: ["nodes"] });
      void client.invalidateQueries({ queryKey: ["clusters"] });
    }
    if (queuesChanged) void client.invalidateQueries({ queryKey: ["queues"] });
    jobs.clear();
    nodesChanged = false;
    queuesChanged = false;
  }

  function onEvent(event: ServerEvent) {
    if (event.name === "job") {
      const change = JSON.parse(event.data) as JobEvent;
      applyJobEvent(client, change);
      jobs.add(change.job_id);
    } else if (event.name === "node") nodesChanged = true;
    else if (event.name === "queue") queuesChanged = true;
    else return;
    timer ??= window.setTimeout(flush, GATHER_MILLIS);
  }

  let wasStale = false;
  void follow({
    url: () => "/api/v1/events",
    onEvent,
    onStatus: (next) => {
      // Events may have been missed while nobody listened.
      if (next === "live" && wasStale) void client.invalidateQueries();
      wasStale = next === "stale";
      setStatus(next);
    },
    onRefused: () => setStatus("stale"),
    signal: stop.signal,
  });

  return () => {
    stop.abort();
    window.clearTimeout(timer);
  };
}
