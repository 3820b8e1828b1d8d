/// Teams: people who see each other's jobs, queues and secrets.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCreateTeam } from "@/api/admin";
import type { Team } from "@/api/admin-types";
import { adminOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { Empty, PageHead, Time } from "@/ui/parts";
import type { Column } from "@/ui/table";

const COLUMNS: Column<Team>[] = [
  {
    head: "Team",
    grow: true,
    cell: (team) => (
      <Link to="/teams/$teamId" params={{ teamId: team.id }} className="font-medium break-all hover:text-accent">
        {team.name}
      </Link>
    ),
  },
  { head: "Members", cell: (team) => team.members.toLocaleString(), number: true },
  { head: "Made", cell: (team) => <Time at={team.created_at} />, number: true, wide: true },
];

export function TeamsPage() {
  const teams = useQuery(adminQueries.teams());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Teams" note="Members see each other’s jobs, queues and secrets, and nobody else’s.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("makes teams")} onClick={() => setCreating(true)}>
          New team
        </Button>
      </PageHead>
      <Listing
        query={teams}
        label="Teams"
        columns={COLUMNS}
        rowKey={(team) => team.id}
        empty={<Empty title="You are in no team">An administrator puts people into teams. Until then you see no job but your own.</Empty>}
      />
      {creating && <CreateTeam onClose={() => setCreating(false)} />}
    </>
  );
}

function CreateTeam({ onClose }: { onClose: () => void }) {
  const create = useCreateTeam();
  const [name, setName] = useState("");
  return (
    <Dialog open onClose={onClose} title="New team">
      <Form error={create.error} known={["name"]} busy={create.isPending} action="Create the team" onClose={onClose} onSubmit={() => create.mutate(name.trim(), { onSuccess: onClose })}>
        <TextField
          label="Name"
          autoFocus
          hint="Letters, digits, and . _ -"
          value={name}
          error={fieldErrors(create.error)("name")}
          onChange={(event) => setName(event.target.value)}
        />
      </Form>
    </Dialog>
  );
}
