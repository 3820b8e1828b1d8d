/// One team: who is in it, and what it owns.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Pencil, Trash2, UserPlus } from "lucide-react";
import { useState } from "react";

import { adminQueries, useDeleteTeam, useMembership, useRenameTeam } from "@/api/admin";
import type { Team, TeamMember } from "@/api/admin-types";
import { explain } from "@/api/errors";
import { queries } from "@/api/queries";
import { ROLES } from "@/domain/people";
import { adminOnly } from "@/domain/roles";
import { plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { Columns, DetailHead, Nothing } from "@/ui/detail";
import { Confirm, Dialog } from "@/ui/dialog";
import { SelectField, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, Empty, SkeletonRows, Time } from "@/ui/parts";
import type { Column } from "@/ui/table";

const route = getRouteApi("/app/teams/$teamId");

export function TeamPage() {
  const { teamId } = route.useParams();
  const team = useQuery(adminQueries.team(teamId));
  const members = useQuery(adminQueries.members(teamId));
  const [adding, setAdding] = useState(false);
  if (team.isError && !team.data) return <Card><Broken error={team.error} retry={() => void team.refetch()} /></Card>;
  if (!team.data) return <Card><SkeletonRows rows={4} /></Card>;
  const { data } = team;
  return (
    <>
      <DetailHead up={{ to: "/teams", text: "Teams" }} title={data.name} note={<>{plural(data.members, "member")} · made <Time at={data.created_at} /></>}>
        <Button look="primary" icon={<UserPlus size={15} aria-hidden />} disabledReason={adminOnly("changes teams")} onClick={() => setAdding(true)}>
          Add member
        </Button>
        <Actions team={data} />
      </DetailHead>
      <Columns
        main={
          <Listing
            query={members}
            title="Members"
            label={`Members of ${data.name}`}
            columns={columns(data)}
            rowKey={(member) => member.user_id}
            empty={<Empty title="Nobody is in it">Add a member, and what they submit belongs to the team.</Empty>}
          />
        }
        side={<Owns name={data.name} />}
      />
      {adding && <AddMember team={data} members={members.data?.items ?? []} onClose={() => setAdding(false)} />}
    </>
  );
}

const columns = (team: Team): Column<TeamMember>[] => [
  { head: "User", grow: true, cell: (member) => <span className="font-medium break-all">{member.username}</span> },
  { head: "Role", cell: (member) => <span title={ROLES[member.role].means}>{ROLES[member.role].text}</span>, wide: true },
  { head: "In it", cell: (member) => <Time at={member.added_at} />, number: true, wide: true },
  { head: "", cell: (member) => <RemoveMember team={team} member={member} />, number: true },
];

function RemoveMember({ team, member }: { team: Team; member: TeamMember }) {
  const membership = useMembership();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button look="danger" disabledReason={adminOnly("changes teams")} onClick={() => setAsking(true)}>
        Remove<span className="sr-only">{member.username}</span>
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Remove ${member.username} from ${team.name}?`}
        action="Remove the member"
        busy={membership.isPending}
        error={membership.error}
        onConfirm={() => membership.mutate({ team: team.id, user: member.user_id, member: false }, { onSuccess: () => setAsking(false) })}
      >
        They no longer see the team’s jobs, queues and secrets. Their jobs there go on and stay the team’s.
      </Confirm>
    </>
  );
}

function AddMember({ team, members, onClose }: { team: Team; members: TeamMember[]; onClose: () => void }) {
  const users = useQuery(queries.users());
  const membership = useMembership();
  const [chosen, setChosen] = useState("");
  const others = users.data?.items.filter((user) => !members.some((member) => member.user_id === user.id)) ?? [];
  const user = chosen || (others[0]?.id ?? "");
  return (
    <Dialog open onClose={onClose} title={`Add a member to ${team.name}`}>
      <Form
        error={membership.error}
        known={[]}
        busy={membership.isPending}
        action="Add the member"
        disabledReason={user ? null : users.data ? "Everybody is in it already." : "Users are on their way."}
        onClose={onClose}
        onSubmit={() => membership.mutate({ team: team.id, user, member: true }, { onSuccess: onClose })}
      >
        <SelectField label="User" value={user} onChange={(event) => setChosen(event.target.value)}>
          {others.map((one) => <option key={one.id} value={one.id}>{one.username}</option>)}
        </SelectField>
      </Form>
    </Dialog>
  );
}

function Actions({ team }: { team: Team }) {
  const [open, setOpen] = useState<"rename" | "delete">();
  const rename = useRenameTeam();
  const remove = useDeleteTeam();
  const navigate = route.useNavigate();
  const [name, setName] = useState(team.name);
  const close = () => setOpen(undefined);
  const reason = adminOnly("changes teams");
  return (
    <>
      <MoreMenu
        label="More"
        actions={[
          { text: "Rename…", icon: <Pencil size={14} />, disabledReason: reason, run: () => setOpen("rename") },
          {
            text: "Delete…",
            icon: <Trash2 size={14} />,
            danger: true,
            disabledReason: reason ?? (team.name === "default" ? "New users go there." : null),
            run: () => setOpen("delete"),
          },
        ]}
      />
      {open === "rename" && (
        <Dialog open onClose={close} title={`Rename ${team.name}`}>
          <Form error={rename.error} known={["name"]} busy={rename.isPending} action="Rename" onClose={close} onSubmit={() => rename.mutate({ id: team.id, name: name.trim() }, { onSuccess: close })}>
            <TextField label="Name" value={name} error={fieldErrors(rename.error)("name")} onChange={(event) => setName(event.target.value)} />
          </Form>
        </Dialog>
      )}
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={`Delete ${team.name}?`}
        action="Delete the team"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(team.id, { onSuccess: () => void navigate({ to: "/teams" }) })}
      >
        Only a team that owns nothing any more can go: no queue, no job, no secret.
      </Confirm>
    </>
  );
}

function Owns({ name }: { name: string }) {
  const queues = useQuery(queries.queues());
  const secrets = useQuery(adminQueries.secrets());
  const owned = queues.data?.items.filter((queue) => queue.team === name);
  const kept = secrets.data?.items.filter((secret) => secret.team === name);
  return (
    <Card title="What it owns">
      {queues.isError && <Nothing>{explain(queues.error).detail}</Nothing>}
      <ul className="divide-y text-sm">
        {owned?.map((queue) => (
          <li key={queue.id} className="flex items-baseline justify-between gap-3 px-4 py-2.5">
            <Link to="/queues/$queueId" params={{ queueId: queue.id }} className="min-w-0 truncate font-medium hover:text-accent">{queue.name}</Link>
            <span className="shrink-0 text-ink-faint">queue</span>
          </li>
        ))}
        {owned?.length === 0 && <li className="px-4 py-2.5 text-ink-soft">No queue</li>}
        <li className="flex items-baseline justify-between gap-3 px-4 py-2.5">
          <Link to="/secrets" className="font-medium hover:text-accent">Secrets</Link>
          <span className="text-ink-faint">{kept ? kept.length.toLocaleString() : "–"}</span>
        </li>
        <li className="flex items-baseline justify-between gap-3 px-4 py-2.5">
          <Link to="/jobs" search={{ team: name }} className="font-medium hover:text-accent">Jobs</Link>
          <span className="text-ink-faint">in the list</span>
        </li>
      </ul>
    </Card>
  );
}
