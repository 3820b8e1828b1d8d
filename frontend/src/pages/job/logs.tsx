/// The log of each task of each attempt; of a failed job it opens where the log first speaks of an error.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { jobQueries } from "@/api/job-queries";
import type { Attempt, Job } from "@/api/types";
import { attemptLook } from "@/domain/looks";
import { LogView } from "@/logs/view";
import { Card, Empty, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

const route = getRouteApi("/app/jobs/$jobId");

/** Of more the first are shown as chips, and the others in a list. */
const SHOWN_RANKS = 16;

const CHIP =
  "inline-flex h-7 items-center gap-1.5 rounded-full border bg-panel px-3 text-sm text-ink-soft hover:text-ink aria-pressed:border-accent-line aria-pressed:bg-accent-soft aria-pressed:text-ink";

export function LogsTab({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const search = route.useSearch();
  if (!attempts) return <Card><SkeletonRows rows={6} /></Card>;
  const epoch = search.attempt ?? job.epoch;
  const attempt = attempts.find((one) => one.epoch === epoch);
  if (!attempt) {
    return (
      <Card>
        <Empty title="Nothing has run yet">The log appears here as soon as the job is placed on a node.</Empty>
      </Card>
    );
  }
  const rank = search.rank ?? 0;
  return (
    <div className="space-y-3">
      {(attempts.length > 1 || attempt.tasks.length > 1) && <Chips attempts={attempts} attempt={attempt} rank={rank} />}
      <OneLog key={`${epoch}/${rank}`} job={job} attempt={attempt} rank={rank} />
    </div>
  );
}

function Chips({ attempts, attempt, rank }: { attempts: Attempt[]; attempt: Attempt; rank: number }) {
  const navigate = route.useNavigate();
  const show = (to: { attempt?: number; rank?: number }) =>
    void navigate({ search: (before) => ({ ...before, ...to, tab: "logs", at: undefined }), replace: true });
  const { tasks } = attempt;
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {attempts.length > 1 &&
        attempts.toSorted((a, b) => a.epoch - b.epoch).map((one) => (
          <button
            key={one.id}
            type="button"
            aria-pressed={one.epoch === attempt.epoch}
            className={CHIP}
            onClick={() => show({ attempt: one.epoch, rank: undefined })}
          >
            <StateIcon look={attemptLook[one.state]} /> Attempt {one.epoch}
          </button>
        ))}
      {tasks.length > 1 &&
        tasks.slice(0, SHOWN_RANKS).map((task) => (
          <button key={task.rank} type="button" title={task.node} aria-pressed={task.rank === rank} className={CHIP} onClick={() => show({ rank: task.rank })}>
            Rank {task.rank}
          </button>
        ))}
      {tasks.length > SHOWN_RANKS && (
        <select
          aria-label="Rank"
          value={rank}
          className="select h-7 rounded-full border bg-panel pr-8 pl-3 text-sm"
          onChange={(event) => show({ rank: Number(event.target.value) })}
        >
          {tasks.map((task) => <option key={task.rank} value={task.rank}>{`Rank ${task.rank} on ${task.node}`}</option>)}
        </select>
      )}
    </div>
  );
}

function OneLog({ job, attempt, rank }: { job: Job; attempt: Attempt; rank: number }) {
  const { at } = route.useSearch();
  const navigate = route.useNavigate();
  const hasFailed = attempt.state === "failed" && at === undefined;
  const error = useQuery({ ...jobQueries.firstError(job.id, attempt.epoch, rank), enabled: hasFailed });
  // Where to begin is decided once: a log must not jump under somebody who reads it.
  if (hasFailed && error.isPending) return <Card><SkeletonRows rows={6} /></Card>;
  return (
    <LogView
      source={{ jobId: job.id, epoch: attempt.epoch, rank }}
      fileName={`${job.name}-${attempt.epoch}${attempt.tasks.length > 1 ? `-${rank}` : ""}.log`}
      from={at ?? error.data ?? undefined}
      marked={at ?? (hasFailed ? (error.data ?? undefined) : undefined)}
      onMark={(offset) => void navigate({ search: (before) => ({ ...before, tab: "logs", at: offset }), replace: true })}
    />
  );
}
