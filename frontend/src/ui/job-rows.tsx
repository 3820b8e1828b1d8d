/// Rows of jobs, as the dashboard and the list show them, in the columns that somebody chose.
import { Link } from "@tanstack/react-router";
import type { CSSProperties, ReactNode } from "react";

import type { Job } from "@/api/types";
import { exitText, isOver, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { requestText } from "@/domain/node";
import { useNow } from "@/lib/clock";
import { duration, shortId } from "@/lib/format";

import { Time } from "./parts";
import { StateMark } from "./state-mark";

interface JobColumn {
  name: string;
  width: string;
  cell: (job: Job) => ReactNode;
  /** The narrowest screen that it is shown on. */
  from: "md" | "xl";
}

const dash = (text: string | number | undefined) => text || "–";

export const JOB_COLUMNS = {
  queue: { name: "Queue", width: "6.5rem", from: "md", cell: (job) => job.queue },
  owner: { name: "Owner", width: "6rem", from: "xl", cell: (job) => job.owner },
  team: { name: "Team", width: "6rem", from: "xl", cell: (job) => job.team },
  asks: { name: "Asks for", width: "11.5rem", from: "xl", cell: (job) => requestText(job.requests) },
  node: { name: "Node", width: "7rem", from: "md", cell: (job) => dash(job.nodes.length > 1 ? `${job.nodes[0]} +${job.nodes.length - 1}` : job.nodes[0]) },
  priority: { name: "Priority", width: "4.5rem", from: "md", cell: (job) => job.priority },
  attempts: { name: "Attempts", width: "5rem", from: "xl", cell: (job) => dash(job.epoch) },
  exit: { name: "Exit", width: "5rem", from: "xl", cell: (job) => dash(exitText(job)) },
  image: { name: "Image", width: "11rem", from: "xl", cell: (job) => <span title={job.image} className="font-mono text-xs">{job.image}</span> },
  labels: {
    name: "Labels",
    width: "11rem",
    from: "xl",
    cell: (job) => dash(Object.entries(job.labels).map(([key, value]) => `${key}=${value}`).join(", ")),
  },
} as const satisfies Record<string, JobColumn>;

export type JobColumnId = keyof typeof JOB_COLUMNS;
export const DEFAULT_COLUMNS: readonly JobColumnId[] = ["queue", "owner", "asks", "node"];

/** The columns that an address names; the usual ones where it names none. */
export function columnsOf(text: string | undefined): readonly JobColumnId[] {
  if (text === undefined) return DEFAULT_COLUMNS;
  return (Object.keys(JOB_COLUMNS) as JobColumnId[]).filter((id) => text.split(",").includes(id));
}

/** The widths of the columns, for the element round a table of jobs. */
export function jobGrid(columns: readonly JobColumnId[], choosing: boolean): CSSProperties {
  const before = choosing ? "1.25rem " : "";
  const template = (shown: readonly JobColumn[]) =>
    `${before}6.75rem minmax(0,1fr) ${shown.map((column) => column.width).join(" ")} 6rem`;
  const all = columns.map((id) => JOB_COLUMNS[id] as JobColumn);
  return {
    "--jobs-narrow": `${before}6rem minmax(0,1fr) auto`,
    "--jobs-middle": template(all.filter((column) => column.from === "md").slice(0, 3)),
    "--jobs-wide": template(all),
  } as CSSProperties;
}

const GRID =
  "grid gap-x-3 [grid-template-columns:var(--jobs-narrow)] md:gap-x-4 md:[grid-template-columns:var(--jobs-middle)] xl:[grid-template-columns:var(--jobs-wide)]";

/** On a screen of middle width there is room for three. */
function visibility(columns: readonly JobColumnId[], id: JobColumnId): string {
  const middle = columns.filter((one) => JOB_COLUMNS[one].from === "md").slice(0, 3);
  return middle.includes(id) ? "max-md:hidden" : "max-xl:hidden";
}

export function JobRowsHead({ columns = DEFAULT_COLUMNS, lead }: { columns?: readonly JobColumnId[]; lead?: ReactNode }) {
  return (
    <div role="row" className={`${GRID} h-9 items-center border-b px-4 text-xs font-medium text-ink-faint`}>
      {lead !== undefined && <span role="columnheader">{lead}</span>}
      <span role="columnheader">State</span>
      <span role="columnheader">Job</span>
      {columns.map((id) => <span key={id} role="columnheader" className={`truncate ${visibility(columns, id)}`}>{JOB_COLUMNS[id].name}</span>)}
      <span role="columnheader" className="text-right">Time</span>
    </div>
  );
}

export function JobRow({ job, columns = DEFAULT_COLUMNS, lead }: { job: Job; columns?: readonly JobColumnId[]; lead?: ReactNode }) {
  const note = jobSentence(job) || (job.state === "failed" && exitText(job)) || job.image;
  return (
    <div
      role="row"
      data-job={job.id}
      className={`${GRID} relative h-14 items-center px-4 py-2 transition-colors hover:bg-hover/70 has-[a:focus-visible]:bg-hover`}
    >
      {lead !== undefined && <span role="cell" className="relative z-10">{lead}</span>}
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
        <span className="block truncate text-xs text-ink-soft" title={note || undefined}>{note}</span>
      </span>
      {columns.map((id) => (
        <span key={id} role="cell" className={`truncate text-sm text-ink-soft ${visibility(columns, id)}`}>{JOB_COLUMNS[id].cell(job)}</span>
      ))}
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
