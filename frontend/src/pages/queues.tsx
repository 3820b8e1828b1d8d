/// Queues in the order in which they are served.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pause, Play, Plus } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { queries, useCreateQueue, usePauseQueue } from "@/api/queries";
import type { Queue } from "@/api/types";
import { queueLook } from "@/domain/queue";
import { adminOnly } from "@/domain/roles";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Listing } from "@/ui/listing";
import { Empty, PageHead, Tag } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

import { QueueForm } from "./queue-form";

const COLUMNS: Column<Queue>[] = [
  {
    head: "Queue",
    grow: true,
    cell: (queue) => (
      <>
        <Link to="/queues/$queueId" params={{ queueId: queue.id }} className="font-medium break-all hover:text-accent">
          {queue.name}
        </Link>
        <span className="block text-xs text-ink-faint">{queue.team}</span>
      </>
    ),
  },
  { head: "State", cell: (queue) => <StateMark look={queueLook(queue)} /> },
  { head: "Priority", cell: (queue) => queue.priority, number: true, wide: true },
  { head: "Weight", cell: (queue) => queue.weight, number: true, wide: true },
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
  {
    head: "Clusters",
    wide: true,
    cell: (queue) => <span className="flex w-max max-w-64 flex-wrap gap-1">{queue.clusters.map((name) => <Tag key={name}>{name}</Tag>)}</span>,
  },
  { head: "", cell: (queue) => <PauseButton queue={queue} />, number: true },
];

export function QueuesPage() {
  const queues = useQuery(queries.queues());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Queues" note="The higher priority is served first; equal ones share by weight, and inside a queue a job’s own priority decides.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={adminOnly("makes queues")} onClick={() => setCreating(true)}>
          New queue
        </Button>
      </PageHead>
      <Listing
        query={queues}
        label="Queues"
        columns={COLUMNS}
        rowKey={(queue) => queue.id}
        empty={
          <Empty title="No queue" action={<CommandBlock text="lilac_cli queue create default --cluster default" />}>
            Jobs are submitted to a queue; create one first.
          </Empty>
        }
      />
      {creating && <CreateQueue onClose={() => setCreating(false)} />}
    </>
  );
}

export function PauseButton({ queue }: { queue: Queue }) {
  const pause = usePauseQueue();
  const Icon = queue.paused ? Play : Pause;
  return (
    <span className="inline-flex items-center gap-2">
      {pause.isError && <span role="alert" className="text-xs text-bad">{explain(pause.error).detail}</span>}
      <Button
        icon={<Icon size={13} aria-hidden />}
        disabledReason={adminOnly("pauses queues")}
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

function CreateQueue({ onClose }: { onClose: () => void }) {
  const create = useCreateQueue();
  return (
    <Dialog open wide onClose={onClose} title="New queue" description="Jobs wait in it until a node of its clusters has room.">
      <QueueForm
        action="Create the queue"
        error={create.error}
        busy={create.isPending}
        onClose={onClose}
        onSubmit={(name, rules) => create.mutate({ ...rules, name }, { onSuccess: onClose })}
      />
    </Dialog>
  );
}
