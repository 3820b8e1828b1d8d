/// One cluster: its nodes, the keys with which they join, and the queues that lead to it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useDeleteCluster, useRevokeJoinKey, useUpdateCluster } from "@/api/admin";
import { queries } from "@/api/queries";
import type { Cluster, JoinKey, Node } from "@/api/types";
import { POLICIES } from "@/domain/fleet";
import { type Look, nodeLook } from "@/domain/looks";
import { meters } from "@/domain/node";
import { adminOnly } from "@/domain/roles";
import { plural, sentence } from "@/lib/format";
import { Bar } from "@/ui/bar";
import { Button } from "@/ui/button";
import { Columns, DetailHead, FactList, Nothing } from "@/ui/detail";
import { Confirm, Dialog } from "@/ui/dialog";
import { GpuGrid } from "@/ui/gpus";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, Empty, Meter, SkeletonRows, Time } from "@/ui/parts";
import { ReservationsCard } from "@/ui/reservations";
import { StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

import { AddNode } from "./add-node";
import { ClusterForm } from "./clusters";

const route = getRouteApi("/app/clusters/$clusterId");

export function ClusterPage() {
  const { clusterId } = route.useParams();
  const cluster = useQuery(adminQueries.cluster(clusterId));
  const nodes = useQuery(adminQueries.clusterNodes(clusterId));
  const kept = useQuery(adminQueries.reservations(clusterId));
  const [adding, setAdding] = useState(false);
  if (cluster.isError && !cluster.data) return <Card><Broken error={cluster.error} retry={() => void cluster.refetch()} /></Card>;
  if (!cluster.data) return <Card><SkeletonRows rows={6} /></Card>;
  const { data } = cluster;
  const add = (
    <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("adds nodes")} onClick={() => setAdding(true)}>
      Add node
    </Button>
  );
  return (
    <>
      <DetailHead
        up={{ to: "/clusters", text: "Clusters" }}
        title={data.name}
        note={`${data.nodes_alive} of ${plural(data.nodes, "node")} up · ${POLICIES[data.placement_policy].text.toLowerCase()} placement`}
      >
        {add}
        <Actions cluster={data} />
      </DetailHead>
      <Columns
        main={
          <>
            <Card title="Capacity held">
              <div className="grid grid-cols-1 gap-x-8 gap-y-4 px-4 py-4 sm:grid-flow-col sm:auto-cols-fr">
                {meters(data.allocated, data.capacity).map((meter) => <Meter key={meter.label} {...meter} />)}
              </div>
            </Card>
            <ReservationsCard title="Kept nodes" items={kept.data?.items ?? []} />
            <Listing
              query={nodes}
              title="Nodes"
              aside={nodes.data?.items.length}
              label={`Nodes of ${data.name}`}
              columns={NODE_COLUMNS}
              rowKey={(node) => node.id}
              empty={<Empty title="No node has joined" action={<div className="flex justify-center">{add}</div>}>It takes one command on the machine.</Empty>}
            />
          </>
        }
        side={
          <>
            <JoinKeys cluster={data} onAdd={() => setAdding(true)} />
            <QueuesOf name={data.name} />
            <Card title="About">
              <FactList
                items={[
                  ["Placement", POLICIES[data.placement_policy].text],
                  ["Patience with a silent node", data.max_disconnect],
                  ["Made", <Time key="made" at={data.created_at} />],
                ]}
              />
            </Card>
          </>
        }
      />
      {adding && <AddNode cluster={data.id} onClose={() => setAdding(false)} />}
    </>
  );
}

const NODE_COLUMNS: Column<Node>[] = [
  {
    head: "Node",
    grow: true,
    cell: (node) => (
      <>
        <Link to="/nodes/$nodeId" params={{ nodeId: node.id }} className="font-medium break-all hover:text-accent">
          {node.name}
        </Link>
        {node.message && <span className="mt-0.5 line-clamp-2 text-xs text-ink-soft" title={node.message}>{sentence(node.message)}</span>}
        {node.gpus.length > 0 && <span className="mt-1.5 block"><GpuGrid node={node} /></span>}
      </>
    ),
  },
  { head: "State", cell: (node) => <StateMark look={nodeLook[node.state]} /> },
  { head: "Jobs", cell: (node) => node.running_jobs, number: true, wide: true },
  { head: "CPU", wide: true, cell: (node) => <Held node={node} of={0} /> },
  { head: "Memory", wide: true, cell: (node) => <Held node={node} of={1} /> },
  { head: "Heard", cell: (node) => (node.last_seen_at ? <Time at={node.last_seen_at} /> : "never"), number: true, wide: true },
];

/** What is held of the first or second of its meters. */
function Held({ node, of }: { node: Node; of: number }) {
  const meter = meters(node.allocated, node.capacity)[of];
  return meter ? <Bar className="w-28" part={meter.total > 0 ? meter.used / meter.total : 0} text={meter.text} /> : null;
}

function Actions({ cluster }: { cluster: Cluster }) {
  const [open, setOpen] = useState<"edit" | "delete">();
  const update = useUpdateCluster();
  const remove = useDeleteCluster();
  const navigate = route.useNavigate();
  const close = () => setOpen(undefined);
  const reason = adminOnly("changes clusters");
  return (
    <>
      <MoreMenu
        label="More"
        actions={[
          { text: "Edit…", icon: <Pencil size={14} />, disabledReason: reason, run: () => setOpen("edit") },
          {
            text: "Delete…",
            icon: <Trash2 size={14} />,
            danger: true,
            disabledReason: reason ?? (cluster.nodes > 0 ? "It has nodes; remove them first." : null),
            run: () => setOpen("delete"),
          },
        ]}
      />
      {open === "edit" && (
        <Dialog open onClose={close} title={`Edit ${cluster.name}`}>
          <ClusterForm
            action="Save"
            error={update.error}
            busy={update.isPending}
            initial={cluster}
            onClose={close}
            onSubmit={(change) => update.mutate({ id: cluster.id, change }, { onSuccess: close })}
          />
        </Dialog>
      )}
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={`Delete ${cluster.name}?`}
        action="Delete the cluster"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(cluster.id, { onSuccess: () => void navigate({ to: "/clusters" }) })}
      >
        Its join keys go with it. A cluster that a queue leads to stays.
      </Confirm>
    </>
  );
}

const KEY_LOOKS: Record<"good" | "used" | "expired" | "revoked", Look> = {
  good: { word: "Good", tone: "good", shape: "dot" },
  used: { word: "Used up", tone: "idle", shape: "check" },
  expired: { word: "Expired", tone: "idle", shape: "slash" },
  revoked: { word: "Revoked", tone: "bad", shape: "slash" },
};

function keyState(key: JoinKey): keyof typeof KEY_LOOKS {
  if (key.revoked_at) return "revoked";
  if (!key.reusable && key.uses > 0) return "used";
  return key.expires_at && Date.parse(key.expires_at) < Date.now() ? "expired" : "good";
}

function JoinKeys({ cluster, onAdd }: { cluster: Cluster; onAdd: () => void }) {
  const keys = useQuery(adminQueries.joinKeys(cluster.id));
  const [revoking, setRevoking] = useState<JoinKey>();
  const items = keys.data?.items.toSorted((a, b) => Number(keyState(b) === "good") - Number(keyState(a) === "good"));
  return (
    <Card title="Join keys" aside={<button type="button" onClick={onAdd} className="hover:text-ink">New key</button>}>
      {keys.isPending && <SkeletonRows rows={2} />}
      {keys.isError && !items && <Nothing>{adminOnly("sees join keys") ?? "They could not be read."}</Nothing>}
      {items?.length === 0 && <Nothing>None yet. One is made when a node is added.</Nothing>}
      {items && items.length > 0 && (
        <ul className="max-h-96 divide-y overflow-y-auto">
          {items.map((key) => (
            <li key={key.id} className="flex items-center gap-3 px-4 py-2.5 text-sm">
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium" title={key.name}>{key.name}</span>
                {key.prefix && <code title={`It begins with ${key.prefix}`} className="block truncate font-mono text-xs text-ink-faint">{`${key.prefix}_…`}</code>}
                <span className="block text-xs text-ink-faint">
                  {key.reusable ? `several machines, ${plural(key.uses, "use")}` : key.uses > 0 ? "one machine, joined" : "one machine"}
                  {keyState(key) === "good" && key.expires_at && <>, ends <Time at={key.expires_at} /></>}
                </span>
              </span>
              <StateMark look={KEY_LOOKS[keyState(key)]} />
              {keyState(key) === "good" && (
                <MoreMenu
                  label={`More for ${key.name}`}
                  actions={[{ text: "Revoke…", icon: <Trash2 size={14} />, danger: true, disabledReason: adminOnly("revokes keys"), run: () => setRevoking(key) }]}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {revoking && <Revoke cluster={cluster} joinKey={revoking} onClose={() => setRevoking(undefined)} />}
    </Card>
  );
}

function Revoke({ cluster, joinKey, onClose }: { cluster: Cluster; joinKey: JoinKey; onClose: () => void }) {
  const revoke = useRevokeJoinKey();
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Revoke ${joinKey.name}?`}
      action="Revoke the key"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate({ cluster: cluster.id, key: joinKey.id }, { onSuccess: onClose })}
    >
      No node joins with it any more. Those that have joined stay.
    </Confirm>
  );
}

function QueuesOf({ name }: { name: string }) {
  const queues = useQuery(queries.queues());
  const items = queues.data?.items.filter((queue) => queue.clusters.includes(name));
  return (
    <Card title="Queues that lead here">
      {!items && <SkeletonRows rows={2} />}
      {items?.length === 0 && <Nothing>None, so no job comes here. Name the cluster in a queue.</Nothing>}
      {items && items.length > 0 && (
        <ul className="divide-y">
          {items.map((queue) => (
            <li key={queue.id} className="flex items-baseline justify-between gap-3 px-4 py-2.5 text-sm">
              <Link to="/queues/$queueId" params={{ queueId: queue.id }} className="min-w-0 truncate font-medium hover:text-accent">
                {queue.name}
              </Link>
              <span className="shrink-0 text-ink-faint">{queue.clusters.indexOf(name) === 0 ? "first choice" : `choice ${queue.clusters.indexOf(name) + 1}`}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
