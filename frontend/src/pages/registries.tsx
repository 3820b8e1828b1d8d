/// Logins with which nodes pull images.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCreateRegistry, useDeleteRegistry } from "@/api/admin";
import type { Registry } from "@/api/admin-types";
import { memberOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm, Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { Empty, PageHead, Time } from "@/ui/parts";
import type { Column } from "@/ui/table";

import { TeamField, useTeamChoice } from "./team-field";

const COLUMNS: Column<Registry>[] = [
  {
    head: "Login",
    grow: true,
    cell: (registry) => (
      <>
        <span className="font-mono text-sm font-medium break-all">{registry.name}</span>
        <span className="block text-xs text-ink-faint">{registry.team}</span>
      </>
    ),
  },
  { head: "Registry", cell: (registry) => <span className="break-all whitespace-normal">{registry.server}</span> },
  { head: "As", cell: (registry) => registry.username, wide: true },
  { head: "Made", cell: (registry) => <><Time at={registry.created_at} /><span className="block text-xs text-ink-faint">{registry.created_by}</span></>, wide: true },
  { head: "", cell: (registry) => <DeleteButton registry={registry} />, number: true },
];

export function RegistriesPage() {
  const registries = useQuery(adminQueries.registries());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Registries" note="Logins of teams for images that not everybody may pull.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={memberOnly()} onClick={() => setCreating(true)}>
          New login
        </Button>
      </PageHead>
      <Listing
        query={registries}
        label="Registry logins"
        columns={COLUMNS}
        rowKey={(registry) => registry.id}
        empty={
          <Empty title="No login yet" action={<CommandBlock text="lilac_cli registry add mine --registry-server registry.example.org --username robot" />}>
            Public images need none. A job names a login in its spec:{" "}
            <code className="font-mono text-xs">pull: {"{"} secret: mine {"}"}</code>
          </Empty>
        }
      />
      {creating && <CreateLogin onClose={() => setCreating(false)} />}
    </>
  );
}

function DeleteButton({ registry }: { registry: Registry }) {
  const remove = useDeleteRegistry();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button look="danger" disabledReason={memberOnly()} onClick={() => setAsking(true)}>
        Delete<span className="sr-only">{registry.name}</span>
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Delete ${registry.name}?`}
        action="Delete the login"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(registry.id, { onSuccess: () => setAsking(false) })}
      >
        Jobs that name it fail when their image has to be pulled.
      </Confirm>
    </>
  );
}

function CreateLogin({ onClose }: { onClose: () => void }) {
  const create = useCreateRegistry();
  const team = useTeamChoice();
  const [fields, setFields] = useState({ name: "", server: "", username: "", password: "" });
  const errors = fieldErrors(create.error);
  const set = (name: keyof typeof fields) => (event: { target: { value: string } }) => setFields({ ...fields, [name]: event.target.value });
  return (
    <Dialog open onClose={onClose} title="New registry login" description="The password is sealed, and given only to nodes that pull with it.">
      <Form
        error={create.error}
        known={["name", "server", "username", "password", "team"]}
        busy={create.isPending}
        action="Store the login"
        onClose={onClose}
        onSubmit={() => create.mutate({ ...fields, name: fields.name.trim(), server: fields.server.trim(), ...team.chosen }, { onSuccess: onClose })}
      >
        <TextField label="Name" mono autoFocus hint="By which job specs refer to it" value={fields.name} error={errors("name")} onChange={set("name")} />
        <TextField
          label="Registry"
          placeholder="registry.example.org"
          hint="Host, or host:port; docker.io for images without one"
          value={fields.server}
          error={errors("server")}
          onChange={set("server")}
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Username" value={fields.username} error={errors("username")} onChange={set("username")} />
          <TextField label="Password" type="password" autoComplete="new-password" value={fields.password} error={errors("password")} onChange={set("password")} />
        </div>
        <TeamField choice={team} error={errors("team")} />
      </Form>
    </Dialog>
  );
}
