/// One job: where it stands and why, what can be done, and everything about it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";

import { ApiError } from "@/api/errors";
import { jobQueries } from "@/api/job-queries";
import { queries } from "@/api/queries";
import type { Attempt, Job } from "@/api/types";
import { isOver, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { duration, shortId } from "@/lib/format";
import { JOB_TABS, type JobTab } from "@/router";
import { buttonClass } from "@/ui/button";
import { Broken, Card, Empty, Skeleton, SkeletonRows, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";

import { Actions } from "./job/actions";
import { LogsTab } from "./job/logs";
import { OutputsTab } from "./job/outputs";
import { ReceiptTab } from "./job/receipt";
import { EstimateSpan, SchedulingTab } from "./job/scheduling";
import { AttemptsTab, EventsTab, OverviewTab } from "./job-tabs";
import { PhaseBar } from "./phase-bar";

// What few of those who look at a job want comes when it is wanted.
const MetricsTab = lazy(() => import("./job-metrics").then((module) => ({ default: module.MetricsTab })));
const SpecTab = lazy(() => import("./job/spec").then((module) => ({ default: module.SpecTab })));
const ShellTab = lazy(() => import("./job/shell").then((module) => ({ default: module.ShellTab })));

const route = getRouteApi("/app/jobs/$jobId");

const TAB_NAMES: Record<JobTab, string> = {
  overview: "Overview",
  logs: "Logs",
  metrics: "Metrics",
  events: "Events",
  scheduling: "Scheduling",
  attempts: "Attempts",
  spec: "Spec",
  outputs: "Outputs",
  receipt: "Receipt",
  shell: "Shell",
};

/** What somebody who opens a job most likely wants to know. */
function firstTabOf(job: Job): JobTab {
  if (job.state === "queued" || job.state === "held") return "scheduling";
  return job.epoch > 0 ? "logs" : "overview";
}

export function JobPage() {
  const { jobId } = route.useParams();
  const job = useQuery(queries.job(jobId));
  const attempts = useQuery(queries.attempts(jobId));
  if (job.isError && !job.data) {
    const gone = job.error instanceof ApiError && job.error.status === 404;
    return (
      <Card>
        <h1 className="sr-only">Job</h1>
        {gone ? <NoSuchJob /> : <Broken error={job.error} retry={() => void job.refetch()} />}
      </Card>
    );
  }
  if (!job.data) return <Waiting />;
  // Another job is another page: what was chosen for the first must not linger.
  return <Loaded key={jobId} job={job.data} attempts={attempts.data?.items} />;
}

function NoSuchJob() {
  return (
    <Empty
      title="There is no such job"
      action={
        <Link to="/jobs" className={buttonClass("primary")}>
          See all jobs
        </Link>
      }
    >
      Its address may be mistyped, or the job is not yours to see.
    </Empty>
  );
}

function Waiting() {
  return (
    <div className="space-y-5">
      <h1 className="sr-only">Job</h1>
      <Skeleton className="h-8 w-72" />
      <Skeleton className="h-4 w-96 max-w-full" />
      <Card>
        <SkeletonRows rows={5} />
      </Card>
    </div>
  );
}

function Loaded({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const search = route.useSearch();
  // Decided once: a page must not turn by itself while somebody reads it.
  const [firstTab] = useState(() => firstTabOf(job));
  const tab = search.tab ?? firstTab;
  // On a phone the tabs do not fit: the one that is open stands in sight, with its neighbours to both sides.
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    const open = tabs.current?.children[JOB_TABS.indexOf(tab)];
    if (open instanceof HTMLElement && tabs.current) tabs.current.scrollLeft = open.offsetLeft - (tabs.current.clientWidth - open.clientWidth) / 2;
  }, [tab]);
  return (
    <>
      <Head job={job} />
      {attempts && <PhaseBar job={job} attempts={attempts} />}
      <nav ref={tabs} aria-label="Parts of the job" className="relative mt-6 mb-4 flex gap-1 overflow-x-auto border-b">
        {JOB_TABS.map((one) => (
          <Link
            key={one}
            from="/jobs/$jobId"
            to="."
            search={(before) => ({ ...before, tab: one, at: undefined })}
            replace
            aria-current={one === tab ? "page" : undefined}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-base whitespace-nowrap text-ink-soft hover:text-ink aria-[current=page]:border-accent-solid aria-[current=page]:font-medium aria-[current=page]:text-ink focus-visible:-outline-offset-2"
          >
            {TAB_NAMES[one]}
            {one === "attempts" && attempts && attempts.length > 1 && <span className="ml-1.5 text-xs text-ink-faint">{attempts.length}</span>}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Card><SkeletonRows rows={4} /></Card>}>
        {tab === "overview" && <OverviewTab job={job} attempts={attempts} />}
        {tab === "logs" && <LogsTab job={job} attempts={attempts} />}
        {tab === "metrics" && <MetricsTab job={job} attempts={attempts} />}
        {tab === "events" && <EventsTab jobId={job.id} />}
        {tab === "scheduling" && <SchedulingTab job={job} />}
        {tab === "attempts" && <AttemptsTab attempts={attempts} />}
        {tab === "spec" && <SpecTab job={job} />}
        {tab === "outputs" && <OutputsTab job={job} />}
        {tab === "receipt" && <ReceiptTab job={job} />}
        {tab === "shell" && <ShellTab job={job} attempts={attempts} />}
      </Suspense>
    </>
  );
}

function Head({ job }: { job: Job }) {
  const sentence = jobSentence(job);
  return (
    <header>
      <nav aria-label="Breadcrumb" className="mb-2 flex items-center gap-1.5 text-sm text-ink-faint">
        <Link to="/jobs" className="hover:text-ink">
          Jobs
        </Link>
        <span aria-hidden>/</span>
        <span className="font-mono text-xs">{shortId(job.id)}</span>
      </nav>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h1 className="text-xl font-semibold tracking-tight break-all">{job.name}</h1>
            <StateMark look={jobLook[job.state]} soft />
            {job.cancel_requested && !isOver(job.state) && <span className="text-sm text-warn">cancelling…</span>}
          </div>
          {sentence && (
            <p className={`mt-1.5 text-base break-words ${job.state === "failed" ? "text-bad" : "text-ink-soft"}`}>{sentence}</p>
          )}
        </div>
        <Actions job={job} />
      </div>
      <dl className="mt-4 flex flex-wrap gap-x-6 gap-y-2 text-sm">
        <Fact name="Queue">
          <Link to="/jobs" search={{ queue: job.queue }} className="hover:text-accent">{job.queue}</Link>
        </Fact>
        <Fact name="Owner">{job.owner}</Fact>
        <Fact name="Node">{job.nodes.join(", ") || "–"}</Fact>
        <Fact name="Submitted"><Time at={job.created_at} /></Fact>
        <Fact name={elapsedName(job)}><Elapsed job={job} /></Fact>
        {job.state === "running" && <Progress job={job} />}
        {job.state === "queued" && <Start job={job} />}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-2">
      <dt className="text-ink-faint">{name}</dt>
      <dd className="max-w-72 truncate">{children}</dd>
    </div>
  );
}

function elapsedName(job: Job): string {
  if (isOver(job.state)) return job.started_at ? "Ran for" : "Waited";
  return job.started_at && job.state === "running" ? "Running for" : "Waiting for";
}

function Elapsed({ job }: { job: Job }) {
  const now = useNow();
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  const ran = job.started_at && (isOver(job.state) || job.state === "running");
  return duration(end - Date.parse(ran ? job.started_at ?? job.created_at : job.created_at));
}

/** How much of its time a job has used. */
function Progress({ job }: { job: Job }) {
  const now = useNow();
  const limit = millis(job.max_runtime);
  if (!limit || !job.started_at) return null;
  const used = now - Date.parse(job.started_at);
  const share = Math.min(used / limit, 1);
  return (
    <Fact name="Time limit">
      <span className="inline-flex items-center gap-2">
        <span role="meter" aria-label="Time used" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)} className="h-1.5 w-20 overflow-hidden rounded-full bg-line">
          <span className={`block h-full ${share > 0.9 ? "bg-warn" : "bg-accent-solid"}`} style={{ width: `${share * 100}%` }} />
        </span>
        {share < 1 ? `${duration(limit - used)} left of ${job.max_runtime}` : `${job.max_runtime} used up`}
      </span>
    </Fact>
  );
}

const UNIT_MILLIS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a span as the API writes it: `90s`, `1h30m`. */
function millis(span: string | null | undefined): number {
  let sum = 0;
  for (const [, count, unit] of (span ?? "").matchAll(/([\d.]+)(ms|[smhd])/g)) sum += Number(count) * (UNIT_MILLIS[unit ?? ""] ?? 0);
  return sum;
}

/** When it may start, where the scheduler can tell. */
function Start({ job }: { job: Job }) {
  const explanation = useQuery(jobQueries.explain(job.id));
  const estimate = explanation.data?.estimate;
  if (!estimate) return null;
  return (
    <Fact name="Starts">
      <EstimateSpan earliest={estimate.earliest} latest={estimate.latest ?? undefined} />
    </Fact>
  );
}
