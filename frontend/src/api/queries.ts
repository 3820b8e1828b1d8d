/// All query plumbing: what is read, under which key, and what a change makes stale.
import { QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, ok } from "./client";
import { ApiError } from "./errors";
import { loginMethods } from "./session";
import type { CreateQueue, CreateUser, Job, JobEvent, JobSpec, UpdateUser } from "./types";

/** Events are fast but may be lost; this poll is slow and always right. */
const POLL_MILLIS = 20_000;
/** Nodes hand over what they measure about as often. */
const METRICS_MILLIS = 10_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchInterval: POLL_MILLIS,
      // A refusal stays a refusal; only silence and overload are worth another try.
      retry: (failures, error) => failures < 3 && !(error instanceof ApiError && error.status < 500),
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 8_000),
    },
  },
});

/** The most that one answer holds. */
export const LONGEST_PAGE = { limit: 500 };

/** All pages of a list, one after the other: what is drawn of the fleet is drawn of the whole of it. */
export async function everyPage<T extends { items: unknown[]; next_cursor?: string | null }>(
  read: (query: { limit: number; cursor?: string }) => Promise<T>,
): Promise<T> {
  const first = await read(LONGEST_PAGE);
  const items = [...first.items];
  for (let cursor = first.next_cursor; cursor; ) {
    const more = await read({ ...LONGEST_PAGE, cursor });
    items.push(...more.items);
    cursor = more.next_cursor;
  }
  return { ...first, items };
}

interface JobPage {
  items?: Job[];
}

export const queries = {
  loginMethods: queryOptions({ queryKey: ["login-methods"], queryFn: loginMethods, refetchInterval: false }),
  jobCounts: () =>
    queryOptions({
      queryKey: ["job-counts"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/counts", { signal })),
    }),
  job: (id: string) =>
    queryOptions({
      queryKey: ["job", id],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}", { params: { path: { id } }, signal })),
    }),
  jobEvents: (id: string) =>
    queryOptions({
      queryKey: ["job", id, "events"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/events", { params: { path: { id }, query: LONGEST_PAGE }, signal })),
    }),
  attempts: (id: string) =>
    queryOptions({
      queryKey: ["job", id, "attempts"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/attempts", { params: { path: { id }, query: LONGEST_PAGE }, signal })),
    }),
  /** What an attempt uses. Measured every few seconds while it runs; what is over changes no more. */
  jobMetrics: (id: string, of: { epoch?: number | undefined; rank?: number | undefined }, over: boolean) =>
    queryOptions({
      queryKey: ["job", id, "metrics", of],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/jobs/{id}/metrics", { params: { path: { id }, query: of }, signal })),
      refetchInterval: over ? false : METRICS_MILLIS,
    }),
  nodeMetrics: (id: string) =>
    queryOptions({
      queryKey: ["node", id, "metrics"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/nodes/{id}/metrics", { params: { path: { id } }, signal })),
      refetchInterval: METRICS_MILLIS,
    }),
  nodes: () =>
    queryOptions({
      queryKey: ["nodes"],
      queryFn: ({ signal }) => everyPage((query) => ok(api.GET("/api/v1/nodes", { params: { query }, signal }))),
    }),
  clusters: () =>
    queryOptions({ queryKey: ["clusters"], queryFn: ({ signal }) => ok(api.GET("/api/v1/clusters", { signal })) }),
  queues: () =>
    queryOptions({ queryKey: ["queues"], queryFn: ({ signal }) => ok(api.GET("/api/v1/queues", { signal })) }),
  users: () =>
    queryOptions({ queryKey: ["users"], queryFn: ({ signal }) => ok(api.GET("/api/v1/users", { params: { query: LONGEST_PAGE }, signal })) }),
  apiKeys: () =>
    queryOptions({ queryKey: ["api-keys"], queryFn: ({ signal }) => ok(api.GET("/api/v1/api-keys", { signal })) }),
};

/** Writes what events say into every list and page that shows their jobs. */
export function applyJobEvents(client: QueryClient, events: ReadonlyMap<string, JobEvent>) {
  if (events.size === 0) return;
  const patch = (job: Job): Job => {
    const event = events.get(job.id);
    // What was read since the event came is newer than it.
    if (!event || event.epoch < job.epoch) return job;
    const { state, reason, message, actor, epoch } = event;
    return { ...job, state, reason, message, actor, epoch };
  };
  for (const id of events.keys()) client.setQueryData<Job>(["job", id], (job) => job && patch(job));
  client.setQueriesData<JobPage>({ queryKey: ["jobs"] }, (page) => {
    if (!page?.items?.some((job) => events.has(job.id))) return page;
    return { ...page, items: page.items.map(patch) };
  });
}

/** Reads again what a job's change may have altered elsewhere: of lists, the pages that are on the screen. */
export function refreshAfterJobs(client: QueryClient, ids: Iterable<string>) {
  for (const id of ids) void client.invalidateQueries({ queryKey: ["job", id] });
  for (const key of ["jobs", "job-counts", "queues", "queue", "nodes", "usage"]) void client.invalidateQueries({ queryKey: [key] });
}

/** A mutation that makes some queries stale when it is done. */
export function useChange<Input, Output>(work: (input: Input) => Promise<Output>, ...stale: string[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    onSettled: () => Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

export const byId = (id: string) => ({ params: { path: { id } } });

export const useSubmitJob = () =>
  useChange(
    ({ spec, key }: { spec: JobSpec; key: string }) =>
      ok(api.POST("/api/v1/jobs", { body: spec, headers: { "idempotency-key": key } })),
    "jobs",
    "job-counts",
    "queues",
  );

export const useCancelJob = () =>
  useChange((id: string) => ok(api.POST("/api/v1/jobs/{id}/cancel", byId(id))), "job", "jobs", "job-counts");

export const useReleaseJob = () =>
  useChange((id: string) => ok(api.POST("/api/v1/jobs/{id}/release", byId(id))), "job", "jobs", "job-counts");

export const useCordon = () =>
  useChange(
    ({ id, cordoned }: { id: string; cordoned: boolean }) =>
      ok(
        cordoned
          ? api.POST("/api/v1/nodes/{id}/cordon", byId(id))
          : api.POST("/api/v1/nodes/{id}/uncordon", byId(id)),
      ),
    "nodes",
  );

export const useRemoveNode = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/nodes/{id}", byId(id))), "nodes", "jobs");

export const useCreateJoinKey = () =>
  useChange((input: { cluster: string; name: string; reusable: boolean; expires_in: string }) => {
    const { cluster, ...body } = input;
    return ok(api.POST("/api/v1/clusters/{id}/api-keys", { params: { path: { id: cluster } }, body }));
  });

export const useCreateQueue = () =>
  useChange((body: CreateQueue) => ok(api.POST("/api/v1/queues", { body })), "queues");

export const usePauseQueue = () =>
  useChange(
    ({ id, paused }: { id: string; paused: boolean }) =>
      ok(api.PATCH("/api/v1/queues/{id}", { ...byId(id), body: { paused } })),
    "queues",
    "jobs",
  );

export const useCreateUser = () =>
  useChange((body: CreateUser) => ok(api.POST("/api/v1/users", { body })), "users");

export const useUpdateUser = () =>
  useChange(
    ({ id, change }: { id: string; change: UpdateUser }) =>
      ok(api.PATCH("/api/v1/users/{id}", { ...byId(id), body: change })),
    "users",
  );

export const useCreateApiKey = () =>
  useChange(
    (body: { name: string; expires_in?: string }) => ok(api.POST("/api/v1/api-keys", { body })),
    "api-keys",
  );

export const useRevokeApiKey = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/api-keys/{id}", byId(id))), "api-keys");
