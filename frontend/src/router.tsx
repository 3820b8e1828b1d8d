/// Every page's address, on one screen. Pages are loaded when they are first wanted.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";

import { restoreSession } from "./api/session";
import { Shell } from "./layout/shell";
import { JOB_STATES } from "./domain/job";
import { ErrorPage, NotFoundPage, WholeErrorPage } from "./pages/problem";

const root = createRootRoute({ component: Outlet });

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  // Only a path of this site may be returned to.
  validateSearch: (search): { next?: string; sso?: string } => ({
    next: text(search.next)?.match(/^\/(?![/\\]).*/)?.[0],
    sso: text(search.sso),
  }),
  component: lazyRouteComponent(() => import("./pages/login"), "LoginPage"),
});

/** Everything but the login: with the frame round it, and only for who is logged in. */
const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  beforeLoad: async ({ location }) => {
    const user = await restoreSession();
    if (user && !user.must_change_password) return;
    const next = location.pathname === "/" ? undefined : location.href;
    throw redirect({ to: "/login", search: { next } });
  },
  component: Shell,
  errorComponent: WholeErrorPage,
});

const dashboard = createRoute({
  getParentRoute: () => app,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/dashboard"), "DashboardPage"),
});

export interface JobsSearch {
  state?: string;
  queue?: string;
  owner?: string;
  team?: string;
  node?: string;
  reason?: string;
  label?: string;
  array?: string;
  /** Text in the name. */
  q?: string;
  sort?: "oldest";
  /** What the jobs are grouped by: `queue`, `label:exp`. */
  group?: string;
  /** Columns, as they stand in the list. */
  cols?: string;
}

const jobs = createRoute({
  getParentRoute: () => app,
  path: "/jobs",
  validateSearch: (search): JobsSearch => {
    const wanted = text(search.state)?.split(",") ?? [];
    const states = JOB_STATES.filter((state) => wanted.includes(state));
    return {
      state: text(states.join(",")),
      queue: text(search.queue),
      owner: text(search.owner),
      team: text(search.team),
      node: text(search.node),
      reason: text(search.reason),
      label: text(search.label),
      array: text(search.array),
      q: text(search.q),
      sort: search.sort === "oldest" ? "oldest" : undefined,
      group: text(search.group),
      cols: text(search.cols),
    };
  },
  component: lazyRouteComponent(() => import("./pages/jobs"), "JobsPage"),
});

const submit = createRoute({
  getParentRoute: () => app,
  path: "/jobs/new",
  validateSearch: (search): { like?: string } => ({ like: text(search.like) }),
  component: lazyRouteComponent(() => import("./pages/submit"), "SubmitPage"),
});

export const JOB_TABS = ["overview", "logs", "metrics", "events", "scheduling", "attempts", "spec", "outputs", "receipt", "shell"] as const;
export type JobTab = (typeof JOB_TABS)[number];

const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;

const job = createRoute({
  getParentRoute: () => app,
  path: "/jobs/$jobId",
  validateSearch: (search): { tab?: JobTab; attempt?: number; rank?: number; at?: number } => ({
    tab: JOB_TABS.find((tab) => tab === search.tab),
    attempt: positive(search.attempt),
    rank: positive(search.rank),
    at: positive(search.at),
  }),
  component: lazyRouteComponent(() => import("./pages/job"), "JobPage"),
});

const queues = createRoute({
  getParentRoute: () => app,
  path: "/queues",
  component: lazyRouteComponent(() => import("./pages/queues"), "QueuesPage"),
});

const nodes = createRoute({
  getParentRoute: () => app,
  path: "/nodes",
  validateSearch: (search): { add?: true; q?: string } => ({ add: search.add === true ? true : undefined, q: text(search.q) }),
  component: lazyRouteComponent(() => import("./pages/nodes"), "NodesPage"),
});

const node = createRoute({
  getParentRoute: () => app,
  path: "/nodes/$nodeId",
  component: lazyRouteComponent(() => import("./pages/node"), "NodePage"),
});

const clusters = createRoute({
  getParentRoute: () => app,
  path: "/clusters",
  component: lazyRouteComponent(() => import("./pages/clusters"), "ClustersPage"),
});

const cluster = createRoute({
  getParentRoute: () => app,
  path: "/clusters/$clusterId",
  component: lazyRouteComponent(() => import("./pages/cluster"), "ClusterPage"),
});

const queue = createRoute({
  getParentRoute: () => app,
  path: "/queues/$queueId",
  component: lazyRouteComponent(() => import("./pages/queue"), "QueuePage"),
});

const schedules = createRoute({
  getParentRoute: () => app,
  path: "/schedules",
  component: lazyRouteComponent(() => import("./pages/schedules"), "SchedulesPage"),
});

const volumes = createRoute({
  getParentRoute: () => app,
  path: "/volumes",
  component: lazyRouteComponent(() => import("./pages/volumes"), "VolumesPage"),
});

const secrets = createRoute({
  getParentRoute: () => app,
  path: "/secrets",
  component: lazyRouteComponent(() => import("./pages/secrets"), "SecretsPage"),
});

const registries = createRoute({
  getParentRoute: () => app,
  path: "/registries",
  component: lazyRouteComponent(() => import("./pages/registries"), "RegistriesPage"),
});

const hooks = createRoute({
  getParentRoute: () => app,
  path: "/hooks",
  component: lazyRouteComponent(() => import("./pages/hooks"), "HooksPage"),
});

const hook = createRoute({
  getParentRoute: () => app,
  path: "/hooks/$hookId",
  component: lazyRouteComponent(() => import("./pages/hook"), "HookPage"),
});

const teams = createRoute({
  getParentRoute: () => app,
  path: "/teams",
  component: lazyRouteComponent(() => import("./pages/teams"), "TeamsPage"),
});

const team = createRoute({
  getParentRoute: () => app,
  path: "/teams/$teamId",
  component: lazyRouteComponent(() => import("./pages/team"), "TeamPage"),
});

const audit = createRoute({
  getParentRoute: () => app,
  path: "/audit",
  validateSearch: (search): { actor?: string; action?: string; object?: string } => ({
    actor: text(search.actor),
    action: text(search.action),
    object: text(search.object),
  }),
  component: lazyRouteComponent(() => import("./pages/audit"), "AuditPage"),
});

const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings"), "SettingsPage"),
});

const users = createRoute({
  getParentRoute: () => app,
  path: "/users",
  component: lazyRouteComponent(() => import("./pages/users"), "UsersPage"),
});

const apiKeys = createRoute({
  getParentRoute: () => app,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("./pages/api-keys"), "ApiKeysPage"),
});

/** What the pages are made of, all of it on one page; only where the UI is being worked on. */
const gallery = import.meta.env.DEV
  ? [
      createRoute({
        getParentRoute: () => app,
        path: "/gallery",
        component: lazyRouteComponent(() => import("./pages/gallery"), "GalleryPage"),
      }),
    ]
  : [];

/** What stands beside jobs: machines, what teams keep, people. */
const beside = [queue, node, clusters, cluster, schedules, volumes, secrets, registries, hooks, hook, teams, team, audit, settings] as const;

const nowhere = createRoute({ getParentRoute: () => app, path: "$", component: NotFoundPage });

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    app.addChildren([dashboard, jobs, submit, job, queues, nodes, users, apiKeys, ...beside, ...gallery, nowhere]),
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
