/// What jobs may know and nobody may read.
import { useQuery } from "@tanstack/react-query";
import { Plus, RefreshCw, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCreateSecret, useDeleteSecret, useReplaceSecret } from "@/api/admin";
import type { StoredSecret } from "@/api/admin-types";
import { memberOnly } from "@/domain/roles";
import { plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm, Dialog } from "@/ui/dialog";
import { AreaField, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Empty, PageHead, Time } from "@/ui/parts";
import type { Column } from "@/ui/table";

import { TeamField, useTeamChoice } from "./team-field";

const COLUMNS: Column<StoredSecret>[] = [
  {
    head: "Secret",
    grow: true,
    cell: (secret) => (
      <>
        <span className="font-mono text-sm font-medium break-all">{secret.name}</span>
        <span className="block text-xs text-ink-faint">{`${secret.team} · version ${secret.version}`}</span>
      </>
    ),
  },
  {
    head: "In use",
    cell: (secret) => (secret.used_by > 0 ? plural(secret.used_by, "job") : <span className="text-ink-faint">no job</span>),
    number: true,
  },
  { head: "Set", cell: (secret) => <><Time at={secret.updated_at} /><span className="block text-xs text-ink-faint">{secret.updated_by}</span></>, wide: true },
  { head: "", cell: (secret) => <Actions secret={secret} />, number: true },
];

export function SecretsPage() {
  const secrets = useQuery(adminQueries.secrets());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Secrets" note="Sealed before they are stored. Only nodes that run a job of the team with them are given their values.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={memberOnly()} onClick={() => setCreating(true)}>
          New secret
        </Button>
      </PageHead>
      <Listing
        query={secrets}
        label="Secrets"
        columns={COLUMNS}
        rowKey={(secret) => secret.id}
        empty={
          <Empty title="No secret yet" action={<CommandBlock text="lilac_cli secret set api-token < token.txt" />}>
            A job names it in its spec, and finds the value in its environment:{" "}
            <code className="font-mono text-xs">secrets: {"{"} TOKEN: api-token {"}"}</code>
          </Empty>
        }
      />
      {creating && <CreateSecret onClose={() => setCreating(false)} />}
    </>
  );
}

function Actions({ secret }: { secret: StoredSecret }) {
  const [open, setOpen] = useState<"replace" | "delete">();
  const close = () => setOpen(undefined);
  const remove = useDeleteSecret();
  return (
    <>
      <MoreMenu
        label={`More for ${secret.name}`}
        actions={[
          { text: "Replace the value…", icon: <RefreshCw size={14} />, disabledReason: memberOnly(), run: () => setOpen("replace") },
          { text: "Delete…", icon: <Trash2 size={14} />, danger: true, disabledReason: memberOnly(), run: () => setOpen("delete") },
        ]}
      />
      {open === "replace" && <ReplaceSecret secret={secret} onClose={close} />}
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={`Delete ${secret.name}?`}
        action="Delete the secret"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(secret.id, { onSuccess: close })}
      >
        {secret.used_by > 0 && <p className="mb-2 font-medium text-ink">{plural(secret.used_by, "job that has not ended names", "jobs that have not ended name")} it.</p>}
        The value is gone for good.
      </Confirm>
    </>
  );
}

function CreateSecret({ onClose }: { onClose: () => void }) {
  const create = useCreateSecret();
  const team = useTeamChoice();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const errors = fieldErrors(create.error);
  return (
    <Dialog open onClose={onClose} title="New secret" description="Its value is shown to nobody afterwards, you included.">
      <Form
        error={create.error}
        known={["name", "value", "team"]}
        busy={create.isPending}
        action="Store the secret"
        onClose={onClose}
        onSubmit={() => create.mutate({ name: name.trim(), value, ...team.chosen }, { onSuccess: onClose })}
      >
        <TextField label="Name" mono autoFocus hint="By which job specs refer to it" value={name} error={errors("name")} onChange={(event) => setName(event.target.value)} />
        <AreaField label="Value" rows={3} hint="Kept as it is, to the last line break" value={value} error={errors("value")} onChange={(event) => setValue(event.target.value)} />
        <TeamField choice={team} error={errors("team")} />
      </Form>
    </Dialog>
  );
}

function ReplaceSecret({ secret, onClose }: { secret: StoredSecret; onClose: () => void }) {
  const replace = useReplaceSecret();
  const [value, setValue] = useState("");
  return (
    <Dialog open onClose={onClose} title={`Replace ${secret.name}`} description="Containers that run keep the value that they started with; the next start gets the new one.">
      <Form
        error={replace.error}
        known={["value"]}
        busy={replace.isPending}
        action="Replace the value"
        onClose={onClose}
        onSubmit={() => replace.mutate({ id: secret.id, value }, { onSuccess: onClose })}
      >
        <AreaField label="New value" rows={3} value={value} error={fieldErrors(replace.error)("value")} onChange={(event) => setValue(event.target.value)} />
      </Form>
    </Dialog>
  );
}
