/// Addresses that are told what becomes of jobs.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCreateHook } from "@/api/admin";
import type { Hook } from "@/api/admin-types";
import type { JobState } from "@/api/types";
import { HOOK_EVENTS, hookLook } from "@/domain/hook";
import { jobLook } from "@/domain/looks";
import { memberOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Checks, fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { Empty, PageHead, Time } from "@/ui/parts";
import { ShownOnce } from "@/ui/shown-once";
import { StateIcon, StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

import { TeamField, useTeamChoice } from "./team-field";

const COLUMNS: Column<Hook>[] = [
  {
    head: "Hook",
    grow: true,
    cell: (hook) => (
      <>
        <Link to="/hooks/$hookId" params={{ hookId: hook.id }} className="font-medium break-all hover:text-accent">
          {hook.name}
        </Link>
        <span className="block max-w-md truncate text-xs text-ink-faint" title={hook.url}>{hook.url}</span>
      </>
    ),
  },
  { head: "Team", cell: (hook) => hook.team, wide: true },
  { head: "Told of", cell: (hook) => <Events events={hook.events} />, wide: true },
  { head: "State", cell: (hook) => <StateMark look={hookLook(hook)} /> },
  { head: "Changed", cell: (hook) => <Time at={hook.updated_at} />, number: true, wide: true },
];

/** States as their shapes; with `words`, where there is room for them. */
export function Events({ events, words = false }: { events: readonly JobState[]; words?: boolean }) {
  return (
    <span className="inline-flex flex-wrap justify-end gap-x-3 gap-y-1 align-middle">
      {events.map((event) => (
        <span key={event} title={jobLook[event].word} className="inline-flex items-center gap-1.5">
          <StateIcon look={jobLook[event]} />
          <span className={words ? "" : "sr-only"}>{jobLook[event].word}</span>
        </span>
      ))}
    </span>
  );
}

export function HooksPage() {
  const hooks = useQuery(adminQueries.hooks());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Hooks" note="Addresses that are told what becomes of jobs, signed and until they have it.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={memberOnly()} onClick={() => setCreating(true)}>
          New hook
        </Button>
      </PageHead>
      <Listing
        query={hooks}
        label="Hooks"
        columns={COLUMNS}
        rowKey={(hook) => hook.id}
        empty={
          <Empty title="No hook yet" action={<CommandBlock text="lilac_cli hook create chat https://chat.example.org/lilac --on failed" />}>
            A job names it in its spec: <code className="font-mono text-xs">notify: [{"{"} on: [failed], to: chat {"}"}]</code>
          </Empty>
        }
      />
      {creating && <CreateHook onClose={() => setCreating(false)} />}
    </>
  );
}

function CreateHook({ onClose }: { onClose: () => void }) {
  const create = useCreateHook();
  const team = useTeamChoice();
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<JobState[]>([...HOOK_EVENTS]);
  const errors = fieldErrors(create.error);
  if (create.data?.secret) {
    return (
      <ShownOnce title="The hook is made" secret={create.data.secret} label="Copy the secret" onClose={onClose}>
        The receiver checks with it that messages come from here.
      </ShownOnce>
    );
  }
  return (
    <Dialog open onClose={onClose} title="New hook">
      <Form
        error={create.error}
        known={["name", "url", "events", "team"]}
        busy={create.isPending}
        action="Make the hook"
        disabledReason={events.length === 0 ? "It must be told of something." : null}
        onClose={onClose}
        onSubmit={() => create.mutate({ name: name.trim(), url: url.trim(), events, ...team.chosen })}
      >
        <TextField label="Name" mono autoFocus hint="By which job specs refer to it" value={name} error={errors("name")} onChange={(event) => setName(event.target.value)} />
        <TextField
          label="Address"
          type="url"
          placeholder="https://chat.example.org/lilac"
          hint="Of private networks only what the operator of the server allowed"
          value={url}
          error={errors("url")}
          onChange={(event) => setUrl(event.target.value)}
        />
        <EventChecks events={events} error={errors("events")} onChange={setEvents} />
        <TeamField choice={team} error={errors("team")} />
      </Form>
    </Dialog>
  );
}

export function EventChecks({ events, error, onChange }: { events: JobState[]; error: string | undefined; onChange: (events: JobState[]) => void }) {
  return (
    <Checks
      label="It is told of jobs that are"
      error={error}
      options={HOOK_EVENTS.map((value) => ({ value, text: jobLook[value].word.toLowerCase() }))}
      chosen={events}
      onChange={onChange}
    />
  );
}
