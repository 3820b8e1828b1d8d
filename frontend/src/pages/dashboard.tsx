/// Is it healthy, is it busy, what needs me?
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2, ChevronRight, Plus, TriangleAlert } from "lucide-react";

import { queries } from "@/api/queries";
import type { JobCounts, Node, Queue } from "@/api/types";
import { JOB_STATES, reasonWord } from "@/domain/job";
import { jobLook, nodeLook } from "@/domain/looks";
import { isAlive, meters, sum } from "@/domain/node";
import { plural } from "@/lib/format";
import { buttonClass } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { GpuGrid } from "@/ui/gpus";
import { JobRow, JobRowsHead } from "@/ui/job-rows";
import { Broken, Card, Empty, Meter, PageHead, Skeleton, SkeletonRows } from "@/ui/parts";
import { StateIcon, StateMark } from "@/ui/state-mark";

const RECENT_JOBS = 8;
const SHOWN_NODES = 24;

export function DashboardPage() {
  const counts = useQuery(queries.jobCounts());
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
        {counts.isError ? <Card><Broken error={counts.error} retry={() => void counts.refetch()} /></Card> : <Counts counts={counts.data} />}
        <div className="grid grid-cols-1 gap-5 xl:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
          <NodesCard nodes={nodes.data?.items} />
          <div className="space-y-5">
            <Attention concerns={concerns} />
            <Waiting counts={counts.data} />
          </div>
        </div>
        <Recent />
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

function NodesCard({ nodes }: { nodes: Node[] | undefined }) {
  const totals = nodes && meters(sum(nodes.map((node) => node.allocated)), sum(nodes.filter(isAlive).map((node) => node.capacity)));
  return (
    <Card title="Nodes" className="self-start" aside={<Link to="/nodes" className="hover:text-ink">All nodes</Link>}>
      {!nodes && <SkeletonRows rows={3} />}
      {nodes?.length === 0 && (
        <Empty title="No node has joined" action={<Link to="/nodes" search={{ add: true }} className={buttonClass("primary")}>Add a node</Link>}>
          Jobs wait in their queues until a machine offers to run them.
        </Empty>
      )}
      {nodes && nodes.length > 0 && (
        <>
          <div className="grid grid-cols-1 gap-x-8 gap-y-4 border-b px-4 py-4 sm:grid-flow-col sm:auto-cols-fr">
            {totals?.map((meter) => <Meter key={meter.label} {...meter} />)}
          </div>
          <ul className={`grid grid-cols-1 gap-px overflow-hidden rounded-b-xl bg-line ${nodes.length > 1 ? "sm:grid-cols-2" : ""}`}>
            {nodes.slice(0, SHOWN_NODES).map((node) => <NodeCell key={node.id} node={node} />)}
            {nodes.length > 1 && nodes.length % 2 === 1 && <li aria-hidden className="hidden bg-panel sm:block" />}
          </ul>
          {nodes.length > SHOWN_NODES && (
            <Link to="/nodes" className="block border-t px-4 py-2.5 text-sm text-ink-soft hover:bg-hover">
              {plural(nodes.length - SHOWN_NODES, "more node")}
            </Link>
          )}
        </>
      )}
    </Card>
  );
}

function NodeCell({ node }: { node: Node }) {
  return (
    <li className="space-y-3 bg-panel px-4 py-3.5">
      <div className="flex items-center justify-between gap-3">
        <Link to="/jobs" search={{ node: node.name }} className="truncate font-medium hover:text-accent" title={`Jobs on ${node.name}`}>
          {node.name}
        </Link>
        <StateMark look={nodeLook[node.state]} />
      </div>
      <div className="grid grid-cols-2 gap-4">
        {meters(node.allocated, node.capacity).slice(0, 2).map((meter) => <Meter key={meter.label} {...meter} />)}
      </div>
      <GpuGrid node={node} />
      {node.message && <p className="truncate text-xs text-ink-soft" title={node.message}>{node.message}</p>}
    </li>
  );
}

interface Concern {
  text: string;
  detail: string;
  link: { to: "/jobs"; search: { state: string } } | { to: "/nodes" } | { to: "/queues" };
}

/** What a person should look at, the worst first. */
function attention(counts: JobCounts, nodes: Node[], queues: Queue[]): Concern[] {
  const concerns: Concern[] = [];
  for (const node of nodes.filter((one) => one.state === "unreachable" || one.state === "unhealthy")) {
    concerns.push({ text: `${node.name} is ${node.state}`, detail: node.message || "Its jobs wait for it.", link: { to: "/nodes" } });
  }
  const held = counts.by_state.held ?? 0;
  if (held > 0) {
    concerns.push({
      text: `${plural(held, "job is", "jobs are")} held`,
      detail: "They were lost several times; release or cancel them.",
      link: { to: "/jobs", search: { state: "held" } },
    });
  }
  const hopeless = (counts.queued_by_reason["exceeds-any-node"] ?? 0) + (counts.queued_by_reason["no-matching-nodes"] ?? 0);
  if (hopeless > 0) {
    concerns.push({
      text: `${plural(hopeless, "job")} cannot run here`,
      detail: "No node has what they ask for.",
      link: { to: "/jobs", search: { state: "queued" } },
    });
  }
  for (const queue of queues.filter((one) => one.paused && one.queued > 0)) {
    concerns.push({ text: `${queue.name} is paused`, detail: `${plural(queue.queued, "job waits", "jobs wait")} in it.`, link: { to: "/queues" } });
  }
  return concerns;
}

function Attention({ concerns }: { concerns: Concern[] | null }) {
  return (
    <Card title="Needs attention" aside={concerns && concerns.length > 0 ? concerns.length : undefined}>
      {!concerns && <SkeletonRows rows={2} />}
      {concerns?.length === 0 && (
        <p className="flex items-center gap-2.5 px-4 py-4 text-sm text-ink-soft">
          <CheckCircle2 size={16} className="shrink-0 text-good" aria-hidden /> Nothing does. Every node answers and every job can run.
        </p>
      )}
      {concerns && concerns.length > 0 && (
        <ul className="max-h-80 divide-y overflow-y-auto">
          {concerns.map((concern) => (
            <li key={concern.text}>
              <Link {...concern.link} className="flex items-center gap-3 px-4 py-3 hover:bg-hover focus-visible:-outline-offset-2">
                <TriangleAlert size={16} className="shrink-0 text-warn" aria-hidden />
                <span className="min-w-0 flex-1">
                  <span className="block truncate text-base font-medium">{concern.text}</span>
                  <span className="block truncate text-sm text-ink-soft">{concern.detail}</span>
                </span>
                <ChevronRight size={15} className="shrink-0 text-ink-faint" aria-hidden />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Waiting({ counts }: { counts: JobCounts | undefined }) {
  const reasons = Object.entries(counts?.queued_by_reason ?? {})
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
  const most = reasons[0]?.[1] ?? 1;
  return (
    <Card title="Why jobs wait">
      {!counts && <SkeletonRows rows={2} />}
      {counts && reasons.length === 0 && <p className="px-4 py-4 text-sm text-ink-soft">No job waits.</p>}
      {reasons.length > 0 && (
        <ul className="space-y-3 px-4 py-4">
          {reasons.map(([reason, count]) => (
            <li key={reason} className="text-sm">
              <div className="flex justify-between gap-3">
                <span className="truncate text-ink-soft">{reason === "none" ? "Not looked at yet" : reasonWord(reason)}</span>
                <span className="font-medium">{count.toLocaleString()}</span>
              </div>
              <div aria-hidden className="mt-1 h-1 rounded-full bg-line">
                <div className="h-full rounded-full bg-ink-faint" style={{ width: `${(count / most) * 100}%` }} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Recent() {
  const jobs = useInfiniteQuery(queries.jobs({}, RECENT_JOBS));
  const items = jobs.data?.pages[0]?.items;
  return (
    <Card title="Recent jobs" aside={<Link to="/jobs" className="hover:text-ink">All jobs</Link>}>
      {jobs.isError && <Broken error={jobs.error} retry={() => void jobs.refetch()} />}
      {jobs.isPending && <SkeletonRows rows={4} />}
      {items?.length === 0 && (
        <Empty title="No job yet" action={<CommandBlock text="lilac_cli submit --name hello --image busybox --follow -- echo hello" />}>
          Submit one here, or from a terminal:
        </Empty>
      )}
      {items && items.length > 0 && (
        <div role="table" aria-label="Recent jobs">
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
