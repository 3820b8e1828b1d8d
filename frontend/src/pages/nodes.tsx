/// The machines: what they have, what is held of it, and whether they answer.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Eraser, Plus, Tags, Trash2 } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { queries, useCordon } from "@/api/queries";
import type { Node } from "@/api/types";
import { matching } from "@/domain/fleet";
import { nodeLook } from "@/domain/looks";
import { engineText, isAlive, meters } from "@/domain/node";
import { adminOnly } from "@/domain/roles";
import { plural, sentence } from "@/lib/format";
import { Button } from "@/ui/button";
import { GpuGrid } from "@/ui/gpus";
import { inputClass } from "@/ui/field";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, Empty, Meter, PageHead, Skeleton, Tag, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";

import { AddNode } from "./add-node";
import { DrainDialog, LabelsDialog, RemoveNode } from "./node-actions";

const route = getRouteApi("/app/nodes");

export function NodesPage() {
  const nodes = useQuery(queries.nodes());
  const { add, q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const setAdding = (open: boolean) =>
    void navigate({ search: (kept) => ({ ...kept, add: open ? true : undefined }), replace: true });
  const addButton = (
    <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("adds nodes")} onClick={() => setAdding(true)}>
      Add node
    </Button>
  );
  const items = nodes.data?.items;
  const shown = items && matching(items, q);
  return (
    <>
      <PageHead title="Nodes" note={items && items.length > 0 ? headline(items) : "Machines that run an agent. They dial in; nothing needs to reach them."}>
        {addButton}
      </PageHead>
      {nodes.isPending && <Loading />}
      {nodes.isError && !items && <Card><Broken error={nodes.error} retry={() => void nodes.refetch()} /></Card>}
      {items?.length === 0 && (
        <Card>
          <Empty title="No node has joined" action={addButton}>
            Jobs wait in their queues until a machine offers to run them. It takes one command on that machine.
          </Empty>
        </Card>
      )}
      {items && items.length > 1 && (
        <input
          type="search"
          aria-label="Filter nodes"
          placeholder="Filter by name, state, label or GPU"
          spellCheck={false}
          value={q}
          onChange={(event) => {
            const text = event.target.value;
            void navigate({ search: (kept) => ({ ...kept, q: text || undefined }), replace: true });
          }}
          className={`${inputClass} mb-4 max-w-md`}
        />
      )}
      {shown && shown.length > 0 && (
        <ul className="space-y-3">
          {shown.map((node) => <NodeCard key={node.id} node={node} />)}
        </ul>
      )}
      {shown?.length === 0 && items && items.length > 0 && (
        <Card><Empty title="No node matches">{`None of ${plural(items.length, "node")} has all of “${q}”.`}</Empty></Card>
      )}
      {add && <AddNode onClose={() => setAdding(false)} />}
    </>
  );
}

function headline(nodes: Node[]): string {
  const alive = nodes.filter(isAlive).length;
  const jobs = nodes.reduce((sum, node) => sum + node.running_jobs, 0);
  return `${alive === nodes.length ? `All ${plural(alive, "node")}` : `${alive} of ${plural(nodes.length, "node")}`} up · ${plural(jobs, "job runs", "jobs run")}`;
}

function Loading() {
  return (
    <div role="status" aria-label="Loading" className="space-y-3">
      {[0, 1].map((row) => (
        <div key={row} className="flex items-center gap-8 rounded-xl border bg-panel px-5 py-6">
          <Skeleton className="h-4 w-40" />
          <Skeleton className="h-2 flex-1" />
          <Skeleton className="h-2 flex-1" />
        </div>
      ))}
    </div>
  );
}

// What is far below the fold is not laid out: a thousand nodes open as fast as ten.
const CARD = "rounded-xl border bg-panel shadow-card [contain-intrinsic-size:auto_8rem] [content-visibility:auto]";

function NodeCard({ node }: { node: Node }) {
  const labels = Object.entries(node.labels);
  return (
    <li className={CARD}>
      <div className="grid grid-cols-1 items-center gap-x-8 gap-y-4 px-4 py-4 sm:px-5 lg:grid-cols-[minmax(0,16rem)_minmax(0,1fr)_auto]">
        <div className="min-w-0">
          <div className="flex items-center gap-3">
            <h2 className="min-w-0 truncate text-base font-semibold" title={node.name}>
              <Link to="/nodes/$nodeId" params={{ nodeId: node.id }} className="hover:text-accent">
                {node.name}
              </Link>
            </h2>
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
          {node.message && <p className="text-sm break-words text-ink-soft">{sentence(node.message)}</p>}
          <GpuGrid node={node} />
        </div>
      )}
      <div className="flex flex-wrap items-center gap-x-5 gap-y-1.5 border-t px-4 py-2 text-xs text-ink-faint sm:px-5">
        <span>{node.last_seen_at ? <>Heard <Time at={node.last_seen_at} /></> : "Never heard from"}</span>
        {node.agent_version && <span>Agent {node.agent_version}</span>}
        {engineText(node) && <span>{engineText(node)}</span>}
        {labels.slice(0, 4).map(([key, value]) => <Tag key={key}>{`${key}=${value}`}</Tag>)}
        {labels.length > 4 && <span>{`${labels.length - 4} more`}</span>}
      </div>
    </li>
  );
}

function NodeActions({ node }: { node: Node }) {
  const cordon = useCordon();
  const [open, setOpen] = useState<"drain" | "labels" | "remove">();
  const reason = adminOnly("changes nodes");
  const cordoned = node.state === "cordoned";
  const close = () => setOpen(undefined);
  return (
    <div className="flex flex-wrap items-center gap-2 lg:justify-end">
      <Button
        disabledReason={reason}
        busy={cordon.isPending}
        title={cordoned ? "Let new jobs be placed on it" : "Let its jobs finish and place no new ones"}
        onClick={() => cordon.mutate({ id: node.id, cordoned: !cordoned })}
      >
        {cordoned ? "Uncordon" : "Cordon"}
        <span className="sr-only">{node.name}</span>
      </Button>
      <MoreMenu
        label={`More for ${node.name}`}
        actions={[
          { text: "Drain…", icon: <Eraser size={14} />, disabledReason: reason, run: () => setOpen("drain") },
          { text: "Labels…", icon: <Tags size={14} />, disabledReason: reason, run: () => setOpen("labels") },
          { text: "Remove…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason, run: () => setOpen("remove") },
        ]}
      />
      {cordon.isError && <p role="alert" className="basis-full text-xs text-bad">{explain(cordon.error).detail}</p>}
      {open === "drain" && <DrainDialog node={node} onClose={close} />}
      {open === "labels" && <LabelsDialog node={node} onClose={close} />}
      {open === "remove" && <RemoveNode node={node} onClose={close} />}
    </div>
  );
}
