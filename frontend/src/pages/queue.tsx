/// One queue: who is next and why not yet, what it holds against what it may, and how long jobs waited.
import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Pencil, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useUpdateQueue } from "@/api/admin";
import type { InLine } from "@/api/admin-types";
import { jobQueries } from "@/api/job-queries";
import { queries } from "@/api/queries";
import type { Queue } from "@/api/types";
import { reasonWord } from "@/domain/job";
import { requestText } from "@/domain/node";
import { CONTAINER_POLICIES, DIMENSION_NAMES, fieldsOf, GUARANTEED, PREEMPTION, queueLook, RUN_AS } from "@/domain/queue";
import { adminOnly } from "@/domain/roles";
import { plural, sentence } from "@/lib/format";
import { Columns, DetailHead, FactList, Nothing } from "@/ui/detail";
import { Dialog } from "@/ui/dialog";
import { JobLines } from "@/ui/job-lines";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, SkeletonRows, Tag, Time } from "@/ui/parts";
import { ReservationsCard } from "@/ui/reservations";

import { DeleteQueue } from "./queue-delete";
import { QueueForm } from "./queue-form";
import { QueueShares, QueueWaitsCard } from "./queue-numbers";
import { PauseButton } from "./queues";

const route = getRouteApi("/app/queues/$queueId");
const SHOWN_RUNNING = 8;
/** What a job has that does not say. */
const USUAL_PRIORITY = 50;

export function QueuePage() {
  const { queueId } = route.useParams();
  const found = useQuery(adminQueries.queue(queueId));
  if (found.isError && !found.data) return <Card><Broken error={found.error} retry={() => void found.refetch()} /></Card>;
  if (!found.data) return <Card><SkeletonRows rows={6} /></Card>;
  const { queue, etag } = found.data;
  return (
    <>
      <DetailHead
        up={{ to: "/queues", text: "Queues" }}
        title={queue.name}
        look={queueLook(queue)}
        {...(queue.paused && { reason: "It takes jobs and starts none until it is resumed." })}
        note={`Priority ${queue.priority} · weight ${queue.weight} · ${queue.queued === 0 ? "nothing waits" : plural(queue.queued, "job waits", "jobs wait")} · ${queue.running === 0 ? "nothing runs" : plural(queue.running, "runs", "run")}`}
      >
        <PauseButton queue={queue} />
        <Actions queue={queue} etag={etag} />
      </DetailHead>
      <Columns
        main={
          <>
            <NextInLine id={queue.id} queued={queue.queued} />
            <KeptFor queue={queue} />
            <Running queue={queue} />
          </>
        }
        side={
          <>
            <QueueShares queue={queue} />
            <QueueWaitsCard id={queue.id} />
            <Rules queue={queue} />
          </>
        }
      />
    </>
  );
}

function Actions({ queue, etag }: { queue: Queue; etag: string | undefined }) {
  const [open, setOpen] = useState<"edit" | "delete">();
  const update = useUpdateQueue();
  // The version that the form began with, not the one of the last look.
  const [version, setVersion] = useState(etag);
  const close = () => setOpen(undefined);
  const reason = adminOnly("changes queues");
  return (
    <>
      <MoreMenu
        label="More"
        actions={[
          {
            text: "Edit…",
            icon: <Pencil size={14} />,
            disabledReason: reason,
            run: () => {
              setVersion(etag);
              update.reset();
              setOpen("edit");
            },
          },
          {
            text: "Delete…",
            icon: <Trash2 size={14} />,
            danger: true,
            disabledReason: reason ?? (queue.name === "default" ? "Jobs that name no queue go here." : null),
            run: () => setOpen("delete"),
          },
        ]}
      />
      {open === "edit" && (
        <Dialog open wide onClose={close} title={`Edit ${queue.name}`} description="Jobs that run are not touched by it.">
          <QueueForm
            queue={queue}
            action="Save"
            error={update.error}
            busy={update.isPending}
            onClose={close}
            onSubmit={(_, change) => update.mutate({ id: queue.id, etag: version, change }, { onSuccess: close })}
          />
        </Dialog>
      )}
      {open === "delete" && <DeleteQueue queue={queue} onClose={close} />}
    </>
  );
}

/** The order in which the scheduler would try them, each with why it does not start. */
function NextInLine({ id, queued }: { id: string; queued: number }) {
  const line = useQuery(adminQueries.queueLine(id));
  const items = line.data?.items;
  const beyond = line.data ? queued - line.data.items.length : 0;
  return (
    <Card title="Next in line" aside={items && items.length > 0 ? "in the scheduler’s order, as shares are now" : undefined}>
      {line.isPending && <SkeletonRows rows={4} />}
      {line.isError && !items && <Broken error={line.error} retry={() => void line.refetch()} />}
      {items?.length === 0 && <Nothing>{queued > 0 ? "Those that wait stand in no line yet: they need other jobs, or their turn in an array." : "Nobody waits. What is submitted now is tried at once."}</Nothing>}
      {items && items.length > 0 && (
        <ol aria-label="Next in line" className="divide-y">
          {items.map((one) => <Waiting key={one.job_id} one={one} />)}
        </ol>
      )}
      {line.data && (line.data.hidden > 0 || (beyond > 0 && items && items.length > 0)) && (
        <p className="border-t px-4 py-2.5 text-xs text-ink-faint">
          {line.data.hidden > 0 && `${plural(line.data.hidden, "job", "jobs")} of other teams stand between them. `}
          {beyond > 0 && `${plural(beyond, "more job waits", "more jobs wait")}, later in line or for other jobs.`}
        </p>
      )}
    </Card>
  );
}

function Waiting({ one }: { one: InLine }) {
  return (
    <li className="relative flex gap-4 px-4 py-3 transition-colors hover:bg-hover/70">
      <span className="w-6 shrink-0 pt-0.5 text-right text-sm text-ink-faint">{one.position + 1}</span>
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-baseline gap-x-3">
          <Link to="/jobs/$jobId" params={{ jobId: one.job_id }} search={{}} className="min-w-0 truncate font-medium after:absolute after:inset-0">
            {one.name}
          </Link>
          <span className="text-xs text-ink-faint">{`${one.owner} · ${requestText(one.requests)}${one.priority === USUAL_PRIORITY ? "" : ` · priority ${one.priority}`}`}</span>
        </span>
        <span className="mt-0.5 block text-sm break-words text-ink-soft">
          {one.message ? sentence(one.message) : one.reason ? reasonWord(one.reason) : "There is room for it: it starts with the next plan."}
        </span>
      </span>
      <span className="shrink-0 pt-0.5 text-right text-xs text-ink-faint">
        <Time at={one.created_at} />
      </span>
    </li>
  );
}

/** Nodes that are kept for jobs of this queue, wherever it leads. */
function KeptFor({ queue }: { queue: Queue }) {
  const clusters = useQuery(queries.clusters());
  const led = clusters.data?.items.filter(({ name }) => queue.clusters.includes(name)) ?? [];
  const kept = useQueries({ queries: led.map(({ id }) => adminQueries.reservations(id)) });
  const items = kept.flatMap(({ data }) => data?.items.filter(({ job }) => job?.queue === queue.name) ?? []);
  return <ReservationsCard title="Nodes kept for its jobs" items={items} />;
}

function Running({ queue }: { queue: Queue }) {
  const jobs = useQuery(jobQueries.recent({ queue: queue.name, state: "starting,running" }, SHOWN_RUNNING));
  const items = jobs.data?.items;
  return (
    <Card
      title="Running"
      aside={<Link to="/jobs" search={{ queue: queue.name }} className="hover:text-ink">All its jobs</Link>}
    >
      {jobs.isPending && <SkeletonRows rows={2} />}
      {jobs.isError && !items && <Broken error={jobs.error} retry={() => void jobs.refetch()} />}
      {items?.length === 0 && <Nothing>Nothing runs.</Nothing>}
      {items && items.length > 0 && <JobLines label="Running jobs" jobs={items} />}
    </Card>
  );
}

function Rules({ queue }: { queue: Queue }) {
  const limits = Object.entries(queue.limits).filter(([, value]) => value != null);
  const held = fieldsOf(queue.guaranteed ?? {});
  const assured = GUARANTEED.flatMap((dimension) => (held[dimension] ? [`${held[dimension]} ${DIMENSION_NAMES[dimension]}`] : []));
  const preemption = PREEMPTION[queue.preemption ?? "lower-priority"];
  const others = [...(queue.submitters.teams ?? []).map((team) => `team ${team}`), ...(queue.submitters.users ?? [])];
  return (
    <Card title="Rules">
      <FactList
        items={[
          ["Leads to", <Tags key="clusters" names={queue.clusters} />],
          ["Team", queue.team],
          ["May submit", others.length > 0 ? `${queue.team}, ${others.join(", ")}` : `members of ${queue.team}`],
          ["Guaranteed", assured.length > 0 ? assured.join(", ") : "nothing"],
          ["Takes places", <span key="preemption" title={preemption.means}>{preemption.text}</span>],
          ["One job at most", limits.length > 0 ? limits.map(([name, value]) => `${value} ${name.replaceAll("_", " ")}`).join(", ") : "unbounded"],
          ["Run time by default", queue.default_max_runtime ?? "unbounded"],
          ["Networks", queue.networks.join(", ")],
          ["Containers", <span key="policy" title={CONTAINER_POLICIES[queue.policy].means}>{CONTAINER_POLICIES[queue.policy].text}</span>],
          ["Run as", <span key="run" title={RUN_AS[queue.run_as].means}>{RUN_AS[queue.run_as].text}</span>],
        ]}
      />
    </Card>
  );
}

function Tags({ names }: { names: string[] }) {
  return <span className="flex flex-wrap justify-end gap-1">{names.map((name) => <Tag key={name}>{name}</Tag>)}</span>;
}
