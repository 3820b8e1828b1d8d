/// The machines: what they have, what is held of it, and whether they answer.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { queries, useCordon, useRemoveNode } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Node } from "@/api/types";
import { nodeLook } from "@/domain/looks";
import { meters } from "@/domain/node";
import { bytes, cpus, plural, sentence } from "@/lib/format";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { GpuGrid } from "@/ui/gpus";
import { Broken, Card, Empty, Meter, PageHead, SkeletonRows, Tag, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { UsageCharts } from "@/ui/usage-charts";

import { AddNode } from "./add-node";

const route = getRouteApi("/app/nodes");

export function NodesPage() {
  const nodes = useQuery(queries.nodes());
  const { add } = route.useSearch();
  const navigate = route.useNavigate();
  const setAdding = (open: boolean) => void navigate({ search: open ? { add: true } : {}, replace: true });
  const addButton = (
    <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly()} onClick={() => setAdding(true)}>
      Add node
    </Button>
  );
  const items = nodes.data?.items;
  return (
    <>
      <PageHead title="Nodes" note="Machines that run an agent. They dial in; nothing needs to reach them.">
        {addButton}
      </PageHead>
      {nodes.isPending && <Card><SkeletonRows rows={4} /></Card>}
      {nodes.isError && !items && <Card><Broken error={nodes.error} retry={() => void nodes.refetch()} /></Card>}
      {items?.length === 0 && (
        <Card>
          <Empty title="No node has joined" action={addButton}>
            Jobs wait in their queues until a machine offers to run them. It takes one command on that machine.
          </Empty>
        </Card>
      )}
      {items && items.length > 0 && (
        <ul className="space-y-3">
          {items.map((node) => <NodeCard key={node.id} node={node} />)}
        </ul>
      )}
      {add && <AddNode nodes={items} onClose={() => setAdding(false)} />}
    </>
  );
}

function adminOnly(): string | null {
  return currentUser()?.role === "admin" ? null : "Only an administrator changes nodes.";
}

function NodeCard({ node }: { node: Node }) {
  return (
    <li className="rounded-xl border bg-panel shadow-card">
      <div className="grid grid-cols-1 items-center gap-x-8 gap-y-4 px-4 py-4 lg:grid-cols-[minmax(0,15rem)_minmax(0,1fr)_12rem] sm:px-5">
        <div className="min-w-0">
          <div className="flex items-center gap-3">
            <h2 className="truncate text-base font-semibold" title={node.name}>{node.name}</h2>
            <StateMark look={nodeLook[node.state]} />
          </div>
          <p className="mt-0.5 truncate text-sm text-ink-soft">
            {node.cluster} ·{" "}
            <Link to="/jobs" search={{ node: node.name, state: "starting,running" }} className="hover:text-accent">
              {plural(node.running_jobs, "job")}
            </Link>
          </p>
        </div>
        <div className="grid grid-cols-1 gap-x-6 gap-y-3 sm:grid-cols-3">
          {meters(node.allocated, node.capacity).map((meter) => <Meter key={meter.label} {...meter} />)}
        </div>
        <NodeActions node={node} />
      </div>
      {(node.gpus.length > 0 || node.message) && (
        <div className="space-y-2 px-4 pb-4 sm:px-5">
          {node.message && <p className="text-sm text-ink-soft">{sentence(node.message)}</p>}
          <GpuGrid node={node} />
        </div>
      )}
      <NodeUse node={node} />
      <div className="flex flex-wrap items-center gap-x-5 gap-y-1.5 border-t px-4 py-2 text-xs text-ink-faint sm:px-5">
        <span>Heard from {node.last_seen_at ? <Time at={node.last_seen_at} /> : "never"}</span>
        {node.agent_version && <span>Agent {node.agent_version}</span>}
        {node.docker_version && <span>Docker {node.docker_version}</span>}
        <span>Joined <Time at={node.registered_at} /></span>
        {Object.entries(node.labels).map(([key, value]) => <Tag key={key}>{`${key}=${value}`}</Tag>)}
      </div>
    </li>
  );
}

/** What the whole machine uses, for whoever wants to look: read only while it is open. */
function NodeUse({ node }: { node: Node }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="border-t px-4 py-2 sm:px-5" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="cursor-pointer text-xs text-ink-faint hover:text-ink">
        {node.usage
          ? `In use now: ${cpus(node.usage.cpu_milli)} CPUs, ${bytes(node.usage.memory_bytes)} of memory`
          : "What it uses"}
        <span className="sr-only">{` on ${node.name}`}</span>
      </summary>
      {open && <NodeCharts node={node} />}
    </details>
  );
}

function NodeCharts({ node }: { node: Node }) {
  const metrics = useQuery(queries.nodeMetrics(node.id));
  if (metrics.isError && !metrics.data) return <Broken error={metrics.error} retry={() => void metrics.refetch()} />;
  if (!metrics.data) return <SkeletonRows rows={3} />;
  if (metrics.data.points.length === 0) return <p className="py-2 text-sm text-ink-soft">Nothing was measured in the last hour.</p>;
  const { cpu_milli: cpuMilli, memory_bytes: memoryBytes, gpus } = node.capacity;
  const gpuMemoryBytes = node.gpus.reduce((sum, gpu) => sum + gpu.memory_bytes, 0);
  return (
    <div className="py-3">
      <UsageCharts points={metrics.data.points} limits={{ cpuMilli, memoryBytes, gpus, gpuMemoryBytes }} />
    </div>
  );
}

function NodeActions({ node }: { node: Node }) {
  const cordon = useCordon();
  const remove = useRemoveNode();
  const [asking, setAsking] = useState(false);
  const cordoned = node.state === "cordoned";
  return (
    <div className="flex flex-wrap items-center gap-2 lg:justify-end">
      <Button
        disabledReason={adminOnly()}
        busy={cordon.isPending}
        title={cordoned ? "Let new jobs be placed on it" : "Let its jobs finish and place no new ones"}
        onClick={() => cordon.mutate({ id: node.id, cordoned: !cordoned })}
      >
        {cordoned ? "Uncordon" : "Cordon"}
        <span className="sr-only">{node.name}</span>
      </Button>
      <Button look="danger" disabledReason={adminOnly()} onClick={() => setAsking(true)}>
        Remove<span className="sr-only">{node.name}</span>
      </Button>
      {cordon.isError && <p role="alert" className="basis-full text-xs text-bad">{explain(cordon.error).detail}</p>}
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false);
          remove.reset();
        }}
        title={`Remove ${node.name}?`}
        action="It is dead; remove it"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(node.id, { onSuccess: () => setAsking(false) })}
      >
        With this you attest that the machine is off or gone: its jobs go back to their queues at once. If it still ran them,
        they would run twice. To take a living machine out, cordon it and wait.
      </Confirm>
    </div>
  );
}
