/// What is read and changed about jobs beyond the plain list: why they wait, what they left, what they took, and the
/// platform at a glance.
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type { Schemas } from "@/spec/schema";

import { api, ok } from "./client";
import type { JobSpec, UsageHours } from "./types";

/** Filters of the list as the API names them. */
export interface JobFilter {
  state?: string;
  queue?: string;
  owner?: string;
  team?: string;
  node?: string;
  reason?: string;
  label?: string;
  text?: string;
  array?: string;
  sort?: "newest" | "oldest";
}

/** Rows of one page of the list: what a scroll of a screen or two needs. */
export const PAGE_ROWS = 100;
/** What nobody looks at any more is dropped this soon: the list may be 100,000 rows long. */
const KEPT_MILLIS = 15_000;
/** What changes slowly is read slowly; events ring before that. */
const SLOW_MILLIS = 60_000;

/** A filter for what has no order. */
export function unordered(filter: JobFilter): Omit<JobFilter, "sort"> {
  const rest = { ...filter };
  delete rest.sort;
  return rest;
}

export const jobQueries = {
  page: (filter: JobFilter, cursor: string) =>
    queryOptions({
      queryKey: ["jobs", filter, cursor],
      queryFn: ({ signal }) =>
        ok(
          api.GET("/api/v1/jobs", {
            params: { query: { ...filter, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
            signal,
          }),
        ),
      gcTime: KEPT_MILLIS,
    }),
  recent: (filter: JobFilter, limit: number) =>
    queryOptions({
      queryKey: ["jobs", filter, { limit }],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs", { params: { query: { ...filter, limit } }, signal })),
    }),
  counts: (filter: JobFilter) =>
    queryOptions({
      queryKey: ["job-counts", unordered(filter)],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/counts", { params: { query: unordered(filter) }, signal })),
      placeholderData: keepPreviousData,
    }),
  groups: (by: string, filter: JobFilter) =>
    queryOptions({
      queryKey: ["job-counts", "groups", by, unordered(filter)],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/groups", { params: { query: { by, ...unordered(filter) } }, signal })),
      placeholderData: keepPreviousData,
    }),
  usage: (hours: UsageHours) =>
    queryOptions({
      queryKey: ["usage", hours],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/usage", { params: { query: { hours } }, signal })),
      refetchInterval: SLOW_MILLIS,
      placeholderData: keepPreviousData,
    }),
  explain: (id: string) =>
    queryOptions({
      queryKey: ["job", id, "explain"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/explain", { params: { path: { id } }, signal })),
    }),
  receipt: (id: string, over: boolean) =>
    queryOptions({
      queryKey: ["job", id, "receipt"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/receipt", { params: { path: { id } }, signal })),
      refetchInterval: over ? false : 5_000,
    }),
  outputs: (id: string, of: { epoch?: number | undefined; rank?: number | undefined }) =>
    queryOptions({
      queryKey: ["job", id, "outputs", of],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/outputs", { params: { path: { id }, query: of }, signal })),
    }),
  /** Where a log first speaks of an error. */
  firstError: (id: string, epoch: number, rank: number) =>
    queryOptions({
      queryKey: ["log-first-error", id, epoch, rank],
      queryFn: ({ signal }) => findFirstError(id, epoch, rank, signal),
      staleTime: Infinity,
      refetchInterval: false,
    }),
  plan: (spec: JobSpec | null) =>
    queryOptions({
      queryKey: ["plan", spec],
      queryFn: ({ signal }) => ok(api.POST("/api/v1/jobs/plan", { body: spec as JobSpec, signal })),
      enabled: spec !== null,
      placeholderData: keepPreviousData,
      // What the clusters can take changes while one writes.
      refetchInterval: 10_000,
      retry: false,
      gcTime: KEPT_MILLIS,
    }),
  specSchema: () =>
    queryOptions({
      queryKey: ["spec-schema"],
      queryFn: async ({ signal }) => {
        const response = await fetch("/api/v1/openapi.json", { signal });
        const document: unknown = await response.json();
        return document as { components: { schemas: Schemas } };
      },
      staleTime: Infinity,
      refetchInterval: false,
    }),
};

const ERROR_WORDS = String.raw`(?i)\b(error|exception|traceback|fatal|panic(ked)?|segmentation fault|killed|out of memory|not found|denied|fail(ed|ure)?)\b`;
/**
 * Parts of a log that are searched for its first error; one part is some megabytes. Whoever opens a longer one gets to
 * see its end at once.
 */
const MAX_SEARCHED_PARTS = 2;

async function findFirstError(id: string, epoch: number, rank: number, signal: AbortSignal): Promise<number | null> {
  let offset = 0;
  for (let part = 0; part < MAX_SEARCHED_PARTS; part += 1) {
    const query = { search: ERROR_WORDS, regex: true, epoch, rank, offset, limit: 1 };
    const found = await ok(api.GET("/api/v1/jobs/{id}/logs/search", { params: { path: { id }, query }, signal }));
    const [first] = found.items;
    if (first) return first.offset;
    if (found.reached_end || found.next_offset <= offset) return null;
    offset = found.next_offset;
  }
  return null;
}

function useJobChange<Input, Output>(work: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    onSettled: () =>
      Promise.all(["job", "jobs", "job-counts", "queues"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

const byId = (id: string) => ({ params: { path: { id } } });

export const cancelJob = (id: string) => ok(api.POST("/api/v1/jobs/{id}/cancel", byId(id)));
export const reprioritiseJob = (id: string, priority: number) =>
  ok(api.POST("/api/v1/jobs/{id}/reprioritise", { ...byId(id), body: { priority } }));
export const rerunJob = (id: string, key: string) =>
  ok(api.POST("/api/v1/jobs/{id}/rerun", { params: { path: { id }, header: { "idempotency-key": key } } }));

export const useHoldJob = () =>
  useJobChange(({ id, message }: { id: string; message: string }) =>
    ok(api.POST("/api/v1/jobs/{id}/hold", { ...byId(id), body: { message } })),
  );

export const useExtendJob = () =>
  useJobChange(({ id, maxRuntime }: { id: string; maxRuntime: string }) =>
    ok(api.POST("/api/v1/jobs/{id}/extend", { ...byId(id), body: { max_runtime: maxRuntime } })),
  );

export const useReprioritiseJob = () =>
  useJobChange(({ id, priority }: { id: string; priority: number }) => reprioritiseJob(id, priority));

export const useRerunJob = () => useJobChange(({ id, key }: { id: string; key: string }) => rerunJob(id, key));

/** How many requests of a change to many jobs are under way at once. */
const SIDE_BY_SIDE = 6;

export interface ManyResult {
  done: number;
  /** What was refused, by the words of the refusal. */
  refused: Map<string, number>;
}

/** Does one thing to many jobs, a few at a time; what is refused stops nothing. */
export async function forEachJob(
  ids: readonly string[],
  work: (id: string) => Promise<unknown>,
  progress: (done: number) => void,
): Promise<ManyResult> {
  const result: ManyResult = { done: 0, refused: new Map() };
  let next = 0;
  async function worker() {
    for (let at = next++; at < ids.length; at = next++) {
      try {
        await work(ids[at] ?? "");
        result.done += 1;
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        result.refused.set(words, (result.refused.get(words) ?? 0) + 1);
      }
      progress(at + 1);
    }
  }
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, ids.length) }, worker));
  return result;
}

export const useManyJobs = () =>
  useJobChange(
    ({ ids, work, progress }: { ids: readonly string[]; work: (id: string) => Promise<unknown>; progress: (done: number) => void }) =>
      forEachJob(ids, work, progress),
  );
