/// Keeps what is on the screen true: one event stream for the whole page. An event rings the bell; what
/// it may have altered is read again, at most once or twice a second however many events there are.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { applyJobEvents, refreshAfterJobs } from "./queries";
import { follow, type ServerEvent, type StreamStatus } from "./sse";
import type { JobEvent } from "./types";

/** The first event after a pause is shown this soon: several that belong together come close together. */
const GATHER_MILLIS = 80;
/** Between two readings, however many events there are. */
const REST_MILLIS = 700;
/** While answers to the last reading are still on their way, the next one waits, but no longer than this. */
const LONGEST_REST_MILLIS = 5_000;
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
  let stopGathering = () => {};
  const bell = gatherer(client, (stopIt) => {
    stopGathering = stopIt;
  });
  let wasStale = false;
  void follow({
    url: () => "/api/v1/events",
    onEvent: bell,
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
    stopGathering();
  };
}

/**
 * Takes events, and some moments later writes what they say into what is shown and reads again what they may have
 * altered. A storm of events becomes a reading every now and then, and never a second one before the first is answered.
 */
export function gatherer(client: QueryClient, onStop: (stop: () => void) => void): (event: ServerEvent) => void {
  let jobs = new Map<string, JobEvent>();
  const touched = new Set<string>();
  let nodesChanged = false;
  let queuesChanged = false;
  let timer: number | undefined;
  let lastRead = 0;
  onStop(() => window.clearTimeout(timer));

  function flush() {
    timer = undefined;
    applyJobEvents(client, jobs);
    jobs = new Map();
    const rested = Date.now() - lastRead;
    if (rested < REST_MILLIS || (client.isFetching() > 0 && rested < LONGEST_REST_MILLIS)) {
      // What the events say is on the screen; what follows from them is read when it is its turn.
      timer = window.setTimeout(flush, Math.max(GATHER_MILLIS, REST_MILLIS - rested));
      return;
    }
    lastRead = Date.now();
    const many = touched.size > MAX_GATHERED_JOBS;
    if (many) void client.invalidateQueries({ queryKey: ["job"] });
    if (touched.size > 0) refreshAfterJobs(client, many ? [] : touched);
    touched.clear();
    if (nodesChanged) {
      for (const key of ["nodes", "node", "clusters"]) void client.invalidateQueries({ queryKey: [key] });
    }
    if (queuesChanged) for (const key of ["queues", "queue"]) void client.invalidateQueries({ queryKey: [key] });
    nodesChanged = false;
    queuesChanged = false;
  }

  return (event) => {
    if (event.name === "job") {
      const change = JSON.parse(event.data) as JobEvent;
      jobs.set(change.job_id, change);
      touched.add(change.job_id);
    } else if (event.name === "node") nodesChanged = true;
    else if (event.name === "queue") queuesChanged = true;
    else return;
    timer ??= window.setTimeout(flush, GATHER_MILLIS);
  };
}
