/// Jobs in a narrow place: what they are, why they stand where they stand, and how long.
import { Link } from "@tanstack/react-router";

import type { Job } from "@/api/types";
import { exitText, isOver, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { requestText } from "@/domain/node";
import { useNow } from "@/lib/clock";
import { duration } from "@/lib/format";

import { Time } from "./parts";
import { StateMark } from "./state-mark";

export function JobLines({ label, jobs }: { label: string; jobs: readonly Job[] }) {
  return (
    <ul aria-label={label} className="divide-y">
      {jobs.map((job) => <JobLine key={job.id} job={job} />)}
    </ul>
  );
}

function JobLine({ job }: { job: Job }) {
  const note = jobSentence(job) || (job.state === "failed" && exitText(job)) || job.image;
  return (
    <li className="relative grid last:rounded-b-xl grid-cols-[6.25rem_minmax(0,1fr)_auto] items-center gap-x-4 px-4 py-2.5 transition-colors hover:bg-hover/70 has-[a:focus-visible]:bg-hover">
      <StateMark look={jobLook[job.state]} />
      <span className="min-w-0">
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} search={{}} className="block truncate font-medium after:absolute after:inset-0" title={job.name}>
          {job.name}
        </Link>
        <span className="block truncate text-xs text-ink-soft" title={note}>{note}</span>
      </span>
      <span className="text-right text-sm">
        <span className="block text-ink-soft"><JobTime job={job} /></span>
        <span className="block text-xs text-ink-faint">
          <span className="max-md:hidden">{`${job.owner} · ${requestText(job.requests)} · `}</span>
          <Time at={job.created_at} />
        </span>
      </span>
    </li>
  );
}

/** How long it ran or runs. */
function JobTime({ job }: { job: Job }) {
  const now = useNow();
  if (!job.started_at) return isOver(job.state) ? "–" : "not yet";
  return duration((job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.started_at));
}
