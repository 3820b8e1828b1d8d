/// From an empty platform to a finished job, without leaving the page: a machine, a job, its result.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, X } from "lucide-react";
import { type ReactNode, useState } from "react";

import { adminQueries } from "@/api/admin";
import { queries, useSubmitJob } from "@/api/queries";
import type { Job, Node } from "@/api/types";
import { exitText, isOver, jobSentence } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { isAlive } from "@/domain/node";
import { adminOnly, memberOnly } from "@/domain/roles";
import { randomWord } from "@/lib/random";
import { Button, buttonClass, IconButton } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { AreaField, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { StateMark } from "@/ui/state-mark";

import { JoinSteps } from "./add-node";

const SCRIPT = `echo "Hello from $(hostname)"
for i in 1 2 3; do echo "step $i of 3"; sleep 1; done`;

export function FirstRun({ nodes, onClose }: { nodes: Node[]; onClose: () => void }) {
  const [jobId, setJobId] = useState<string>();
  const job = useQuery({ ...queries.job(jobId ?? ""), enabled: jobId !== undefined }).data;
  const alive = nodes.filter(isAlive);
  const over = job !== undefined && isOver(job.state);
  const succeeded = job?.state === "succeeded";
  return (
    <section aria-label="First steps" className="relative overflow-hidden rounded-2xl border border-accent-line bg-panel shadow-card">
      <div aria-hidden className="pointer-events-none absolute -top-40 -right-32 size-96 rounded-full bg-accent-soft blur-3xl" />
      <div className="relative px-5 pt-5 sm:px-6">
        <div className="flex items-start gap-4">
          <div className="min-w-0 flex-1">
            <h2 className="text-lg font-semibold tracking-tight">{succeeded ? "It works." : "Three steps to a first job"}</h2>
            <p className="mt-0.5 text-sm text-ink-soft">{succeeded ? "A machine of yours ran a container and told how it ended." : "Everything happens here: this page follows along."}</p>
          </div>
          <IconButton label="Put the first steps away" onClick={onClose}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      </div>
      <ol className="relative px-5 py-5 sm:px-6">
        <Step number={1} title={alive.length > 0 ? `${names(alive)} joined` : "Let a machine join"} done={alive.length > 0} current={alive.length === 0}>
          {alive.length === 0 && <Join />}
        </Step>
        <Step number={2} title={jobTitle(job)} done={over} current={alive.length > 0 && !over}>
          {alive.length > 0 && !jobId && <FirstJob onSubmitted={setJobId} />}
          {job && <Progress job={job} />}
        </Step>
        <Step number={3} title={over ? "See what is left of it" : "See its result"} done={succeeded} current={over} last>
          {job && over && <Result job={job} onAgain={() => setJobId(undefined)} />}
        </Step>
      </ol>
    </section>
  );
}

const names = (nodes: Node[]) => nodes.slice(0, 3).map((node) => node.name).join(", ");

function jobTitle(job: Job | undefined): string {
  if (!job) return "Run a container on it";
  return isOver(job.state) ? `${job.name} ran${job.nodes[0] ? ` on ${job.nodes[0]}` : ""}` : `${job.name} is on its way`;
}

/** One of the steps: a number that becomes a tick, on a line that leads to the next. */
function Step({
  number,
  title,
  done,
  current,
  last = false,
  children,
}: {
  number: number;
  title: string;
  done: boolean;
  current: boolean;
  last?: boolean;
  children: ReactNode;
}) {
  const dot = done ? "border-good bg-good text-panel" : current ? "border-accent-solid bg-panel text-accent" : "border-line-strong bg-panel text-ink-faint";
  return (
    <li {...(current && { "aria-current": "step" as const })} className="grid grid-cols-[1.75rem_minmax(0,1fr)] gap-x-4">
      <div className="flex flex-col items-center">
        <span className={`flex size-7 items-center justify-center rounded-full border-2 text-sm font-semibold ${dot}`}>
          {done ? <Check size={15} strokeWidth={3} aria-hidden /> : number}
          {done && <span className="sr-only">Done:</span>}
        </span>
        {!last && <span aria-hidden className={`my-1 w-0.5 flex-1 rounded ${done ? "bg-good/40" : "bg-line"}`} />}
      </div>
      <div className={last ? "" : "pb-6"}>
        <h3 className={`pt-0.5 text-base font-medium ${!done && !current ? "text-ink-faint" : ""}`}>{title}</h3>
        <div className="mt-3 max-w-3xl empty:hidden">{children}</div>
      </div>
    </li>
  );
}

function Join() {
  const reason = adminOnly("lets machines join");
  if (reason) return <p className="text-sm text-ink-soft">{reason} Once one has joined, this page goes on by itself.</p>;
  return <JoinSteps />;
}

function FirstJob({ onSubmitted }: { onSubmitted: (id: string) => void }) {
  const submit = useSubmitJob();
  const [key] = useState(randomWord);
  const [image, setImage] = useState("busybox");
  const [script, setScript] = useState(SCRIPT);
  const errors = fieldErrors(submit.error);
  return (
    <Form
      error={submit.error}
      known={["image", "run"]}
      busy={submit.isPending}
      action="Run it"
      disabledReason={memberOnly()}
      onSubmit={() =>
        submit.mutate(
          {
            key,
            spec: { name: "hello", image: image.trim(), run: script, network: "none", resources: { cpus: "100m", memory: "32Mi" } },
          },
          { onSuccess: (job) => onSubmitted(job.id) },
        )
      }
    >
      <TextField label="Image" mono hint="Any with a shell; the machine pulls it, or has it" value={image} error={errors("image")} onChange={(event) => setImage(event.target.value)} />
      <AreaField label="Script" rows={3} value={script} error={errors("run")} onChange={(event) => setScript(event.target.value)} />
    </Form>
  );
}

/** Its state with the reason, and what it prints, as it comes. */
function Progress({ job }: { job: Job }) {
  const log = useQuery(adminQueries.logTail(job.id, isOver(job.state) ? job.state : "live")).data ?? "";
  return (
    <div className="space-y-3">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <StateMark look={jobLook[job.state]} soft />
        <span className="min-w-0 break-words text-ink-soft">{jobSentence(job) || exitText(job)}</span>
      </p>
      {log && (
        <pre aria-label="What it prints" role="log" tabIndex={0} className="max-h-56 overflow-auto rounded-lg border bg-log px-3 py-2 font-mono text-sm leading-5 break-all whitespace-pre-wrap">
          {log}
        </pre>
      )}
    </div>
  );
}

function Result({ job, onAgain }: { job: Job; onAgain: () => void }) {
  const failed = job.state !== "succeeded";
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap gap-2">
        {failed && <Button look="primary" onClick={onAgain}>Try another one</Button>}
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} search={{}} className={buttonClass(failed ? "plain" : "primary")}>
          Open its page
        </Link>
        <Link to="/jobs/new" search={{ like: job.id }} className={buttonClass()}>
          Submit another like it
        </Link>
      </div>
      <p className="text-sm text-ink-soft">The same from a terminal:</p>
      <CommandBlock text={`lilac_cli submit --name hello --image ${job.image} --follow -- echo hello`} />
    </div>
  );
}
