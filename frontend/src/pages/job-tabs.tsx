/// The parts of a job's page.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { queries } from "@/api/queries";
import type { Attempt, Job, PullProgress } from "@/api/types";
import { exitText, jobSentence, reasonWord } from "@/domain/job";
import { attemptLook, jobLook } from "@/domain/looks";
import { requestText } from "@/domain/node";
import { bytes, duration, exact, shortId } from "@/lib/format";
import { Broken, Card, Empty, Facts, SkeletonRows, Tag, Time } from "@/ui/parts";
import { StateIcon, StateMark } from "@/ui/state-mark";
import { type Column, Table } from "@/ui/table";

import { Tasks } from "./job/tasks";

export function OverviewTab({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const latest = attempts?.find((attempt) => attempt.epoch === job.epoch);
  const gpus = latest?.tasks.flatMap((task) => task.gpu_indices.map((index) => `${task.node}:${index}`)) ?? [];
  const image = latest?.tasks[0]?.image;
  const spec = job.spec;
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-2">
      <Card title="Where it stands">
        <div className="space-y-4 p-4">
          <div className="flex items-start gap-3">
            <span className="mt-1"><StateIcon look={jobLook[job.state]} size={16} /></span>
            <div className="min-w-0">
              <p className="font-medium">{jobLook[job.state].word}{job.reason && `: ${reasonWord(job.reason).toLowerCase()}`}</p>
              <p className="text-sm break-words text-ink-soft">{jobSentence(job) || PLAIN_STATE[job.state]}</p>
            </div>
          </div>
          <Facts
            items={[
              ["Caused by", actorText(job.actor)],
              ["Team", job.team],
              ...(job.array
                ? [["Array", <Link key="a" to="/jobs" search={{ array: job.array.id }} className="hover:text-accent">{`${job.array.index + 1} of ${job.array.size}`}</Link>] as const]
                : []),
              ...(job.rerun_of
                ? [["Rerun of", <Link key="r" to="/jobs/$jobId" params={{ jobId: job.rerun_of }} search={{}} className="font-mono text-sm hover:text-accent">{shortId(job.rerun_of)}</Link>] as const]
                : []),
              ...(job.queue_deadline ? [["Waits no longer than", exact(job.queue_deadline)] as const] : []),
              ["Attempts", job.epoch === 0 ? "none yet" : job.epoch > 1 ? `${job.epoch}, of which ${job.attempts_charged} counted` : "1"],
              ["Exit", exitText(job) || "–"],
              ["Submitted", exact(job.created_at)],
              ["Started", job.started_at ? exact(job.started_at) : "–"],
              ["Finished", job.finished_at ? exact(job.finished_at) : "–"],
              ...(job.not_before ? [["Tried again", <Time key="t" at={job.not_before} />] as const] : []),
              ...(latest?.lease_until ? [["Lease until", exact(latest.lease_until)] as const] : []),
            ]}
          />
        </div>
      </Card>
      <Card title="What it is">
        <div className="space-y-4 p-4">
          <Facts
            items={[
              ["Image", <code key="i" className="font-mono text-sm" title={job.image}>{job.image}</code>],
              ...(image?.pull ? [["Pull", pullText(image.pull)] as const] : []),
              ...(image?.digest ? [["Digest", <code key="d" className="font-mono text-sm break-all">{image.digest}</code>] as const] : []),
              ["Asks for", requestText(job.requests)],
              ["Priority", job.priority],
              ["Node", job.nodes.join(", ") || "–"],
              ["Network", spec?.network ?? "bridge"],
              ["Time limit", job.max_runtime ?? spec?.max_runtime ?? "none"],
              ...(gpus.length > 0 ? [["GPUs", gpus.join(", ")] as const] : []),
            ]}
          />
          {spec?.run && <Code label="Script" text={spec.run} />}
          {spec?.command && spec.command.length > 0 && <Code label="Command" text={spec.command.join(" ")} />}
          {Object.keys(job.labels).length > 0 && (
            <div className="flex flex-wrap gap-1.5">
              {Object.entries(job.labels).map(([key, value]) => <Tag key={key}>{`${key}=${value}`}</Tag>)}
            </div>
          )}
        </div>
      </Card>
      <Tasks job={job} attempt={latest} />
    </div>
  );
}

const PLAIN_STATE: Record<Job["state"], string> = {
  queued: "The scheduler has not looked at it yet.",
  starting: "Its node prepares the container.",
  running: "Its program runs.",
  succeeded: "Its program ended without an error.",
  failed: "It failed.",
  cancelled: "It was cancelled.",
  held: "It waits for a person.",
};

/** `3 of 7 layers, 120 MiB of 1 GiB`. */
function pullText({ layers }: PullProgress): string {
  if (layers.length === 0) return "asks the registry";
  const sum = (of: (layer: PullProgress["layers"][number]) => number) => layers.reduce((all, layer) => all + of(layer), 0);
  const done = layers.filter((layer) => layer.state === "done").length;
  const total = sum((layer) => layer.total_bytes);
  return `${done} of ${layers.length} layers${total > 0 ? `, ${bytes(sum((layer) => layer.bytes))} of ${bytes(total)}` : ""}`;
}

/** `user:ada` → `ada`. */
function actorText(actor: string): string {
  const [kind, name] = actor.split(":", 2);
  return name ? `${name}${kind === "node" ? " (node)" : ""}` : actor;
}

function Code({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <p className="mb-1 text-xs text-ink-faint">{label}</p>
      <pre tabIndex={0} aria-label={label} className="max-h-48 overflow-auto rounded-lg border bg-log p-3 font-mono text-[0.78rem] leading-5 whitespace-pre-wrap">
        {text}
      </pre>
    </div>
  );
}

export function EventsTab({ jobId }: { jobId: string }) {
  const events = useQuery(queries.jobEvents(jobId));
  if (events.isError && !events.data) return <Card><Broken error={events.error} retry={() => void events.refetch()} /></Card>;
  if (!events.data) return <Card><SkeletonRows /></Card>;
  const items = events.data.items.toSorted((a, b) => b.sequence - a.sequence);
  return (
    <Card>
      <ol aria-label="Events, the latest first" className="px-4 py-2">
        {items.map((event, index) => (
          <li key={event.sequence} className="relative flex gap-3 py-2.5">
            {index < items.length - 1 && <span aria-hidden className="absolute top-8 -bottom-2 left-[6.5px] w-px bg-line" />}
            <span className="mt-1"><StateIcon look={event.attempt_state ? attemptLook[event.attempt_state] : jobLook[event.state]} /></span>
            <div className="min-w-0 flex-1">
              <p className="text-base">
                <span className="font-medium">{event.attempt_state ? attemptLook[event.attempt_state].word : jobLook[event.state].word}</span>
                {event.reason && <span className="text-ink-soft"> · {reasonWord(event.reason).toLowerCase()}</span>}
                {event.epoch > 0 && <span className="text-ink-faint"> · attempt {event.epoch}</span>}
              </p>
              <p className="text-sm break-words text-ink-soft">{jobSentence(event)}</p>
            </div>
            <p className="shrink-0 text-right text-sm text-ink-faint">
              <Time at={event.at} />
              <span className="block text-xs">{actorText(event.actor)}</span>
            </p>
          </li>
        ))}
      </ol>
    </Card>
  );
}

const ATTEMPT_COLUMNS: Column<Attempt>[] = [
  { head: "Attempt", cell: (attempt) => attempt.epoch },
  { head: "State", cell: (attempt) => <StateMark look={attemptLook[attempt.state]} /> },
  {
    head: "Why",
    grow: true,
    cell: (attempt) => (
      <span className="block min-w-40 text-sm whitespace-normal text-ink-soft">{jobSentence(attempt) || exitText(attempt) || "–"}</span>
    ),
  },
  { head: "Node", cell: (attempt) => attempt.tasks.map((task) => task.node).join(", "), wide: true },
  { head: "Granted", cell: (attempt) => <Time at={attempt.granted_at} />, wide: true },
  {
    head: "Ran for",
    number: true,
    cell: (attempt) =>
      attempt.started_at && attempt.finished_at ? duration(Date.parse(attempt.finished_at) - Date.parse(attempt.started_at)) : "–",
  },
  {
    head: "Log",
    number: true,
    wide: true,
    cell: (attempt) => bytes(attempt.tasks.reduce((total, task) => total + task.log_bytes, 0)),
  },
];

export function AttemptsTab({ attempts }: { attempts: Attempt[] | undefined }) {
  if (!attempts) return <Card><SkeletonRows /></Card>;
  if (attempts.length === 0) return <Card><Empty title="No attempt yet">The scheduler has not placed the job on a node so far.</Empty></Card>;
  return (
    <Card>
      <Table label="Attempts" columns={ATTEMPT_COLUMNS} rows={attempts.toSorted((a, b) => b.epoch - a.epoch)} rowKey={(attempt) => attempt.id} />
    </Card>
  );
}
