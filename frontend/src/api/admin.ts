/// What is read and changed beside jobs: machines, queues, people, and what teams keep. Keys begin as those of
/// `queries.ts` do, so that one event makes lists and pages stale together.
import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import type {
  AuditEntry,
  CreateCluster,
  CreateHook,
  CreateRegistry,
  CreateSecret,
  CreateVolume,
  Delivery,
  Scope,
  UpdateCluster,
  UpdateHook,
  UpdateQueue,
  UpdateVolume,
} from "./admin-types";
import { api, fetchAsUser, ok } from "./client";
import { refusal } from "./errors";
import { byId, everyPage, LONGEST_PAGE, useChange } from "./queries";
import type { JobSpec, UpdateUser } from "./types";

/** The jobs of a node whose ends tell how it fares. */
export const LATEST_JOBS = 50;
const PAGE_ENTRIES = 100;
const TAIL_LINES = 200;
/** What changes rarely is not asked for as often. */
const SLOW_MILLIS = 60_000;

export interface AuditFilters {
  actor?: string | undefined;
  action?: string | undefined;
  object?: string | undefined;
}

interface PageOf<Row> {
  items: Row[];
  next_cursor?: string | null;
}

const first = { query: LONGEST_PAGE };

export const adminQueries = {
  server: () =>
    queryOptions({ queryKey: ["server"], queryFn: ({ signal }) => ok(api.GET("/api/v1/server", { signal })), refetchInterval: SLOW_MILLIS }),
  me: () => queryOptions({ queryKey: ["me"], queryFn: ({ signal }) => ok(api.GET("/api/v1/auth/me", { signal })) }),

  cluster: (id: string) =>
    queryOptions({ queryKey: ["clusters", id], queryFn: ({ signal }) => ok(api.GET("/api/v1/clusters/{id}", { ...byId(id), signal })) }),
  clusterNodes: (id: string) =>
    queryOptions({
      queryKey: ["nodes", { cluster: id }],
      queryFn: ({ signal }) =>
        everyPage((query) => ok(api.GET("/api/v1/clusters/{id}/nodes", { params: { path: { id }, query }, signal }))),
    }),
  /** Begins as nodes do: what is kept changes with what jobs do. */
  reservations: (cluster: string) =>
    queryOptions({
      queryKey: ["nodes", "kept", cluster],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/clusters/{id}/reservations", { ...byId(cluster), signal })),
    }),
  joinKeys: (id: string) =>
    queryOptions({
      queryKey: ["clusters", id, "join-keys"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/clusters/{id}/api-keys", { ...byId(id), signal })),
    }),

  node: (id: string) =>
    queryOptions({ queryKey: ["nodes", id], queryFn: ({ signal }) => ok(api.GET("/api/v1/nodes/{id}", { ...byId(id), signal })) }),
  nodeEvents: (id: string) =>
    queryOptions({
      queryKey: ["nodes", id, "events"],
      queryFn: ({ signal }) =>
        ok(api.GET("/api/v1/nodes/{id}/events", { params: { path: { id }, query: { limit: PAGE_ENTRIES } }, signal })),
    }),
  nodeJobs: (id: string, state?: string) =>
    queryOptions({
      queryKey: ["nodes", id, "jobs", state ?? "all"],
      queryFn: ({ signal }) =>
        ok(
          api.GET("/api/v1/nodes/{id}/jobs", {
            params: { path: { id }, query: { limit: state ? LONGEST_PAGE.limit : LATEST_JOBS, ...(state && { state }) } },
            signal,
          }),
        ),
    }),

  /** With its version, so that a change of what somebody else changed meanwhile is refused. */
  queue: (id: string) =>
    queryOptions({
      queryKey: ["queues", id],
      queryFn: async ({ signal }) => {
        const { data, error, response } = await api.GET("/api/v1/queues/{id}", { ...byId(id), signal });
        if (!data) throw refusal(response, error);
        return { queue: data, etag: response.headers.get("etag") ?? undefined };
      },
    }),
  queueStats: (id: string) =>
    queryOptions({
      queryKey: ["queues", id, "stats"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/queues/{id}/stats", { ...byId(id), signal })),
    }),
  queueLine: (id: string) =>
    queryOptions({
      queryKey: ["queues", id, "line"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/queues/{id}/line", { ...byId(id), signal })),
    }),
  queueWaits: (id: string) =>
    queryOptions({
      queryKey: ["queues", id, "waits"],
      queryFn: ({ signal }) => ok(api.GET("/api/v1/queues/{id}/waits", { ...byId(id), signal })),
    }),

  teams: () =>
    queryOptions({ queryKey: ["teams"], queryFn: ({ signal }) => ok(api.GET("/api/v1/teams", { params: first, signal })) }),
  team: (id: string) =>
    queryOptions({ queryKey: ["teams", id], queryFn: ({ signal }) => ok(api.GET("/api/v1/teams/{id}", { ...byId(id), signal })) }),
  members: (id: string) =>
    queryOptions({
      queryKey: ["teams", id, "members"],
      queryFn: ({ signal }) =>
        ok(api.GET("/api/v1/teams/{id}/members", { params: { path: { id }, query: LONGEST_PAGE }, signal })),
    }),

  /** The end of what a job printed: enough to look on while it runs. */
  logTail: (id: string, state: string) =>
    queryOptions({
      queryKey: ["log-tail", id, state],
      queryFn: async ({ signal }) => {
        const url = new URL(`/api/v1/jobs/${id}/logs?tail=${TAIL_LINES}`, location.origin);
        const response = await fetchAsUser(new Request(url, { signal }));
        return response.ok ? response.text() : "";
      },
      placeholderData: keepPreviousData,
      refetchInterval: state === "live" ? 1_000 : false,
    }),

  secrets: () =>
    queryOptions({ queryKey: ["secrets"], queryFn: ({ signal }) => ok(api.GET("/api/v1/secrets", { params: first, signal })) }),
  registries: () =>
    queryOptions({ queryKey: ["registries"], queryFn: ({ signal }) => ok(api.GET("/api/v1/registries", { params: first, signal })) }),
  volumes: () => queryOptions({ queryKey: ["volumes"], queryFn: ({ signal }) => ok(api.GET("/api/v1/volumes", { signal })) }),
  schedules: () =>
    queryOptions({ queryKey: ["schedules"], queryFn: ({ signal }) => ok(api.GET("/api/v1/schedules", { params: first, signal })) }),

  hooks: () =>
    queryOptions({ queryKey: ["hooks"], queryFn: ({ signal }) => ok(api.GET("/api/v1/hooks", { params: first, signal })) }),
  hook: (id: string) =>
    queryOptions({ queryKey: ["hooks", id], queryFn: ({ signal }) => ok(api.GET("/api/v1/hooks/{id}", { ...byId(id), signal })) }),
  deliveries: (id: string) =>
    infiniteQueryOptions({
      queryKey: ["hooks", id, "deliveries"],
      queryFn: ({ pageParam, signal }) =>
        ok(
          api.GET("/api/v1/hooks/{id}/deliveries", {
            params: { path: { id }, query: { limit: PAGE_ENTRIES, ...(pageParam && { cursor: pageParam }) } },
            signal,
          }),
        ),
      initialPageParam: "",
      getNextPageParam: (page: PageOf<Delivery>) => page.next_cursor ?? undefined,
      // Somebody who looks here waits for an answer.
      refetchInterval: 3_000,
    }),

  audit: (filters: AuditFilters) =>
    infiniteQueryOptions({
      queryKey: ["audit", filters],
      queryFn: ({ pageParam, signal }) =>
        ok(
          api.GET("/api/v1/audit", {
            params: { query: { ...given(filters), limit: PAGE_ENTRIES, ...(pageParam && { cursor: pageParam }) } },
            signal,
          }),
        ),
      initialPageParam: "",
      getNextPageParam: (page: PageOf<AuditEntry>) => page.next_cursor ?? undefined,
    }),
};

/** Without what is not set. */
function given(filters: AuditFilters): { actor?: string; action?: string; object?: string } {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
}

/** Removes a thing. What only its own page shows is not read again: it would not be found, and the page is left. */
function useRemoval<Input>(work: (input: Input) => Promise<unknown>, idOf: (input: Input) => string, ...stale: string[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    onSuccess: (_, input) => {
      const id = idOf(input);
      for (const key of stale) void client.invalidateQueries({ queryKey: [key], predicate: (query) => query.queryKey[1] !== id });
    },
  });
}

const itself = (id: string) => id;

// Clusters and nodes.

export const useCreateCluster = () =>
  useChange((body: CreateCluster) => ok(api.POST("/api/v1/clusters", { body })), "clusters");

export const useUpdateCluster = () =>
  useChange(
    ({ id, change }: { id: string; change: UpdateCluster }) => ok(api.PATCH("/api/v1/clusters/{id}", { ...byId(id), body: change })),
    "clusters",
  );

export const useDeleteCluster = () =>
  useRemoval((id: string) => ok(api.DELETE("/api/v1/clusters/{id}", byId(id))), itself, "clusters");

export const useForgetNode = () =>
  useRemoval((id: string) => ok(api.DELETE("/api/v1/nodes/{id}", byId(id))), itself, "nodes", "clusters", "jobs");

export const useRevokeJoinKey = () =>
  useChange(
    ({ cluster, key }: { cluster: string; key: string }) =>
      ok(api.DELETE("/api/v1/clusters/{id}/api-keys/{key_id}", { params: { path: { id: cluster, key_id: key } } })),
    "clusters",
  );

export const useCordonBecause = () =>
  useChange(
    ({ id, reason }: { id: string; reason: string }) => ok(api.POST("/api/v1/nodes/{id}/cordon", { ...byId(id), body: { reason } })),
    "nodes",
  );

export const useDrain = () =>
  useChange(
    ({ id, within, reason }: { id: string; within: string; reason: string }) =>
      ok(api.POST("/api/v1/nodes/{id}/drain", { ...byId(id), body: { within, reason } })),
    "nodes",
    "jobs",
  );

export const useLabelNode = () =>
  useChange(
    ({ id, labels }: { id: string; labels: Record<string, string> }) =>
      ok(api.PATCH("/api/v1/nodes/{id}", { ...byId(id), body: { labels } })),
    "nodes",
  );

// Queues.

export const useUpdateQueue = () =>
  useChange(
    ({ id, etag, change }: { id: string; etag: string | undefined; change: UpdateQueue }) =>
      ok(
        api.PATCH("/api/v1/queues/{id}", {
          params: { path: { id }, ...(etag && { header: { "if-match": etag } }) },
          body: change,
        }),
      ),
    "queues",
  );

export const useDeleteQueue = () =>
  useRemoval(
    ({ id, jobs }: { id: string; jobs: string }) => ok(api.DELETE("/api/v1/queues/{id}", { params: { path: { id }, query: { jobs } } })),
    ({ id }) => id,
    "queues",
    "jobs",
  );

// People.

export const useDeleteUser = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/users/{id}", byId(id))), "users", "teams");

export const useResetPassword = () =>
  useChange((id: string) => ok(api.POST("/api/v1/users/{id}/reset-password", byId(id))), "users");

export const useChangeUser = () =>
  useChange(
    ({ id, change }: { id: string; change: UpdateUser }) => ok(api.PATCH("/api/v1/users/{id}", { ...byId(id), body: change })),
    "users",
  );

export const useUpdateProfile = () =>
  useChange((body: { display_name: string; email: string }) => ok(api.PATCH("/api/v1/auth/me", { body })), "me", "users");

export const useCreateScopedKey = () =>
  useChange(
    (body: { name: string; expires_in?: string; scopes?: Scope[] }) => ok(api.POST("/api/v1/api-keys", { body })),
    "api-keys",
  );

export const useCreateTeam = () => useChange((name: string) => ok(api.POST("/api/v1/teams", { body: { name } })), "teams");

export const useRenameTeam = () =>
  useChange(
    ({ id, name }: { id: string; name: string }) => ok(api.PATCH("/api/v1/teams/{id}", { ...byId(id), body: { name } })),
    "teams",
    "users",
    "queues",
  );

export const useDeleteTeam = () =>
  useRemoval((id: string) => ok(api.DELETE("/api/v1/teams/{id}", byId(id))), itself, "teams", "users");

export const useMembership = () =>
  useChange(
    ({ team, user, member }: { team: string; user: string; member: boolean }) => {
      const at = { params: { path: { id: team, user_id: user } } };
      return member
        ? ok(api.PUT("/api/v1/teams/{id}/members/{user_id}", at))
        : ok(api.DELETE("/api/v1/teams/{id}/members/{user_id}", at));
    },
    "teams",
    "users",
  );

// What teams keep.

export const useCreateSecret = () =>
  useChange((body: CreateSecret) => ok(api.POST("/api/v1/secrets", { body })), "secrets");

export const useReplaceSecret = () =>
  useChange(
    ({ id, value }: { id: string; value: string }) => ok(api.PUT("/api/v1/secrets/{id}", { ...byId(id), body: { value } })),
    "secrets",
  );

export const useDeleteSecret = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/secrets/{id}", byId(id))), "secrets");

export const useCreateRegistry = () =>
  useChange((body: CreateRegistry) => ok(api.POST("/api/v1/registries", { body })), "registries");

export const useDeleteRegistry = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/registries/{id}", byId(id))), "registries");

export const useCreateVolume = () =>
  useChange((body: CreateVolume) => ok(api.POST("/api/v1/volumes", { body })), "volumes");

export const useUpdateVolume = () =>
  useChange(
    ({ id, change }: { id: string; change: UpdateVolume }) => ok(api.PATCH("/api/v1/volumes/{id}", { ...byId(id), body: change })),
    "volumes",
  );

export const useDeleteVolume = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/volumes/{id}", byId(id))), "volumes");

// Schedules.

export const useCreateSchedule = () =>
  useChange((body: JobSpec) => ok(api.POST("/api/v1/schedules", { body })), "schedules");

export const usePauseSchedule = () =>
  useChange(
    ({ id, paused }: { id: string; paused: boolean }) =>
      paused ? ok(api.POST("/api/v1/schedules/{id}/pause", byId(id))) : ok(api.POST("/api/v1/schedules/{id}/resume", byId(id))),
    "schedules",
  );

export const useRunSchedule = () =>
  useChange((id: string) => ok(api.POST("/api/v1/schedules/{id}/run", byId(id))), "schedules", "jobs", "job-counts");

export const useDeleteSchedule = () =>
  useChange((id: string) => ok(api.DELETE("/api/v1/schedules/{id}", byId(id))), "schedules");

// Hooks.

export const useCreateHook = () => useChange((body: CreateHook) => ok(api.POST("/api/v1/hooks", { body })), "hooks");

export const useUpdateHook = () =>
  useChange(
    ({ id, change }: { id: string; change: UpdateHook }) => ok(api.PATCH("/api/v1/hooks/{id}", { ...byId(id), body: change })),
    "hooks",
  );

export const useRotateHook = () =>
  useChange((id: string) => ok(api.POST("/api/v1/hooks/{id}/rotate", { ...byId(id), body: {} })), "hooks");

export const useTestHook = () => useChange((id: string) => ok(api.POST("/api/v1/hooks/{id}/test", byId(id))), "hooks");

export const useRedeliver = () =>
  useChange(
    ({ hook, delivery }: { hook: string; delivery: string }) =>
      ok(
        api.POST("/api/v1/hooks/{id}/deliveries/{delivery_id}/redeliver", {
          params: { path: { id: hook, delivery_id: delivery } },
        }),
      ),
    "hooks",
  );

export const useDeleteHook = () =>
  useRemoval((id: string) => ok(api.DELETE("/api/v1/hooks/{id}", byId(id))), itself, "hooks");

// The audit log.

export const useVerifyAudit = () =>
  useChange(async () => {
    // A long log is checked in several steps.
    let after: number | undefined;
    for (;;) {
      const check = await ok(api.GET("/api/v1/audit/verify", { params: { query: after === undefined ? {} : { after } } }));
      if (check.complete || !check.valid) return check;
      after = check.checked_to;
    }
  });
