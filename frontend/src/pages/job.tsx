/// One job: where it stands and why, what can be done, and everything about it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Ban, Check, ChevronDown, Play, RotateCw } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries, useCancelJob, useReleaseJob } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Attempt, Job } from "@/api/types";
import { isOver, jobCan, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { duration, shortId } from "@/lib/format";
import { JOB_TABS, type JobTab } from "@/router";
import { asCli, asCurl, asYaml } from "@/spec/text";
import { Button, buttonClass } from "@/ui/button";
import { useCopied } from "@/ui/copy";
import { Confirm } from "@/ui/dialog";
import { FormError } from "@/ui/field";
import { Broken, Card, Empty, Skeleton, SkeletonRows, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";

import { MetricsTab } from "./job-metrics";
import { AttemptsTab, EventsTab, LogsTab, OverviewTab, SpecTab } from "./job-tabs";
import { PhaseBar } from "./phase-bar";

const route = getRouteApi("/app/jobs/$jobId");

const TAB_NAMES: Record<JobTab, string> = {
  overview: "Overview",
  logs: "Logs",
  metrics: "Metrics",
  events: "Events",
  attempts: "Attempts",
  spec: "Spec",
};

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
  const [firstTab] = useState<JobTab>(() => (job.epoch > 0 && job.state !== "queued" ? "logs" : "overview"));
  const tab = search.tab ?? firstTab;
  return (
    <>
      <Head job={job} />
      {attempts && <PhaseBar job={job} attempts={attempts} />}
      <nav aria-label="Parts of the job" className="mt-6 mb-4 flex gap-1 overflow-x-auto border-b">
        {JOB_TABS.map((one) => (
          <Link
            key={one}
            from="/jobs/$jobId"
            to="."
            search={(before) => ({ ...before, tab: one })}
            replace
            aria-current={one === tab ? "page" : undefined}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-base whitespace-nowrap text-ink-soft hover:text-ink aria-[current=page]:border-accent-solid aria-[current=page]:font-medium aria-[current=page]:text-ink focus-visible:-outline-offset-2"
          >
            {TAB_NAMES[one]}
            {one === "attempts" && attempts && attempts.length > 1 && <span className="ml-1.5 text-xs text-ink-faint">{attempts.length}</span>}
          </Link>
        ))}
      </nav>
      {tab === "overview" && <OverviewTab job={job} attempts={attempts} />}
      {tab === "logs" && <LogsTab job={job} attempts={attempts} />}
      {tab === "metrics" && <MetricsTab job={job} />}
      {tab === "events" && <EventsTab jobId={job.id} />}
      {tab === "attempts" && <AttemptsTab attempts={attempts} />}
      {tab === "spec" && job.spec && <SpecTab spec={job.spec} />}
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

function Actions({ job }: { job: Job }) {
  const user = currentUser();
  const cancel = useCancelJob();
  const release = useReleaseJob();
  const [asking, setAsking] = useState(false);
  return (
    <div className="flex flex-wrap items-center gap-2">
      {job.spec && <CopyMenu job={job} />}
      <Link to="/jobs/new" search={{ like: job.id }} className={buttonClass()}>
        <RotateCw size={14} aria-hidden /> Run again
      </Link>
      {job.state === "held" && (
        <Button
          look="primary"
          icon={<Play size={14} aria-hidden />}
          disabledReason={jobCan.release(job, user)}
          busy={release.isPending}
          onClick={() => release.mutate(job.id)}
        >
          Release
        </Button>
      )}
      <Button look="danger" icon={<Ban size={14} aria-hidden />} disabledReason={jobCan.cancel(job, user)} onClick={() => setAsking(true)}>
        Cancel
      </Button>
      {release.isError && <FormError>{explain(release.error).detail}</FormError>}
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false);
          cancel.reset();
        }}
        title={`Cancel ${job.name}?`}
        action="Cancel the job"
        keep="Keep it"
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate(job.id, { onSuccess: () => setAsking(false) })}
      >
        {job.state === "queued" || job.state === "held"
          ? "It leaves its queue and will not run."
          : `Its program is told to stop (${job.spec?.stop?.signal ?? "SIGTERM"}) and killed when it has not ended after ${job.spec?.stop?.grace ?? "10s"}.`}
      </Confirm>
    </div>
  );
}

function CopyMenu({ job }: { job: Job }) {
  const [copied, copy] = useCopied();
  const { spec } = job;
  if (!spec) return null;
  const choices: [string, () => string][] = [
    ["Command line", () => asCli(spec)],
    ["curl", () => asCurl(spec, location.origin)],
    ["YAML", () => asYaml(spec)],
    ["Job id", () => job.id],
  ];
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className={buttonClass()}>
        {copied ? <Check size={14} className="text-good" aria-hidden /> : null}
        {copied ? "Copied" : "Copy as"}
        <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={6} className="z-50 min-w-44 rounded-xl border bg-panel p-1 shadow-float">
          {choices.map(([name, text]) => (
            <DropdownMenu.Item
              key={name}
              onSelect={() => copy(text())}
              className="flex h-8 cursor-pointer items-center rounded-lg px-2.5 text-base text-ink-soft outline-none data-highlighted:bg-accent-soft data-highlighted:text-ink"
            >
              {name}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
