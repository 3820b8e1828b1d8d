/// One machine: how it is, what it does, what it did, and what may be done with it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Eraser, Pause, Play, Tags, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries } from "@/api/admin";
import type { CachedImage, NodeEvent } from "@/api/admin-types";
import { explain } from "@/api/errors";
import { queries, useCordon } from "@/api/queries";
import type { Job, Node } from "@/api/types";
import { failures, nodeEventLook } from "@/domain/fleet";
import { nodeLook } from "@/domain/looks";
import { engineText, meters } from "@/domain/node";
import { adminOnly } from "@/domain/roles";
import { bytes, plural, sentence } from "@/lib/format";
import { Button } from "@/ui/button";
import { Columns, DetailHead, FactList, Nothing } from "@/ui/detail";
import { JobLines } from "@/ui/job-lines";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, Empty, Meter, Skeleton, SkeletonRows, Tag, Time } from "@/ui/parts";
import { ReservationsCard } from "@/ui/reservations";
import { StateIcon } from "@/ui/state-mark";
import { UsageCharts } from "@/ui/usage-charts";

import { CordonDialog, DrainDialog, LabelsDialog, RemoveNode } from "./node-actions";
import { NodeGpus } from "./node-gpus";

const route = getRouteApi("/app/nodes/$nodeId");
const SHOWN_JOBS = 12;
const SHOWN_IMAGES = 12;

export function NodePage() {
  const { nodeId } = route.useParams();
  const node = useQuery(adminQueries.node(nodeId));
  if (node.isError && !node.data) return <Card><Broken error={node.error} retry={() => void node.refetch()} /></Card>;
  if (!node.data) return <Loading />;
  return <Whole node={node.data} />;
}

function Whole({ node }: { node: Node }) {
  return (
    <>
      <DetailHead up={{ to: "/nodes", text: "Nodes" }} title={node.name} look={nodeLook[node.state]} reason={node.message} note={<Heartbeat node={node} />}>
        <Actions node={node} />
      </DetailHead>
      <Columns
        main={
          <>
            <Card title="Capacity held" aside={plural(node.running_jobs, "job runs", "jobs run")}>
              <div className="grid grid-cols-1 gap-x-8 gap-y-4 px-4 py-4 sm:grid-flow-col sm:auto-cols-fr">
                {meters(node.allocated, node.capacity).map((meter) => <Meter key={meter.label} {...meter} />)}
                <Meter
                  label="Disk"
                  used={node.allocated.disk_bytes}
                  total={node.capacity.disk_bytes}
                  text={`${bytes(node.allocated.disk_bytes)} of ${bytes(node.capacity.disk_bytes)}`}
                />
              </div>
            </Card>
            <KeptFor node={node} />
            {node.gpus.length > 0 && <NodeGpus node={node} />}
            <Use node={node} />
            <LatestJobs node={node} />
          </>
        }
        side={
          <>
            <About node={node} />
            <Images images={node.images ?? undefined} />
            <History id={node.id} />
          </>
        }
      />
    </>
  );
}

function KeptFor({ node }: { node: Node }) {
  const clusters = useQuery(queries.clusters());
  const cluster = clusters.data?.items.find(({ name }) => name === node.cluster)?.id;
  const kept = useQuery({ ...adminQueries.reservations(cluster ?? ""), enabled: cluster !== undefined });
  const items = kept.data?.items.filter(({ nodes }) => nodes.some(({ node_id: id }) => id === node.id));
  return <ReservationsCard title="Kept" items={items ?? []} />;
}

function Heartbeat({ node }: { node: Node }) {
  return (
    <>
      <Link to="/clusters" className="hover:text-accent">{node.cluster}</Link>
      {" · "}
      {node.last_seen_at ? <>heard <Time at={node.last_seen_at} /></> : "never heard from"}
    </>
  );
}

function Actions({ node }: { node: Node }) {
  const cordon = useCordon();
  const navigate = route.useNavigate();
  const [open, setOpen] = useState<"cordon" | "drain" | "labels" | "remove">();
  const reason = adminOnly("changes nodes");
  const cordoned = node.state === "cordoned";
  const close = () => setOpen(undefined);
  return (
    <>
      {cordon.isError && <p role="alert" className="text-xs text-bad">{explain(cordon.error).detail}</p>}
      {cordoned ? (
        <Button icon={<Play size={14} aria-hidden />} disabledReason={reason} busy={cordon.isPending} onClick={() => cordon.mutate({ id: node.id, cordoned: false })}>
          Uncordon
        </Button>
      ) : (
        <Button icon={<Pause size={14} aria-hidden />} disabledReason={reason} onClick={() => setOpen("cordon")}>
          Cordon
        </Button>
      )}
      <Button icon={<Eraser size={14} aria-hidden />} disabledReason={reason} onClick={() => setOpen("drain")}>
        Drain
      </Button>
      <MoreMenu
        label="More"
        actions={[
          { text: "Labels…", icon: <Tags size={14} />, disabledReason: reason, run: () => setOpen("labels") },
          { text: "Remove…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason, run: () => setOpen("remove") },
        ]}
      />
      {open === "cordon" && <CordonDialog node={node} onClose={close} />}
      {open === "drain" && <DrainDialog node={node} onClose={close} />}
      {open === "labels" && <LabelsDialog node={node} onClose={close} />}
      {open === "remove" && <RemoveNode node={node} onClose={close} onDone={() => void navigate({ to: "/nodes", search: {} })} />}
    </>
  );
}

function Use({ node }: { node: Node }) {
  const metrics = useQuery(queries.nodeMetrics(node.id));
  if (metrics.isError && !metrics.data) return <Card title="In use"><Broken error={metrics.error} retry={() => void metrics.refetch()} /></Card>;
  if (!metrics.data) return <Card title="In use"><SkeletonRows rows={3} /></Card>;
  const points = metrics.data.points;
  if (points.length === 0) return <Card title="In use"><Nothing>Nothing was measured in the last hour.</Nothing></Card>;
  const { cpu_milli: cpuMilli, memory_bytes: memoryBytes, gpus } = node.capacity;
  const gpuMemoryBytes = node.gpus.reduce((sum, gpu) => sum + gpu.memory_bytes, 0);
  return (
    <section aria-label="What it uses, the last hour">
      <h2 className="sr-only">In use, the last hour</h2>
      <UsageCharts points={points} limits={{ cpuMilli, memoryBytes, gpus, gpuMemoryBytes }} />
    </section>
  );
}

function LatestJobs({ node }: { node: Node }) {
  const jobs = useQuery(adminQueries.nodeJobs(node.id));
  const items = jobs.data?.items;
  return (
    <Card
      title="Latest jobs"
      aside={
        <span className="flex gap-3">
          {items && <FailureRate jobs={items} />}
          <Link to="/jobs" search={{ node: node.name }} className="hover:text-ink">All jobs</Link>
        </span>
      }
    >
      {jobs.isPending && <SkeletonRows rows={4} />}
      {jobs.isError && !items && <Broken error={jobs.error} retry={() => void jobs.refetch()} />}
      {items?.length === 0 && <Empty title="It has run no job yet">Jobs come by themselves when they fit.</Empty>}
      {items && items.length > 0 && <JobLines label="Latest jobs" jobs={items.slice(0, SHOWN_JOBS)} />}
    </Card>
  );
}

function FailureRate({ jobs }: { jobs: Job[] }) {
  const { ended, failed } = failures(jobs);
  if (ended === 0) return null;
  const percent = Math.round((failed / ended) * 100);
  return (
    <span className={percent >= 50 && ended >= 5 ? "font-medium text-bad" : ""} title={`${failed} of the last ${ended} jobs that ended here`}>
      {failed === 0 ? `none of the last ${ended} failed` : `${percent} % of the last ${ended} failed`}
    </span>
  );
}

function About({ node }: { node: Node }) {
  const labels = Object.entries(node.labels);
  return (
    <Card title="About">
      <FactList
        items={[
          ["Cluster", node.cluster],
          ["Joined", <Time key="joined" at={node.registered_at} />],
          ["Agent", node.agent_version || "–"],
          ["Engine", engineText(node) || "–"],
          ...(node.drain ? ([["Drained by", <Time key="drain" at={node.drain.deadline} />]] as const) : []),
        ]}
      />
      <div className="flex flex-wrap gap-1.5 border-t px-4 py-3">
        {labels.length === 0 && <span className="text-sm text-ink-faint">No labels</span>}
        {labels.map(([key, value]) => <Tag key={key}>{`${key}=${value}`}</Tag>)}
      </div>
    </Card>
  );
}

function Images({ images }: { images: CachedImage[] | undefined }) {
  const total = images?.reduce((sum, image) => sum + image.bytes, 0) ?? 0;
  return (
    <Card title="Images it has" aside={images && images.length > 0 ? bytes(total) : undefined}>
      {!images && <Nothing>Its agent does not tell, or you may not see.</Nothing>}
      {images?.length === 0 && <Nothing>None yet. The first job of an image pulls it.</Nothing>}
      {images && images.length > 0 && (
        <ul className="divide-y">
          {images.slice(0, SHOWN_IMAGES).map((image) => (
            <li key={image.id} className="flex items-baseline justify-between gap-3 px-4 py-2.5 text-sm">
              <span className="min-w-0 truncate font-mono text-xs" title={image.names.join("\n") || image.id}>
                {image.names[0] ?? image.id.slice(0, 19)}
              </span>
              <span className="shrink-0 text-ink-soft">{bytes(image.bytes)}</span>
            </li>
          ))}
          {images.length > SHOWN_IMAGES && <li className="px-4 py-2.5 text-xs text-ink-faint">{plural(images.length - SHOWN_IMAGES, "more image")}</li>}
        </ul>
      )}
    </Card>
  );
}

function History({ id }: { id: string }) {
  const events = useQuery(adminQueries.nodeEvents(id));
  const items = events.data?.items;
  return (
    <Card title="History">
      {events.isPending && <SkeletonRows rows={3} />}
      {events.isError && !items && <Broken error={events.error} retry={() => void events.refetch()} />}
      {items && (
        <ol aria-label="History, the latest first" className="max-h-112 divide-y overflow-y-auto" tabIndex={0}>
          {items.map((event) => <Entry key={event.id} event={event} />)}
        </ol>
      )}
    </Card>
  );
}

function Entry({ event }: { event: NodeEvent }) {
  const look = nodeEventLook[event.kind];
  return (
    <li className="flex gap-3 px-4 py-2.5 text-sm">
      <span className="mt-1"><StateIcon look={look} /></span>
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline justify-between gap-3">
          <span className="font-medium">{look.word}</span>
          <span className="text-xs text-ink-faint"><Time at={event.at} /></span>
        </span>
        <span className="block text-xs break-words text-ink-soft">{sentence(event.message)}</span>
      </span>
    </li>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading">
      <Skeleton className="mb-3 h-4 w-24" />
      <Skeleton className="mb-8 h-7 w-64" />
      <Card><SkeletonRows rows={5} /></Card>
    </div>
  );
}
