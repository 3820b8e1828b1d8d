/// Queues in the order in which they are served.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pause, Play, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries, useCreateQueue, usePauseQueue } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Queue } from "@/api/types";
import { type Look } from "@/domain/looks";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { FormError, TextField } from "@/ui/field";
import { Broken, Card, Empty, PageHead, SkeletonRows, Tag } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { type Column, Table } from "@/ui/table";

const OPEN: Look = { word: "Open", tone: "good", shape: "dot" };
const PAUSED: Look = { word: "Paused", tone: "warn", shape: "bar" };

const COLUMNS: Column<Queue>[] = [
  {
    head: "Queue",
    grow: true,
    cell: (queue) => (
      <Link to="/jobs" search={{ queue: queue.name }} className="font-medium hover:text-accent">
        {queue.name}
      </Link>
    ),
  },
  { head: "State", cell: (queue) => <StateMark look={queue.paused ? PAUSED : OPEN} /> },
  { head: "Priority", cell: (queue) => queue.priority, number: true, wide: true },
  {
    head: "Waiting",
    number: true,
    cell: (queue) => (
      <Link to="/jobs" search={{ queue: queue.name, state: "queued" }} className="hover:text-accent">
        {queue.queued.toLocaleString()}
      </Link>
    ),
  },
  {
    head: "Running",
    number: true,
    wide: true,
    cell: (queue) => (
      <Link to="/jobs" search={{ queue: queue.name, state: "starting,running" }} className="hover:text-accent">
        {queue.running.toLocaleString()}
      </Link>
    ),
  },
  { head: "Clusters", wide: true, cell: (queue) => <span className="flex gap-1">{queue.clusters.map((name) => <Tag key={name}>{name}</Tag>)}</span> },
  { head: "", cell: (queue) => <PauseButton queue={queue} />, number: true },
];

export function QueuesPage() {
  const queues = useQuery(queries.queues());
  const [creating, setCreating] = useState(false);
  const rows = queues.data?.items.toSorted((a, b) => b.priority - a.priority || a.name.localeCompare(b.name));
  return (
    <>
      <PageHead title="Queues" note="The higher priority is served first; inside a queue, a job’s own priority decides.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly()} onClick={() => setCreating(true)}>
          New queue
        </Button>
      </PageHead>
      <Card>
        {queues.isPending && <SkeletonRows rows={3} />}
        {queues.isError && !queues.data && <Broken error={queues.error} retry={() => void queues.refetch()} />}
        {rows?.length === 0 && (
          <Empty title="No queue" action={<CommandBlock text="lilac_cli queue create default --cluster default" />}>
            Jobs are submitted to a queue; create one first.
          </Empty>
        )}
        {rows && rows.length > 0 && <Table label="Queues" columns={COLUMNS} rows={rows} rowKey={(queue) => queue.id} />}
      </Card>
      <CreateQueue open={creating} onClose={() => setCreating(false)} />
    </>
  );
}

function adminOnly(): string | null {
  return currentUser()?.role === "admin" ? null : "Only an administrator changes queues.";
}

function PauseButton({ queue }: { queue: Queue }) {
  const pause = usePauseQueue();
  const Icon = queue.paused ? Play : Pause;
  return (
    <span className="inline-flex items-center gap-2">
      {pause.isError && <span role="alert" className="text-xs text-bad">{explain(pause.error).detail}</span>}
      <Button
        icon={<Icon size={13} aria-hidden />}
        disabledReason={adminOnly()}
        busy={pause.isPending}
        title={queue.paused ? "Start jobs of this queue again" : "Take jobs, start none"}
        onClick={() => pause.mutate({ id: queue.id, paused: !queue.paused })}
      >
        {queue.paused ? "Resume" : "Pause"}
        <span className="sr-only">{queue.name}</span>
      </Button>
    </span>
  );
}

function CreateQueue({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="New queue" description="Jobs wait in it until a node of its clusters has room.">
      <CreateQueueForm onDone={onClose} />
    </Dialog>
  );
}

function CreateQueueForm({ onDone }: { onDone: () => void }) {
  const clusters = useQuery(queries.clusters());
  const create = useCreateQueue();
  const [name, setName] = useState("");
  const [priority, setPriority] = useState("0");
  const [chosen, setChosen] = useState<string[] | null>(null);
  const names = clusters.data?.items.map((cluster) => cluster.name) ?? [];
  // With nothing chosen yet, the first cluster is what most people mean.
  const selected = chosen ?? names.slice(0, 1);
  const error = create.error;
  const fieldError = (path: string) =>
    error instanceof ApiError ? error.fields.find((field) => field.path.startsWith(path))?.message : undefined;

  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate({ name: name.trim(), priority: Number(priority) || 0, clusters: selected }, { onSuccess: onDone });
  }

  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      <TextField label="Name" value={name} autoFocus error={fieldError("name")} onChange={(event) => setName(event.target.value)} />
      <TextField
        label="Priority"
        inputMode="numeric"
        hint="-1000 to 1000; the higher goes first, over all queues"
        value={priority}
        error={fieldError("priority")}
        onChange={(event) => setPriority(event.target.value)}
      />
      <fieldset>
        <legend className="mb-1.5 text-sm font-medium">Clusters</legend>
        <div className="space-y-1">
          {names.map((cluster) => (
            <label key={cluster} className="flex h-8 items-center gap-2.5 text-base">
              <input
                type="checkbox"
                className="size-4 accent-accent-solid"
                checked={selected.includes(cluster)}
                onChange={(event) =>
                  setChosen(event.target.checked ? [...selected, cluster] : selected.filter((one) => one !== cluster))
                }
              />
              {cluster}
            </label>
          ))}
        </div>
        {fieldError("clusters") && <p role="alert" className="mt-1 text-xs text-bad">{fieldError("clusters")}</p>}
      </fieldset>
      {error && !(error instanceof ApiError && error.fields.length > 0) && <FormError>{explain(error).detail}</FormError>}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Close</Button>
        <Button type="submit" look="primary" busy={create.isPending}>Create the queue</Button>
      </div>
    </form>
  );
}
