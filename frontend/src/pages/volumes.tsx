/// Folders of the nodes that an administrator lets jobs see.
import { useQuery } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCreateVolume, useDeleteVolume, useUpdateVolume } from "@/api/admin";
import type { Volume } from "@/api/admin-types";
import { queries } from "@/api/queries";
import { adminOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm, Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Checks, fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Empty, PageHead, Tag } from "@/ui/parts";
import type { Column } from "@/ui/table";

const COLUMNS: Column<Volume>[] = [
  {
    head: "Volume",
    grow: true,
    cell: (volume) => (
      <>
        <span className="font-mono text-sm font-medium break-all">{volume.name}</span>
        {volume.host_path && <span className="block font-mono text-xs break-all text-ink-faint">{volume.host_path}</span>}
      </>
    ),
  },
  { head: "Access", cell: (volume) => (volume.read_only ? "read only" : "read and write") },
  { head: "Teams", cell: (volume) => <Names names={volume.teams} />, wide: true },
  { head: "Clusters", cell: (volume) => <Names names={volume.clusters} />, wide: true },
  { head: "", cell: (volume) => <Actions volume={volume} />, number: true },
];

function Names({ names }: { names: string[] }) {
  if (names.length === 0) return <span className="text-ink-faint">all</span>;
  return <span className="flex w-max max-w-56 flex-wrap gap-1">{names.map((name) => <Tag key={name}>{name}</Tag>)}</span>;
}

export function VolumesPage() {
  const volumes = useQuery(adminQueries.volumes());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Volumes" note="Folders of the nodes under a name, for the teams that may mount them. Jobs see no other folder of their node.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("makes volumes")} onClick={() => setCreating(true)}>
          New volume
        </Button>
      </PageHead>
      <Listing
        query={volumes}
        label="Volumes"
        columns={COLUMNS}
        rowKey={(volume) => volume.id}
        empty={
          <Empty title="No volume yet" action={<CommandBlock text="lilac_cli volume add datasets --host-path /mnt/datasets --read-only" />}>
            A job mounts it by its name:{" "}
            <code className="font-mono text-xs">volumes: [{"{"} name: datasets, target: /data {"}"}]</code>
          </Empty>
        }
      />
      {creating && <CreateVolume onClose={() => setCreating(false)} />}
    </>
  );
}

function Actions({ volume }: { volume: Volume }) {
  const [open, setOpen] = useState<"edit" | "delete">();
  const update = useUpdateVolume();
  const remove = useDeleteVolume();
  const close = () => setOpen(undefined);
  const reason = adminOnly("changes volumes");
  return (
    <>
      <MoreMenu
        label={`More for ${volume.name}`}
        actions={[
          { text: "Edit…", icon: <Pencil size={14} />, disabledReason: reason, run: () => setOpen("edit") },
          { text: "Delete…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason, run: () => setOpen("delete") },
        ]}
      />
      {open === "edit" && (
        <Dialog open onClose={close} title={`Edit ${volume.name}`} description="Containers that run keep what they started with.">
          <VolumeForm
            action="Save"
            error={update.error}
            busy={update.isPending}
            initial={volume}
            onClose={close}
            onSubmit={(change) => update.mutate({ id: volume.id, change }, { onSuccess: close })}
          />
        </Dialog>
      )}
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={`Delete ${volume.name}?`}
        action="Delete the volume"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(volume.id, { onSuccess: close })}
      >
        The name goes; the folder and what is in it stay on the nodes.
      </Confirm>
    </>
  );
}

function CreateVolume({ onClose }: { onClose: () => void }) {
  const create = useCreateVolume();
  const [name, setName] = useState("");
  const [path, setPath] = useState("");
  const errors = fieldErrors(create.error);
  return (
    <Dialog open onClose={onClose} title="New volume">
      <VolumeForm
        action="Make the volume"
        error={create.error}
        busy={create.isPending}
        initial={{ clusters: [], teams: [], read_only: true }}
        onClose={onClose}
        onSubmit={(rules) => create.mutate({ name: name.trim(), host_path: path.trim(), ...rules }, { onSuccess: onClose })}
      >
        <TextField label="Name" mono autoFocus value={name} error={errors("name")} onChange={(event) => setName(event.target.value)} />
        <TextField
          label="Folder on the nodes"
          mono
          placeholder="/mnt/datasets"
          hint="An absolute path, the same on every node"
          value={path}
          error={errors("host_path")}
          onChange={(event) => setPath(event.target.value)}
        />
      </VolumeForm>
    </Dialog>
  );
}

interface Rules {
  clusters: string[];
  teams: string[];
  read_only: boolean;
}

function VolumeForm({
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
  initial: Rules;
  onSubmit: (rules: Rules) => void;
  onClose: () => void;
  children?: React.ReactNode;
}) {
  const clusters = useQuery(queries.clusters());
  const teams = useQuery(adminQueries.teams());
  const [rules, setRules] = useState<Rules>({ clusters: initial.clusters, teams: initial.teams, read_only: initial.read_only });
  const errors = fieldErrors(error);
  const named = (items: { name: string }[] | undefined) => (items ?? []).map(({ name }) => ({ value: name, text: name }));
  return (
    <Form error={error} known={["name", "host_path", "clusters", "teams"]} busy={busy} action={action} onClose={onClose} onSubmit={() => onSubmit(rules)}>
      {children}
      <Checks
        label="Access"
        options={[{ value: "read_only", text: "Only for reading", means: "Whatever a job asks for" }]}
        chosen={rules.read_only ? ["read_only"] : []}
        onChange={(chosen) => setRules({ ...rules, read_only: chosen.length > 0 })}
      />
      <Checks
        label="Teams that may mount it"
        hint={rules.teams.length === 0 ? "None chosen: all may" : undefined}
        error={errors("teams")}
        options={named(teams.data?.items)}
        chosen={rules.teams}
        onChange={(chosen) => setRules({ ...rules, teams: chosen })}
      />
      <Checks
        label="Clusters on whose nodes it is"
        hint={rules.clusters.length === 0 ? "None chosen: on all" : undefined}
        error={errors("clusters")}
        options={named(clusters.data?.items)}
        chosen={rules.clusters}
        onChange={(chosen) => setRules({ ...rules, clusters: chosen })}
      />
    </Form>
  );
}
