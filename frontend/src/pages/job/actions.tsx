/// What can be done with a job: each action with its question, and why it cannot be done where that is so.
import { useNavigate } from "@tanstack/react-router";
import { Ban, ChevronDown, Clock, Copy, ListOrdered, Pause, Play, RotateCw, SquarePen, TerminalSquare } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { useExtendJob, useHoldJob, useReprioritiseJob, useRerunJob } from "@/api/job-queries";
import { useCancelJob, useReleaseJob } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Job } from "@/api/types";
import { jobCan } from "@/domain/job";
import { useActions } from "@/lib/actions";
import { randomWord } from "@/lib/random";
import { Button } from "@/ui/button";
import { CopyMenu } from "@/ui/copy-menu";
import { Confirm, Dialog } from "@/ui/dialog";
import { FormError, TextField } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";

/** What writes YAML is larger than all else on the page. */
const texts = () => import("@/spec/text");

type Asked = "cancel" | "hold" | "reprioritise" | "extend";

export function Actions({ job }: { job: Job }) {
  const user = currentUser();
  const navigate = useNavigate();
  const release = useReleaseJob();
  const rerun = useRerunJob();
  const [asked, setAsked] = useState<Asked | null>(null);
  // A second press, or one after a broken connection, must not make a second job.
  const [key] = useState(randomWord);
  const viewer = user?.role === "viewer" ? "Your role may look, not submit." : null;

  const runAgain = () =>
    rerun.mutate({ id: job.id, key }, { onSuccess: (made) => void navigate({ to: "/jobs/$jobId", params: { jobId: made.id }, search: {} }) });
  const edit = () => void navigate({ to: "/jobs/new", search: { like: job.id } });
  const openShell = () => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id }, search: { tab: "shell" } });
  useActions("This job", [
    { name: "Run it again", icon: RotateCw, keys: "r", disabledReason: viewer, run: runAgain },
    { name: "Edit and run again", icon: SquarePen, keys: "e", disabledReason: viewer, run: edit },
    { name: "Cancel it", icon: Ban, disabledReason: jobCan.cancel(job, user), run: () => setAsked("cancel") },
    { name: "Hold it", icon: Pause, disabledReason: jobCan.hold(job, user), run: () => setAsked("hold") },
    { name: "Release it", icon: Play, disabledReason: jobCan.release(job, user), run: () => release.mutate(job.id) },
    { name: "Change its priority", icon: ListOrdered, disabledReason: jobCan.reprioritise(job, user), run: () => setAsked("reprioritise") },
    { name: "Give it more time", icon: Clock, disabledReason: jobCan.extend(job, user), run: () => setAsked("extend") },
    { name: "Open a shell in it", icon: TerminalSquare, keys: "s", disabledReason: jobCan.shell(job, user), run: openShell },
  ]);

  const failed = release.error ?? rerun.error;
  return (
    // On a phone they fill one row, in words alone.
    <div className="flex flex-wrap items-center gap-2 max-sm:w-full max-sm:gap-1 max-sm:*:grow">
      {job.spec && <CopyJob job={job} />}
      <div className="inline-flex">
        <Button className="grow rounded-r-none" icon={<RotateCw size={14} className="max-sm:hidden" aria-hidden />} disabledReason={viewer} busy={rerun.isPending} onClick={runAgain}>
          Run again
        </Button>
        <Menu
          button={{
            name: "More ways to run it again",
            className: "inline-flex h-8 w-8 items-center justify-center rounded-r-lg max-sm:w-7 border border-l-0 border-line-strong bg-panel shadow-card hover:bg-hover",
            content: <ChevronDown size={14} aria-hidden />,
          }}
        >
          <MenuItem icon={<SquarePen size={14} />} onSelect={edit}>Edit and run again</MenuItem>
        </Menu>
      </div>
      {job.state === "held" && (
        <Button look="primary" icon={<Play size={14} className="max-sm:hidden" aria-hidden />} disabledReason={jobCan.release(job, user)} busy={release.isPending} onClick={() => release.mutate(job.id)}>
          Release
        </Button>
      )}
      <Menu label="Change">
        <MenuItem icon={<Pause size={14} />} disabledReason={jobCan.hold(job, user)} onSelect={() => setAsked("hold")}>Hold…</MenuItem>
        <MenuItem icon={<ListOrdered size={14} />} disabledReason={jobCan.reprioritise(job, user)} onSelect={() => setAsked("reprioritise")}>Priority…</MenuItem>
        <MenuItem icon={<Clock size={14} />} disabledReason={jobCan.extend(job, user)} onSelect={() => setAsked("extend")}>Time limit…</MenuItem>
        <MenuItem icon={<TerminalSquare size={14} />} disabledReason={jobCan.shell(job, user)} onSelect={openShell}>Shell</MenuItem>
      </Menu>
      <Button look="danger" icon={<Ban size={14} className="max-sm:hidden" aria-hidden />} disabledReason={jobCan.cancel(job, user)} onClick={() => setAsked("cancel")}>
        Cancel
      </Button>
      {failed && <FormError>{explain(failed).detail}</FormError>}
      <CancelQuestion job={job} open={asked === "cancel"} close={() => setAsked(null)} />
      {asked === "hold" && <HoldQuestion job={job} close={() => setAsked(null)} />}
      {asked === "reprioritise" && <PriorityQuestion job={job} close={() => setAsked(null)} />}
      {asked === "extend" && <ExtendQuestion job={job} close={() => setAsked(null)} />}
    </div>
  );
}

function CopyJob({ job }: { job: Job }) {
  const { spec } = job;
  if (!spec) return null;
  return (
    <CopyMenu
      label={<><Copy size={14} className="sm:hidden" aria-hidden /><span className="max-sm:sr-only">Copy as</span></>}
      choices={[
        ["Command line", async () => (await texts()).asCli(spec)],
        ["curl", async () => (await texts()).asCurl(spec, location.origin)],
        ["YAML", async () => (await texts()).asYaml(spec)],
        ["Job id", () => job.id],
        ["Address", () => location.href],
      ]}
    />
  );
}

function CancelQuestion({ job, open, close }: { job: Job; open: boolean; close: () => void }) {
  const cancel = useCancelJob();
  return (
    <Confirm
      open={open}
      onClose={() => {
        close();
        cancel.reset();
      }}
      title={`Cancel ${job.name}?`}
      action="Cancel the job"
      keep="Keep it"
      busy={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate(job.id, { onSuccess: close })}
    >
      {job.state === "queued" || job.state === "held"
        ? "It leaves its queue and will not run."
        : `Its program is told to stop (${job.spec?.stop?.signal ?? "SIGTERM"}) and killed when it has not ended after ${job.spec?.stop?.grace ?? "10s"}.`}
    </Confirm>
  );
}

interface QuestionProps {
  title: string;
  description: ReactNode;
  action: string;
  label: string;
  hint?: string;
  /** As the API names it, so that its words appear beside the field. */
  field: string;
  initial: string;
  required?: boolean;
  change: { mutate: (input: string) => void; isPending: boolean; error: Error | null };
  close: () => void;
}

/** Asks for one value, and shows beside it what the server says to it. */
function Question({ title, description, action, label, hint, field, initial, required = true, change, close }: QuestionProps) {
  const [value, setValue] = useState(initial);
  const { error } = change;
  const refused = error instanceof ApiError ? error.fields.find((one) => one.path === field)?.message : undefined;
  function send(event: FormEvent) {
    event.preventDefault();
    change.mutate(value.trim());
  }
  return (
    <Dialog open onClose={close} title={title} description={description}>
      <form onSubmit={send} className="space-y-4">
        <TextField label={label} hint={hint} optional={!required} autoFocus value={value} error={refused} onChange={(event) => setValue(event.target.value)} />
        {error && !refused && <FormError>{explain(error).detail}</FormError>}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Keep it as it is</Button>
          <Button type="submit" look="primary" busy={change.isPending} disabledReason={required && !value.trim() ? `${label} is missing.` : null}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function HoldQuestion({ job, close }: { job: Job; close: () => void }) {
  const hold = useHoldJob();
  const mutate = (message: string) => hold.mutate({ id: job.id, message }, { onSuccess: close });
  return (
    <Question
      title={`Hold ${job.name}?`}
      description="It keeps its place and is not started before somebody releases it."
      action="Hold the job"
      label="Why"
      hint="For whoever finds it."
      field="message"
      initial=""
      required={false}
      change={{ ...hold, mutate }}
      close={close}
    />
  );
}

function PriorityQuestion({ job, close }: { job: Job; close: () => void }) {
  const reprioritise = useReprioritiseJob();
  // What is no number becomes one that the server refuses with a reason.
  const mutate = (text: string) => reprioritise.mutate({ id: job.id, priority: /^\d+$/.test(text) ? Number(text) : 1_000 }, { onSuccess: close });
  return (
    <Question
      title={`Change the priority of ${job.name}`}
      description="Inside its queue the higher goes first, equal ones in the order of arrival."
      action="Change the priority"
      label="Priority"
      hint="0 to 100"
      field="priority"
      initial={String(job.priority)}
      change={{ ...reprioritise, mutate }}
      close={close}
    />
  );
}

function ExtendQuestion({ job, close }: { job: Job; close: () => void }) {
  const extend = useExtendJob();
  const mutate = (maxRuntime: string) => extend.mutate({ id: job.id, maxRuntime }, { onSuccess: close });
  return (
    <Question
      title={`Give ${job.name} more time`}
      description={`It may run for ${job.max_runtime ?? "ever"} now. The limit counts from its start, and can only grow.`}
      action="Change the limit"
      label="Time limit"
      hint="90s, 10m or 24h, from its start"
      field="max_runtime"
      initial={job.max_runtime ?? ""}
      change={{ ...extend, mutate }}
      close={close}
    />
  );
}
