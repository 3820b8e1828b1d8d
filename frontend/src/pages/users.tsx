/// Who may do what.
import { useQuery } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useChangeUser, useDeleteUser, useResetPassword } from "@/api/admin";
import { queries, useCreateUser, useUpdateUser } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Role, User } from "@/api/types";
import { ACTIVE, DISABLED, ROLES } from "@/domain/people";
import { adminOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Choice, TextField } from "@/ui/field";
import { Checks, fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Empty, PageHead, Tag, Time } from "@/ui/parts";
import { ShownOnce } from "@/ui/shown-once";
import { StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

const COLUMNS: Column<User>[] = [
  {
    head: "User",
    grow: true,
    cell: (user) => (
      <span className="font-medium break-all">
        {user.username}
        {user.id === currentUser()?.id && <span className="ml-2 text-xs font-normal text-ink-faint">you</span>}
        {(user.display_name || user.email) && (
          <span className="block text-xs font-normal text-ink-soft">{[user.display_name, user.email].filter(Boolean).join(" · ")}</span>
        )}
        <span className="block text-xs font-normal text-ink-soft md:hidden">{ROLES[user.role].text}</span>
      </span>
    ),
  },
  { head: "Role", cell: (user) => <span title={ROLES[user.role].means}>{ROLES[user.role].text}</span>, wide: true },
  {
    head: "Teams",
    wide: true,
    cell: (user) => (
      <span className="flex w-max max-w-64 flex-wrap gap-1">
        {user.teams?.map((name) => <Tag key={name}>{name}</Tag>)}
        {!user.teams?.length && <span className="text-ink-faint">none</span>}
      </span>
    ),
  },
  { head: "State", cell: (user) => <UserState user={user} /> },
  { head: "Since", cell: (user) => <Time at={user.created_at} />, wide: true },
  { head: "", cell: (user) => <Actions user={user} />, number: true },
];

export function UsersPage() {
  const users = useQuery(queries.users());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Users" note="People and programs with an account.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("makes users")} onClick={() => setCreating(true)}>
          New user
        </Button>
      </PageHead>
      <Listing query={users} label="Users" columns={COLUMNS} rowKey={(user) => user.id} empty={<Empty title="No user" />} />
      {creating && <CreateUser onClose={() => setCreating(false)} />}
    </>
  );
}

function UserState({ user }: { user: User }) {
  return (
    <span className="whitespace-nowrap">
      <StateMark look={user.disabled ? DISABLED : ACTIVE} />
      {user.must_change_password && !user.disabled && <span className="block text-xs text-ink-faint">must change password</span>}
    </span>
  );
}

function Actions({ user }: { user: User }) {
  const [open, setOpen] = useState<"edit" | "reset" | "delete">();
  const close = () => setOpen(undefined);
  const reason = adminOnly("changes users");
  const own = user.id === currentUser()?.id ? "That is you." : null;
  return (
    <span className="inline-flex items-center gap-1">
      <DisableButton user={user} />
      <MoreMenu
        label={`More for ${user.username}`}
        actions={[
          { text: "Edit…", icon: <Pencil size={14} />, disabledReason: reason, run: () => setOpen("edit") },
          { text: "Reset the password…", icon: <KeyRound size={14} />, disabledReason: reason ?? own, run: () => setOpen("reset") },
          { text: "Delete…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason ?? own, run: () => setOpen("delete") },
        ]}
      />
      {open === "edit" && <EditUser user={user} onClose={close} />}
      {open === "reset" && <ResetPassword user={user} onClose={close} />}
      {open === "delete" && <DeleteUser user={user} onClose={close} />}
    </span>
  );
}

function DisableButton({ user }: { user: User }) {
  const update = useUpdateUser();
  const [asking, setAsking] = useState(false);
  const reason = user.id === currentUser()?.id ? "You would lock yourself out." : adminOnly("changes users");
  const change = (disabled: boolean) =>
    update.mutate({ id: user.id, change: { disabled } }, { onSuccess: () => setAsking(false) });
  return (
    <>
      <Button disabledReason={reason} busy={update.isPending} onClick={() => (user.disabled ? change(false) : setAsking(true))}>
        {user.disabled ? "Enable" : "Disable"}
        <span className="sr-only">{user.username}</span>
      </Button>
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false);
          update.reset();
        }}
        title={`Disable ${user.username}?`}
        action="Disable the account"
        keep="Leave it"
        busy={update.isPending}
        error={update.error}
        onConfirm={() => change(true)}
      >
        Logins and API keys of this account stop working. Jobs go on.
      </Confirm>
    </>
  );
}

function RoleChoice({ role, onChange }: { role: Role; onChange: (role: Role) => void }) {
  return (
    <div>
      <Choice
        label="Role"
        value={role}
        onChange={onChange}
        options={(["viewer", "member", "admin"] as const).map((value) => ({ value, text: ROLES[value].text }))}
      />
      <p className="mt-1 text-xs text-ink-faint">{ROLES[role].means}</p>
    </div>
  );
}

function CreateUser({ onClose }: { onClose: () => void }) {
  const create = useCreateUser();
  const teams = useQuery(adminQueries.teams());
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [chosen, setChosen] = useState(["default"]);
  const [must, setMust] = useState(["must"]);
  const errors = fieldErrors(create.error);
  return (
    <Dialog open onClose={onClose} title="New user">
      <Form
        error={create.error}
        known={["username", "password", "teams", "role"]}
        busy={create.isPending}
        action="Create the user"
        onClose={onClose}
        onSubmit={() =>
          create.mutate(
            { username: username.trim(), password, role, teams: chosen, must_change_password: must.length > 0 },
            { onSuccess: onClose },
          )
        }
      >
        <TextField label="Username" autoFocus value={username} error={errors("username")} onChange={(event) => setUsername(event.target.value)} />
        <TextField
          label="Password"
          type="password"
          autoComplete="new-password"
          hint="At least 10 characters"
          value={password}
          error={errors("password")}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Checks label="First login" options={[{ value: "must", text: "Asks for another one" }]} chosen={must} onChange={setMust} />
        <RoleChoice role={role} onChange={setRole} />
        <Checks
          label="Teams"
          error={errors("teams")}
          options={(teams.data?.items ?? []).map((team) => ({ value: team.name, text: team.name }))}
          chosen={chosen}
          onChange={setChosen}
        />
      </Form>
    </Dialog>
  );
}

function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const change = useChangeUser();
  const [role, setRole] = useState(user.role);
  const [ids, setIds] = useState(user.node_user ? `${user.node_user.uid}:${user.node_user.gid}` : "");
  const [uid, gid = uid] = ids.trim().split(":").map(Number);
  const isWrong = ids.trim() !== "" && !/^\d+(:\d+)?$/.test(ids.trim());
  return (
    <Dialog open onClose={onClose} title={`Edit ${user.username}`}>
      <Form
        error={change.error}
        known={["node_user"]}
        busy={change.isPending}
        action="Save"
        disabledReason={isWrong ? "The user on the nodes is no uid:gid." : null}
        onClose={onClose}
        onSubmit={() =>
          change.mutate(
            { id: user.id, change: { role, node_user: ids.trim() ? { uid: uid ?? 0, gid: gid ?? 0 } : null } },
            { onSuccess: onClose },
          )
        }
      >
        <RoleChoice role={role} onChange={setRole} />
        <TextField
          label="User on the nodes"
          optional
          placeholder="1000:1000"
          hint="uid:gid that their containers run as, in queues that ask for it"
          value={ids}
          error={isWrong ? "This is no uid:gid" : fieldErrors(change.error)("node_user")}
          onChange={(event) => setIds(event.target.value)}
        />
      </Form>
    </Dialog>
  );
}

function ResetPassword({ user, onClose }: { user: User; onClose: () => void }) {
  const reset = useResetPassword();
  if (reset.data) {
    return (
      <ShownOnce title={`The new password of ${user.username}`} secret={reset.data.password} label="Copy the password" onClose={onClose}>
        It is good for one login, which asks for another one.
      </ShownOnce>
    );
  }
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Reset the password of ${user.username}?`}
      action="Reset the password"
      keep="Leave it"
      busy={reset.isPending}
      error={reset.error}
      onConfirm={() => reset.mutate(user.id)}
    >
      A new one is made up and shown once. The user is logged out everywhere.
    </Confirm>
  );
}

function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const remove = useDeleteUser();
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Delete ${user.username}?`}
      action="Delete the user"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate(user.id, { onSuccess: onClose })}
    >
      Logins and API keys go with it. Who has submitted jobs stays in their history, and can be disabled only.
    </Confirm>
  );
}
