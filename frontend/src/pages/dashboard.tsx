/// Is it healthy, is it busy, is it fair, what needs me?
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { lazy, Suspense } from "react";

import { jobQueries } from "@/api/job-queries";
import { queries } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { JobCounts, Node } from "@/api/types";
import { JOB_STATES } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { isAlive } from "@/domain/node";
import { plural } from "@/lib/format";
import { buttonClass } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { DEFAULT_COLUMNS, jobGrid, JobRow, JobRowsHead } from "@/ui/job-rows";
import { Broken, Card, Empty, PageHead, Skeleton, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

import { Attention, attention } from "./dashboard/attention";
import { Fleet } from "./dashboard/fleet";
import { Shares, WaitingReasons, WaitingTimes } from "./dashboard/waiting";
import { FirstSteps } from "./first-steps";

// Charts come after the first sight of the page.
const UseOverTime = lazy(() => import("./dashboard/use-over-time").then((module) => ({ default: module.UseOverTime })));

const MY_JOBS = 8;

export function DashboardPage() {
  const counts = useQuery(jobQueries.counts({}));
  const nodes = useQuery(queries.nodes());
  const queues = useQuery(queries.queues());
  const known = counts.data && nodes.data && queues.data;
  const concerns = known ? attention(counts.data, nodes.data.items, queues.data.items) : null;
  return (
    <>
      <PageHead title="Dashboard" note={nodes.data && counts.data && headline(nodes.data.items, counts.data)}>
        <Link to="/jobs/new" className={`${buttonClass("primary")} lg:hidden`}>
          <Plus size={15} aria-hidden /> Submit a job
        </Link>
      </PageHead>
      <div className="space-y-5">
        <FirstSteps counts={counts.data} nodes={nodes.data?.items} />
        {counts.isError && !counts.data ? <Card><Broken error={counts.error} retry={() => void counts.refetch()} /></Card> : <Counts counts={counts.data} />}
        <div className="grid grid-cols-1 items-start gap-5 xl:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
          <div className="space-y-5">
            <Fleet nodes={nodes.data?.items} />
            <Suspense fallback={<Card title="Use over time"><SkeletonRows rows={4} /></Card>}>
              <UseOverTime nodes={nodes.data?.items} />
            </Suspense>
          </div>
          <div className="space-y-5">
            <Attention concerns={concerns} />
            <WaitingReasons counts={counts.data} />
            <WaitingTimes />
            <Shares />
          </div>
        </div>
        <MyJobs />
      </div>
    </>
  );
}

function headline(nodes: Node[], counts: JobCounts): string {
  const alive = nodes.filter(isAlive).length;
  const busy = (counts.by_state.running ?? 0) + (counts.by_state.starting ?? 0);
  const fleet = nodes.length === 0 ? "No nodes yet" : `${alive} of ${plural(nodes.length, "node")} up`;
  const work = busy === 0 ? "nothing runs" : plural(busy, "job runs", "jobs run");
  const waiting = counts.by_state.queued ?? 0;
  return `${fleet} · ${work} · ${waiting === 0 ? "nothing waits" : plural(waiting, "job waits", "jobs wait")}`;
}

function Counts({ counts }: { counts: JobCounts | undefined }) {
  return (
    <ul aria-label="Jobs by state" className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border bg-line shadow-card sm:grid-cols-4 xl:grid-cols-7">
      {JOB_STATES.map((state) => (
        <li key={state} className="bg-panel last:max-xl:col-span-2">
          <Link to="/jobs" search={{ state }} className="block px-4 py-3.5 transition-colors hover:bg-hover focus-visible:-outline-offset-2">
            <span className="flex items-center gap-1.5 text-sm text-ink-soft">
              <StateIcon look={jobLook[state]} /> {jobLook[state].word}
            </span>
            {counts ? (
              <span className={`mt-1 block text-2xl font-semibold tracking-tight ${counts.by_state[state] ? "" : "text-ink-faint"}`}>
                {(counts.by_state[state] ?? 0).toLocaleString()}
              </span>
            ) : (
              <Skeleton className="mt-2.5 mb-1.5 h-6 w-12" />
            )}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** The caller's own jobs; everybody's where the caller has none. */
function MyJobs() {
  const mine = useQuery(jobQueries.recent({ owner: "me" }, MY_JOBS));
  const hasNone = mine.data?.items.length === 0;
  const all = useQuery({ ...jobQueries.recent({}, MY_JOBS), enabled: hasNone });
  const shown = hasNone ? all : mine;
  const items = shown.data?.items;
  const me = currentUser()?.username;
  return (
    <Card
      title={hasNone ? "Recent jobs" : "My jobs"}
      aside={<Link to="/jobs" search={hasNone || !me ? {} : { owner: "me" }} className="hover:text-ink">{hasNone ? "All jobs" : "All of mine"}</Link>}
    >
      {shown.isError && !items && <Broken error={shown.error} retry={() => void shown.refetch()} />}
      {shown.isPending && <SkeletonRows rows={4} />}
      {items?.length === 0 && (
        <Empty title="No job yet" action={<CommandBlock text="lilac_cli submit --name hello --image busybox --follow -- echo hello" />}>
          Submit one here, or from a terminal:
        </Empty>
      )}
      {items && items.length > 0 && (
        <div role="table" aria-label={hasNone ? "Recent jobs" : "My jobs"} style={jobGrid(DEFAULT_COLUMNS, false)}>
          <div role="rowgroup">
            <JobRowsHead />
          </div>
          <div role="rowgroup" className="divide-y">
            {items.map((job) => <JobRow key={job.id} job={job} />)}
          </div>
        </div>
      )}
    </Card>
  );
}
