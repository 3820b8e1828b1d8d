/// Why a job waits: the reason with its evidence, who is in the way, when it may start, and what would let it start.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Clock3, Lightbulb, ListOrdered } from "lucide-react";
import type { ReactNode } from "react";

import { jobQueries } from "@/api/job-queries";
import type { Estimate, Evidence, Explanation, Job } from "@/api/types";
import { isOver, reasonWord } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { bytes, cpus, duration, exact, plural, sentence } from "@/lib/format";
import { Broken, Card, SkeletonRows, Time } from "@/ui/parts";
import { KeptNodes, ReservationTime } from "@/ui/reservations";
import { StateIcon } from "@/ui/state-mark";

export function SchedulingTab({ job }: { job: Job }) {
  const explanation = useQuery(jobQueries.explain(job.id));
  if (explanation.isError && !explanation.data) {
    return <Card><Broken error={explanation.error} retry={() => void explanation.refetch()} /></Card>;
  }
  if (!explanation.data) return <Card><SkeletonRows rows={5} /></Card>;
  const { data } = explanation;
  const waits = job.state === "queued" || job.state === "held";
  return (
    <div className="grid grid-cols-1 items-start gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="space-y-5">
        <Why job={job} data={data} />
        {waits && data.changes.length > 0 && <Changes data={data} />}
        {data.evidence.length > 0 && <EvidenceCard evidence={data.evidence} />}
      </div>
      <div className="space-y-5">
        {(data.blockers.length > 0 || data.blockers_hidden > 0) && <Blockers data={data} />}
        <History data={data} />
      </div>
    </div>
  );
}

function Why({ job, data }: { job: Job; data: Explanation }) {
  const waits = job.state === "queued" || job.state === "held";
  return (
    <Card title={waits ? "Why it waits" : "How it stands"}>
      <div className="space-y-4 p-4">
        <div className="flex items-start gap-3">
          <span className="mt-1"><StateIcon look={jobLook[job.state]} size={16} /></span>
          <div className="min-w-0">
            <p className="font-medium">{data.reason ? reasonWord(data.reason) : jobLook[job.state].word}</p>
            <p className="mt-0.5 break-words text-ink-soft">{sentence(data.message)}</p>
          </div>
        </div>
        {waits && (
          <ul className="grid gap-3 sm:grid-cols-2">
            <Figure icon={<ListOrdered size={16} />} name="Place in its queue">
              {data.position === 0 ? "Next to be tried" : `${plural(data.position, "job goes", "jobs go")} before it`}
            </Figure>
            <Figure icon={<Clock3 size={16} />} name="Estimated start">
              {data.estimate ? <EstimateText estimate={data.estimate} /> : "Cannot be told"}
            </Figure>
          </ul>
        )}
        {waits && data.estimate && <p className="text-xs text-ink-faint">{sentence(data.estimate.basis)}</p>}
        {waits && data.reservation && (
          <div className="space-y-3 border-t pt-4">
            <p className="text-sm">
              <span className="font-medium">{`${data.reservation.nodes.length === 1 ? "A node is" : "Nodes are"} kept for it: `}</span>
              <KeptNodes reservation={data.reservation} />
            </p>
            <ReservationTime reservation={data.reservation} />
          </div>
        )}
        {isOver(job.state) && <p className="text-sm text-ink-soft">It has ended and waits for nothing.</p>}
      </div>
    </Card>
  );
}

function Figure({ icon, name, children }: { icon: ReactNode; name: string; children: ReactNode }) {
  return (
    <li className="flex items-start gap-3 rounded-lg border bg-raised/60 px-3 py-2.5">
      <span aria-hidden className="mt-0.5 text-accent">{icon}</span>
      <span className="min-w-0">
        <span className="block text-xs text-ink-faint">{name}</span>
        <span className="block font-medium">{children}</span>
      </span>
    </li>
  );
}

/** `in 2m to 14m`, with the moments on hover. */
function EstimateText({ estimate }: { estimate: Estimate }) {
  return <EstimateSpan earliest={estimate.earliest} latest={estimate.latest ?? undefined} />;
}

export function EstimateSpan({ earliest, latest }: { earliest: string; latest: string | undefined }) {
  const now = useNow();
  const ahead = (at: string) => Math.max(0, Date.parse(at) - now);
  const from = ahead(earliest);
  const title = latest ? `${exact(earliest)} to ${exact(latest)}` : `Not before ${exact(earliest)}`;
  const soon = from < 2_000 ? "now" : `in ${duration(from)}`;
  const text = latest === undefined ? (from < 2_000 ? "Open: no bound is known" : `Not before ${duration(from)} from now`) : ahead(latest) - from < 2_000 ? `About ${soon}` : `${sentence(soon)}, at the latest in ${duration(ahead(latest))}`;
  return <span title={title}>{text}</span>;
}

function Changes({ data }: { data: Explanation }) {
  return (
    <Card title="What would let it start">
      <ul className="divide-y">
        {data.changes.map((change) => (
          <li key={`${change.kind}/${change.node ?? ""}/${change.queue ?? ""}`} className="flex gap-3 px-4 py-3">
            <Lightbulb size={16} aria-hidden className="mt-0.5 shrink-0 text-warn" />
            <span className="min-w-0 break-words">{sentence(change.message)}</span>
          </li>
        ))}
      </ul>
      {data.changes.length > 1 && <p className="border-t px-4 py-2.5 text-xs text-ink-faint">All of these together; less would not do.</p>}
    </Card>
  );
}

const DIMENSION_WORDS: Record<Evidence["dimension"], string> = { cpus: "CPUs", memory: "Memory", disk: "Disk", gpus: "GPUs", nodes: "Nodes" };

function amount(dimension: Evidence["dimension"], value: number): string {
  if (dimension === "gpus" || dimension === "nodes") return String(value);
  return dimension === "cpus" ? cpus(value) : bytes(value);
}

/** Of each thing that it asks for: how much, what a node has free at most, and how many nodes have too little. */
function EvidenceCard({ evidence }: { evidence: readonly Evidence[] }) {
  const looked = Math.max(...evidence.map((one) => one.nodes));
  return (
    <Card title="What nodes have" aside={`${plural(looked, "node")} looked at`}>
      <ul className="space-y-4 p-4">
        {evidence.map((one) => {
          const fits = one.nodes - one.nodes_lacking;
          const top = Math.max(one.asked, one.most, 1);
          const share = (value: number) => `${(value / top) * 100}%`;
          const never = one.asked > one.most;
          return (
            <li key={one.dimension}>
              <div className="flex flex-wrap items-baseline justify-between gap-x-4">
                <span className="font-medium">{DIMENSION_WORDS[one.dimension]}</span>
                <span className={`text-sm ${fits > 0 ? "text-ink-soft" : "text-warn"}`}>
                  {fits > 0 ? `${plural(fits, "node has", "nodes have")} it free` : never ? "No node is that large" : "No node has it free"}
                </span>
              </div>
              <div aria-hidden className="relative mt-2 h-2 rounded-full bg-line">
                <div className="hatch absolute inset-y-0 left-0 rounded-full" style={{ width: share(one.most) }} />
                <div className="absolute inset-y-0 left-0 rounded-full bg-good" style={{ width: share(one.most_free) }} />
                <div className={`absolute -inset-y-1 w-0.5 ${fits > 0 ? "bg-ink" : "bg-bad"}`} style={{ left: `min(${share(one.asked)}, calc(100% - 2px))` }} />
              </div>
              <p className="mt-1.5 text-xs text-ink-faint">
                Asks for <b className="font-medium text-ink-soft">{amount(one.dimension, one.asked)}</b>; a node has{" "}
                {amount(one.dimension, one.most_free)} free at most, of {amount(one.dimension, one.most)}.
              </p>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Blockers({ data }: { data: Explanation }) {
  return (
    <Card title="What is in its way" aside={data.blockers.length + data.blockers_hidden}>
      <ul className="divide-y">
        {data.blockers.map((blocker) => (
          <li key={blocker.job_id} className="flex items-center gap-3 px-4 py-2.5">
            <span className="min-w-0 flex-1">
              <Link to="/jobs/$jobId" params={{ jobId: blocker.job_id }} search={{}} className="block truncate font-medium hover:text-accent">
                {blocker.name}
              </Link>
              <span className="block truncate text-xs text-ink-faint">{blocker.owner}</span>
            </span>
            <span className="shrink-0 text-right text-sm text-ink-soft">
              {blocker.ends_by ? <>ends <Time at={blocker.ends_by} /></> : <span title="It has no time limit">no end known</span>}
            </span>
          </li>
        ))}
        {data.blockers_hidden > 0 && (
          <li className="px-4 py-2.5 text-sm text-ink-soft">{plural(data.blockers_hidden, "job")} of other teams</li>
        )}
      </ul>
    </Card>
  );
}

function History({ data }: { data: Explanation }) {
  const items = data.history.toReversed();
  return (
    <Card title="What it was told while it waited">
      {items.length === 0 && <p className="px-4 py-4 text-sm text-ink-soft">No reason is on record.</p>}
      {items.length > 0 && (
        <ol className="max-h-96 divide-y overflow-y-auto" tabIndex={0} aria-label="Reasons, the latest first">
          {items.map((entry) => (
            <li key={`${entry.at}/${entry.reason}`} className="px-4 py-2.5">
              <div className="flex items-baseline justify-between gap-3">
                <span className="font-medium">{reasonWord(entry.reason)}</span>
                <span className="shrink-0 text-xs text-ink-faint"><Time at={entry.at} /></span>
              </div>
              {entry.message && <p className="text-sm break-words text-ink-soft">{sentence(entry.message)}</p>}
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
