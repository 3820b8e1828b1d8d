/// Clusters: sets of nodes that queues lead to.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { useCreateCluster } from "@/api/admin";
import type { PlacementPolicy } from "@/api/admin-types";
import { queries } from "@/api/queries";
import type { Cluster } from "@/api/types";
import { POLICIES } from "@/domain/fleet";
import { meters } from "@/domain/node";
import { adminOnly } from "@/domain/roles";
import { plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Broken, Card, Empty, Meter, PageHead, SkeletonRows } from "@/ui/parts";

export function ClustersPage() {
  const clusters = useQuery(queries.clusters());
  const [creating, setCreating] = useState(false);
  const items = clusters.data?.items;
  return (
    <>
      <PageHead title="Clusters" note="Nodes that belong together. Queues lead to clusters; nodes join one by its key.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("makes clusters")} onClick={() => setCreating(true)}>
          New cluster
        </Button>
      </PageHead>
      {clusters.isPending && <Card><SkeletonRows rows={3} /></Card>}
      {clusters.isError && !items && <Card><Broken error={clusters.error} retry={() => void clusters.refetch()} /></Card>}
      {items?.length === 0 && (
        <Card>
          <Empty title="No cluster" action={<CommandBlock text="lilac_cli cluster create default" />}>Nodes join a cluster; create one first.</Empty>
        </Card>
      )}
      {items && items.length > 0 && (
        <ul className={`grid grid-cols-1 gap-4 ${items.length > 1 ? "xl:grid-cols-2" : ""}`}>
          {items.map((cluster) => <ClusterCard key={cluster.id} cluster={cluster} />)}
        </ul>
      )}
      {creating && <CreateCluster onClose={() => setCreating(false)} />}
    </>
  );
}

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const down = cluster.nodes - cluster.nodes_alive;
  return (
    <li className="relative min-w-0 rounded-xl border bg-panel p-5 shadow-card transition-colors hover:border-line-strong has-[a:focus-visible]:border-accent-line">
      <div className="mb-4 flex items-baseline justify-between gap-4">
        <h2 className="min-w-0 truncate text-lg font-semibold" title={cluster.name}>
          <Link to="/clusters/$clusterId" params={{ clusterId: cluster.id }} className="after:absolute after:inset-0">
            {cluster.name}
          </Link>
        </h2>
        <p className="shrink-0 text-sm text-ink-soft">
          {cluster.nodes === 0 ? "no nodes yet" : `${cluster.nodes_alive} of ${plural(cluster.nodes, "node")} up`}
          {down > 0 && <span className="ml-2 font-medium text-bad">{`${down} down`}</span>}
        </p>
      </div>
      <div className="grid grid-cols-1 gap-x-8 gap-y-3 sm:grid-cols-3">
        {meters(cluster.allocated, cluster.capacity).map((meter) => <Meter key={meter.label} {...meter} />)}
      </div>
      <p className="mt-4 text-xs text-ink-faint">
        {`${POLICIES[cluster.placement_policy].text} placement · jobs wait ${cluster.max_disconnect} for a silent node`}
      </p>
    </li>
  );
}

function CreateCluster({ onClose }: { onClose: () => void }) {
  const create = useCreateCluster();
  const [name, setName] = useState("");
  return (
    <Dialog open onClose={onClose} title="New cluster">
      <ClusterForm
        action="Create the cluster"
        error={create.error}
        busy={create.isPending}
        initial={{ placement_policy: "fragmentation-aware", max_disconnect: "" }}
        onClose={onClose}
        onSubmit={(rules) => create.mutate({ name: name.trim(), ...rules }, { onSuccess: onClose })}
      >
        <TextField label="Name" autoFocus value={name} error={fieldErrors(create.error)("name") ?? ""} onChange={(event) => setName(event.target.value)} />
      </ClusterForm>
    </Dialog>
  );
}

interface Rules {
  placement_policy: PlacementPolicy;
  max_disconnect?: string;
}

/** What a cluster's nodes go by, for making and for changing one. */
export function ClusterForm({
  action,
  error,
  busy,
  initial,
  onSubmit,
  onClose,
  children,
}: {
  action: string;
  error: Error | null;
  busy: boolean;
  initial: { placement_policy: PlacementPolicy; max_disconnect: string };
  onSubmit: (rules: Rules) => void;
  onClose: () => void;
  children?: React.ReactNode;
}) {
  const [policy, setPolicy] = useState(initial.placement_policy);
  const [patience, setPatience] = useState(initial.max_disconnect);
  return (
    <Form
      error={error}
      known={["name", "placement_policy", "max_disconnect"]}
      busy={busy}
      action={action}
      onClose={onClose}
      onSubmit={() => onSubmit({ placement_policy: policy, ...(patience.trim() && { max_disconnect: patience.trim() }) })}
    >
      {children}
      <SelectField
        label="Placement"
        hint={POLICIES[policy].means}
        value={policy}
        onChange={(event) => setPolicy(event.target.value as PlacementPolicy)}
      >
        {(Object.keys(POLICIES) as PlacementPolicy[]).map((value) => (
          <option key={value} value={value}>{POLICIES[value].text}</option>
        ))}
      </SelectField>
      <TextField
        label="Patience with a silent node"
        optional
        placeholder="5m"
        hint="After it, and a margin, jobs there count as lost and run elsewhere: 10s to 24h"
        value={patience}
        error={fieldErrors(error)("max_disconnect") ?? ""}
        onChange={(event) => setPatience(event.target.value)}
      />
    </Form>
  );
}
