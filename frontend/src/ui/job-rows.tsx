/// Rows of jobs, as the dashboard and the job list show them.
import { Link } from "@tanstack/react-router";

import type { Job } from "@/api/types";
import { exitText, isOver, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { requestText } from "@/domain/node";
import { useNow } from "@/lib/clock";
import { duration, shortId } from "@/lib/format";

import { Time } from "./parts";
import { StateMark } from "./state-mark";

export const ROW_GRID =
  "grid grid-cols-[6rem_minmax(0,1fr)_auto] gap-x-3 md:gap-x-4 md:grid-cols-[6.75rem_minmax(0,1fr)_7rem_8rem_6rem] xl:grid-cols-[6.75rem_minmax(0,1fr)_6.5rem_6rem_11.5rem_7rem_6rem]";

export function JobRowsHead() {
  return (
    <div role="row" className={`${ROW_GRID} h-9 items-center border-b px-4 text-xs font-medium text-ink-faint`}>
      <span role="columnheader">State</span>
      <span role="columnheader">Job</span>
      <span role="columnheader" className="max-md:hidden">Queue</span>
      <span role="columnheader" className="max-xl:hidden">Owner</span>
      <span role="columnheader" className="max-xl:hidden">Asks for</span>
      <span role="columnheader" className="max-md:hidden">Node</span>
      <span role="columnheader" className="text-right">Time</span>
    </div>
  );
}

export function JobRow({ job }: { job: Job }) {
  const note = jobSentence(job) || (job.state === "failed" && exitText(job)) || job.image;
  return (
    <div
      role="row"
      className={`${ROW_GRID} relative min-h-14 items-center px-4 py-2 transition-colors hover:bg-hover/70 has-[a:focus-visible]:bg-hover`}
    >
      <span role="cell">
        <StateMark look={jobLook[job.state]} />
      </span>
      <span role="cell" className="min-w-0">
        <Link
          to="/jobs/$jobId"
          params={{ jobId: job.id }}
          search={{}}
          className="block truncate font-medium after:absolute after:inset-0 focus-visible:outline-offset-4"
        >
          {job.name}
          <span className="ml-2 font-mono text-xs font-normal text-ink-faint max-sm:hidden">{shortId(job.id)}</span>
        </Link>
        <span className="block truncate text-xs text-ink-soft">{note}</span>
      </span>
      <span role="cell" className="truncate text-sm text-ink-soft max-md:hidden">{job.queue}</span>
      <span role="cell" className="truncate text-sm text-ink-soft max-xl:hidden">{job.owner}</span>
      <span role="cell" className="truncate text-sm text-ink-soft max-xl:hidden">{requestText(job.requests)}</span>
      <span role="cell" className="truncate text-sm text-ink-soft max-md:hidden">{job.nodes.join(", ") || "–"}</span>
      <span role="cell" className="text-right text-sm">
        <span className="block text-ink-soft"><JobTime job={job} /></span>
        <span className="block text-xs text-ink-faint"><Time at={job.created_at} /></span>
      </span>
    </div>
  );
}

/** How long it ran, runs or waits. */
function JobTime({ job }: { job: Job }) {
  const now = useNow();
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  if (job.started_at) return duration(end - Date.parse(job.started_at));
  return isOver(job.state) ? "–" : <span title="Waiting since it was submitted">{duration(end - Date.parse(job.created_at))}</span>;
}
