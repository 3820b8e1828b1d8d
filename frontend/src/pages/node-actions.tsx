/// What administrators do with a node: cordon, drain, label, remove. Each says first what it will hit.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2, CircleHelp, CircleStop } from "lucide-react";
import { useState } from "react";

import { adminQueries, useCordonBecause, useDrain, useForgetNode, useLabelNode } from "@/api/admin";
import type { Job, Node } from "@/api/types";
import { drainFate, spanMillis } from "@/domain/fleet";
import { jobLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { plural } from "@/lib/format";
import { Confirm, Dialog } from "@/ui/dialog";
import { AreaField, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Broken, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

export function CordonDialog({ node, onClose }: { node: Node; onClose: () => void }) {
  const cordon = useCordonBecause();
  const [reason, setReason] = useState("");
  return (
    <Dialog open onClose={onClose} title={`Cordon ${node.name}`} description="Its jobs go on; no new ones are placed on it until it is uncordoned.">
      <Form
        error={cordon.error}
        known={["reason"]}
        busy={cordon.isPending}
        action="Cordon the node"
        onClose={onClose}
        onSubmit={() => cordon.mutate({ id: node.id, reason: reason.trim() }, { onSuccess: onClose })}
      >
        <TextField
          label="Why"
          optional
          hint="A sentence for the others; it stands beside the node’s state"
          value={reason}
          error={fieldErrors(cordon.error)("reason") ?? ""}
          onChange={(event) => setReason(event.target.value)}
        />
      </Form>
    </Dialog>
  );
}

export function DrainDialog({ node, onClose }: { node: Node; onClose: () => void }) {
  const drain = useDrain();
  const [within, setWithin] = useState("30m");
  const [reason, setReason] = useState("");
  const errors = fieldErrors(drain.error);
  return (
    <Dialog open wide onClose={onClose} title={`Drain ${node.name}`} description="Takes the node out: no new jobs, and those that run may end by themselves for a while. What runs on is then stopped and goes back to its queue, uncharged.">
      <Form
        error={drain.error}
        known={["within", "reason"]}
        busy={drain.isPending}
        action="Drain the node"
        danger
        onClose={onClose}
        onSubmit={() => drain.mutate({ id: node.id, within: within.trim(), reason: reason.trim() }, { onSuccess: onClose })}
      >
        <div className="grid gap-4 sm:grid-cols-[10rem_minmax(0,1fr)]">
          <TextField
            label="Within"
            hint="As 0s, 30m or 12h"
            value={within}
            error={errors("within") ?? ""}
            onChange={(event) => setWithin(event.target.value)}
          />
          <TextField label="Why" optional value={reason} error={errors("reason") ?? ""} onChange={(event) => setReason(event.target.value)} />
        </div>
        <DrainPreview node={node} withinMillis={spanMillis(within)} />
      </Form>
    </Dialog>
  );
}

const FATES = {
  ends: { icon: CheckCircle2, className: "text-good", text: "ends before" },
  stopped: { icon: CircleStop, className: "text-bad", text: "is stopped and queued again" },
  unknown: { icon: CircleHelp, className: "text-warn", text: "ends, or is stopped and queued again" },
} as const;

/** What a drain hits: every job that runs there, and what becomes of it. */
function DrainPreview({ node, withinMillis }: { node: Node; withinMillis: number | undefined }) {
  const jobs = useQuery(adminQueries.nodeJobs(node.id, "starting,running"));
  const now = useNow();
  if (jobs.isError && !jobs.data) return <Broken error={jobs.error} retry={() => void jobs.refetch()} />;
  if (!jobs.data) return <SkeletonRows rows={2} />;
  const items = jobs.data.items;
  const unseen = Math.max(node.running_jobs - items.length, 0);
  return (
    <section aria-label="What it hits" className="rounded-xl border">
      <h3 className="border-b px-4 py-2.5 text-sm font-semibold">
        {node.running_jobs === 0 ? "Nothing runs there: it is drained at once." : `It hits ${plural(node.running_jobs, "job")}`}
      </h3>
      {items.length > 0 && (
        <ul className="max-h-64 divide-y overflow-y-auto">
          {items.map((job) => (
            <Hit key={job.id} job={job} fate={withinMillis === undefined ? "unknown" : drainFate(job, withinMillis, now)} />
          ))}
        </ul>
      )}
      {unseen > 0 && <p className="border-t px-4 py-2.5 text-sm text-ink-soft">{plural(unseen, "of them is", "of them are")} of teams that you do not see.</p>}
    </section>
  );
}

function Hit({ job, fate }: { job: Job; fate: keyof typeof FATES }) {
  const { icon: Icon, className, text } = FATES[fate];
  return (
    <li className="flex items-center gap-3 px-4 py-2.5 text-sm">
      <StateIcon look={jobLook[job.state]} />
      <span className="min-w-0 flex-1">
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} search={{}} className="block truncate font-medium hover:text-accent">
          {job.name}
        </Link>
        <span className="block truncate text-xs text-ink-faint">{`${job.owner} · ${job.max_runtime ? `at most ${job.max_runtime}` : "no bound on its time"}`}</span>
      </span>
      <span className="flex items-center gap-1.5 text-right text-xs text-ink-soft">
        <Icon size={14} aria-hidden className={`shrink-0 ${className}`} />
        {text}
      </span>
    </li>
  );
}

export function LabelsDialog({ node, onClose }: { node: Node; onClose: () => void }) {
  const label = useLabelNode();
  const [text, setText] = useState(() => Object.entries(node.admin_labels).map(([key, value]) => `${key}=${value}`).join("\n"));
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const wrong = lines.find((line) => !/^[^=]+=/.test(line));
  const labels = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
  const reported = Object.entries(node.labels).filter(([key]) => !(key in node.admin_labels));
  return (
    <Dialog open onClose={onClose} title={`Labels of ${node.name}`} description="Jobs choose nodes by them. What you set stands over what the agent reports.">
      <Form
        error={label.error}
        known={["labels"]}
        busy={label.isPending}
        action="Set the labels"
        disabledReason={wrong ? `“${wrong}” is not key=value.` : null}
        onClose={onClose}
        onSubmit={() => label.mutate({ id: node.id, labels }, { onSuccess: onClose })}
      >
        <AreaField
          label="Labels"
          rows={5}
          placeholder="zone=a"
          hint="One key=value a line"
          value={text}
          error={wrong ? `“${wrong}” is not key=value` : (fieldErrors(label.error)("labels") ?? "")}
          onChange={(event) => setText(event.target.value)}
        />
        {reported.length > 0 && (
          <p className="text-xs break-words text-ink-faint">{`The agent reports ${reported.map(([key, value]) => `${key}=${value}`).join(", ")}.`}</p>
        )}
      </Form>
    </Dialog>
  );
}

export function RemoveNode({ node, onClose, onDone }: { node: Node; onClose: () => void; onDone?: () => void }) {
  const remove = useForgetNode();
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Remove ${node.name}?`}
      action="It is dead; remove it"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(node.id, {
          onSuccess: () => {
            onClose();
            onDone?.();
          },
        })
      }
    >
      {node.running_jobs > 0 && (
        <p className="mb-2 font-medium text-ink">{plural(node.running_jobs, "job goes", "jobs go")} back to their queues at once.</p>
      )}
      With this you attest that the machine is off or gone. If it still ran its jobs, they would run twice. To take a living
      machine out, drain it.
    </Confirm>
  );
}
