/// Who may do what.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries, useCreateUser, useUpdateUser } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Role, User } from "@/api/types";
import type { Look } from "@/domain/looks";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Choice, FormError, TextField } from "@/ui/field";
import { Broken, Card, PageHead, SkeletonRows, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { type Column, Table } from "@/ui/table";

const ACTIVE: Look = { word: "Active", tone: "good", shape: "dot" };
const DISABLED: Look = { word: "Disabled", tone: "idle", shape: "slash" };

const ROLES: Record<Role, { text: string; means: string }> = {
  viewer: { text: "Viewer", means: "Sees everything, changes nothing." },
  member: { text: "Member", means: "Submits jobs and controls their own." },
  admin: { text: "Admin", means: "Does everything." },
};

const COLUMNS: Column<User>[] = [
  {
    head: "User",
    grow: true,
    cell: (user) => (
      <span className="font-medium">
        {user.username}
        {user.id === currentUser()?.id && <span className="ml-2 text-xs font-normal text-ink-faint">you</span>}
        <span className="block text-xs font-normal text-ink-soft md:hidden">{ROLES[user.role].text}</span>
      </span>
    ),
  },
  { head: "Role", cell: (user) => <span title={ROLES[user.role].means}>{ROLES[user.role].text}</span>, wide: true },
  { head: "State", cell: (user) => <StateMark look={user.disabled ? DISABLED : ACTIVE} /> },
  { head: "Since", cell: (user) => <Time at={user.created_at} />, wide: true },
  { head: "", cell: (user) => <DisableButton user={user} />, number: true },
];

export function UsersPage() {
  const users = useQuery(queries.users());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Users" note="People and programs with an account.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly()} onClick={() => setCreating(true)}>
          New user
        </Button>
      </PageHead>
      <Card>
        {users.isPending && <SkeletonRows rows={3} />}
        {users.isError && !users.data && <Broken error={users.error} retry={() => void users.refetch()} />}
        {users.data && <Table label="Users" columns={COLUMNS} rows={users.data.items} rowKey={(user) => user.id} />}
      </Card>
      <Dialog open={creating} onClose={() => setCreating(false)} title="New user">
        <CreateUserForm onDone={() => setCreating(false)} />
      </Dialog>
    </>
  );
}

function adminOnly(): string | null {
  return currentUser()?.role === "admin" ? null : "Only an administrator changes users.";
}

function DisableButton({ user }: { user: User }) {
  const update = useUpdateUser();
  const [asking, setAsking] = useState(false);
  const reason = user.id === currentUser()?.id ? "You would lock yourself out." : adminOnly();
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

function CreateUserForm({ onDone }: { onDone: () => void }) {
  const create = useCreateUser();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("member");
  const error = create.error;
  const fields = error instanceof ApiError ? error.fields : [];
  const of = (path: string) => fields.find((field) => field.path === path)?.message;

  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate({ username: username.trim(), password, role }, { onSuccess: onDone });
  }

  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      {error && fields.length === 0 && <FormError>{explain(error).detail}</FormError>}
      <TextField label="Username" autoFocus value={username} error={of("username")} onChange={(event) => setUsername(event.target.value)} />
      <TextField
        label="Password"
        type="password"
        autoComplete="new-password"
        hint="At least 10 characters"
        value={password}
        error={of("password")}
        onChange={(event) => setPassword(event.target.value)}
      />
      <div>
        <Choice
          label="Role"
          value={role}
          onChange={setRole}
          options={(["viewer", "member", "admin"] as const).map((value) => ({ value, text: ROLES[value].text }))}
        />
        <p className="mt-1 text-xs text-ink-faint">{ROLES[role].means}</p>
      </div>
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Close</Button>
        <Button type="submit" look="primary" busy={create.isPending}>Create the user</Button>
      </div>
    </form>
  );
}
