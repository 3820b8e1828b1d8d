/// Where a job's time went: one bar per attempt, split into waiting, preparing and running.
import type { ReactNode } from "react";

import type { Attempt, Job } from "@/api/types";
import { isOver, jobSentence } from "@/domain/job";
import { attemptLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { duration } from "@/lib/format";
import { StateMark } from "@/ui/state-mark";

interface Phase {
  name: "Queued" | "Preparing" | "Running";
  millis: number;
  live: boolean;
}

const LOOKS: Record<Phase["name"], string> = {
  Queued: "bg-idle-soft text-idle",
  Preparing: "bg-info-soft text-info",
  Running: "bg-accent-soft text-accent",
};
/** Older ones stand in the tab of attempts. */
const SHOWN_ATTEMPTS = 3;

/** The phases of one attempt; `since` is when the job began to wait for it. */
export function phasesOf(attempt: Attempt, since: number, now: number): Phase[] {
  const granted = Date.parse(attempt.granted_at);
  const started = attempt.started_at ? Date.parse(attempt.started_at) : null;
  const finished = attempt.finished_at ? Date.parse(attempt.finished_at) : null;
  const end = finished ?? now;
  const phases: Phase[] = [
    { name: "Queued", millis: granted - since, live: false },
    { name: "Preparing", millis: (started ?? end) - granted, live: started === null && finished === null },
  ];
  if (started !== null) phases.push({ name: "Running", millis: end - started, live: finished === null });
  return phases.map((phase) => ({ ...phase, millis: Math.max(0, phase.millis) }));
}

export function PhaseBar({ job, attempts }: { job: Job; attempts: Attempt[] }) {
  const now = useNow();
  const sorted = attempts.toSorted((a, b) => a.epoch - b.epoch);
  const waitsAgain = !isOver(job.state) && (sorted.length === 0 || sorted.at(-1)?.finished_at);
  const since = (index: number) => Date.parse(sorted[index - 1]?.finished_at ?? job.created_at);
  return (
    <ol aria-label="Phases" className="mt-5 space-y-2">
      {sorted.map((attempt, index) => (
        <Row key={attempt.id} label={sorted.length > 1 ? `Attempt ${attempt.epoch}` : ""} phases={phasesOf(attempt, since(index), now)}>
          {sorted.length > 1 && (
            <span title={jobSentence(attempt)}>
              <StateMark look={attemptLook[attempt.state]} />
            </span>
          )}
        </Row>
      )).slice(-SHOWN_ATTEMPTS)}
      {waitsAgain && (
        <Row label={sorted.length > 0 ? "Next" : ""} phases={[{ name: "Queued", millis: Math.max(0, now - since(sorted.length)), live: true }]} />
      )}
    </ol>
  );
}

function Row({ label, phases, children }: { label: string; phases: Phase[]; children?: ReactNode }) {
  const total = phases.reduce((sum, phase) => sum + phase.millis, 0) || 1;
  return (
    <li className={label ? "grid grid-cols-[1fr_auto] items-center gap-x-3 gap-y-1 sm:grid-cols-[5rem_minmax(0,1fr)_6.5rem]" : ""}>
      {label && <span className="text-sm text-ink-faint">{label}</span>}
      <div className="col-span-2 flex h-7 min-w-0 gap-0.5 overflow-hidden rounded-lg max-sm:order-last sm:col-span-1">
        {phases.map((phase) => (
          <div
            key={phase.name}
            title={`${phase.name} ${duration(phase.millis)}`}
            // The shortest phase must still be readable; the rest is in proportion.
            style={{ flexGrow: phase.millis / total, flexBasis: "8rem" }}
            className={`relative flex min-w-0 items-center gap-1.5 overflow-hidden px-2.5 text-xs whitespace-nowrap ${LOOKS[phase.name]}`}
          >
            <span className="truncate font-medium">{phase.name}</span>
            <span className="shrink-0">{duration(phase.millis)}</span>
            {phase.live && <span aria-hidden className="absolute inset-y-0 right-0 w-1 animate-breathe bg-current" />}
          </div>
        ))}
      </div>
      {children}
    </li>
  );
}
