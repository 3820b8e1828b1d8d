/// Deleting a queue, with the choice of what becomes of its jobs.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { useDeleteQueue } from "@/api/admin";
import { queries } from "@/api/queries";
import type { Queue } from "@/api/types";
import { plural } from "@/lib/format";
import { Dialog } from "@/ui/dialog";
import { Choice, SelectField } from "@/ui/field";
import { Form } from "@/ui/form";

type Fate = "refuse" | "cancel" | "move";

const FATES: Record<Fate, string> = {
  refuse: "The queue stays while any of its jobs waits or runs.",
  cancel: "Those that wait or run are cancelled.",
  move: "Those that wait or run go on in another queue.",
};

export function DeleteQueue({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const remove = useDeleteQueue();
  const navigate = useNavigate();
  const queues = useQuery(queries.queues());
  const [fate, setFate] = useState<Fate>("refuse");
  const [target, setTarget] = useState("");
  const others = queues.data?.items.filter((other) => other.id !== queue.id).map((other) => other.name) ?? [];
  const chosen = target || (others[0] ?? "");
  const unfinished = queue.queued + queue.running;
  return (
    <Dialog open onClose={onClose} title={`Delete ${queue.name}?`} description="Its ended jobs stay readable.">
      <Form
        error={remove.error}
        known={[]}
        busy={remove.isPending}
        action="Delete the queue"
        keep="Keep it"
        danger
        onClose={onClose}
        disabledReason={fate === "move" && !chosen ? "There is no other queue." : null}
        onSubmit={() =>
          remove.mutate({ id: queue.id, jobs: fate === "move" ? `move:${chosen}` : fate }, { onSuccess: () => void navigate({ to: "/queues" }) })
        }
      >
        <p className="text-base text-ink-soft">
          {unfinished === 0 ? "No job waits or runs in it." : `${plural(unfinished, "job waits or runs", "jobs wait or run")} in it.`}
        </p>
        <div>
          <Choice<Fate>
            label="Jobs that have not ended"
            value={fate}
            onChange={setFate}
            options={[
              { value: "refuse", text: "Wait for" },
              { value: "cancel", text: "Cancel" },
              { value: "move", text: "Move" },
            ]}
          />
          <p className="mt-1 text-xs text-ink-faint">{FATES[fate]}</p>
        </div>
        {fate === "move" && (
          <SelectField label="To" value={chosen} onChange={(event) => setTarget(event.target.value)}>
            {others.map((name) => <option key={name}>{name}</option>)}
          </SelectField>
        )}
      </Form>
    </Dialog>
  );
}
