/// What is done to all the jobs that somebody chose.
import { useNavigate } from "@tanstack/react-router";
import { Ban, Check, ListOrdered, RotateCw, X } from "lucide-react";
import { type FormEvent, useState } from "react";

import { api, ok } from "@/api/client";
import { cancelJob, type JobFilter, type ManyResult, reprioritiseJob, rerunJob, unordered, useManyJobs } from "@/api/job-queries";
import { currentUser } from "@/api/session";
import { plural, sentence } from "@/lib/format";
import { randomWord } from "@/lib/random";
import { Button, IconButton } from "@/ui/button";
import { CopyMenu } from "@/ui/copy-menu";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";

import type { Selection } from "./selection";

type Deed = "cancel" | "rerun" | "reprioritise";

interface BarProps {
  selection: Selection;
  filter: JobFilter;
  /** How many jobs match the filter in all. */
  matching: number;
}

export function SelectionBar({ selection, filter, matching }: BarProps) {
  const [deed, setDeed] = useState<Deed | null>(null);
  // All that match, not only those that were read: for cancelling, which the server does by the filter.
  const [everything, setEverything] = useState(false);
  const viewer = currentUser()?.role === "viewer" ? "Your role may look, not act." : null;
  const { size } = selection;
  const isFiltered = Object.keys(filter).length > 0;
  const many = everything ? matching : size;
  const onlyCancel = everything ? "Of all that match, only cancelling is done at once." : null;
  return (
    <div role="region" aria-label="Chosen jobs" className="sticky bottom-4 z-30 mt-4 flex flex-wrap items-center gap-2 rounded-xl border border-accent-line bg-panel px-3 py-2.5 shadow-float">
      <p className="mr-auto pl-1 text-base">
        <b className="font-semibold">{many.toLocaleString()}</b> chosen
        {selection.allShown && isFiltered && matching > size && !everything && (
          <button type="button" onClick={() => setEverything(true)} className="ml-3 text-sm text-accent hover:underline">
            Choose all {matching.toLocaleString()} that match
          </button>
        )}
      </p>
      <CopyMenu choices={[["Ids", () => selection.ids.join("\n")], ["Command to cancel them", () => `lilac_cli cancel ${selection.ids.join(" ")}`]]} />
      <Button icon={<ListOrdered size={14} aria-hidden />} disabledReason={viewer ?? onlyCancel} onClick={() => setDeed("reprioritise")}>Priority</Button>
      <Button icon={<RotateCw size={14} aria-hidden />} disabledReason={viewer ?? onlyCancel} onClick={() => setDeed("rerun")}>Run again</Button>
      <Button look="danger" icon={<Ban size={14} aria-hidden />} disabledReason={viewer} onClick={() => setDeed("cancel")}>Cancel</Button>
      <IconButton
        label="Choose none"
        onClick={() => {
          setEverything(false);
          selection.clear();
        }}
      >
        <X size={16} />
      </IconButton>
      {deed && (
        <DeedDialog
          deed={deed}
          ids={selection.ids}
          everything={everything ? filter : null}
          many={many}
          close={(isDone) => {
            setDeed(null);
            if (isDone) {
              setEverything(false);
              selection.clear();
            }
          }}
        />
      )}
    </div>
  );
}

const TITLES: Record<Deed, (many: string) => string> = {
  cancel: (many) => `Cancel ${many}?`,
  rerun: (many) => `Run ${many} again?`,
  reprioritise: (many) => `Change the priority of ${many}`,
};
const NOTES: Record<Deed, string> = {
  cancel: "Those that wait leave their queues; those that run are told to stop. What has ended already stays as it is.",
  rerun: "Each is submitted once more with the same spec, in your name.",
  reprioritise: "Only jobs that wait have a place to change. Inside a queue the higher goes first.",
};
const DEED_WORDS: Record<Deed, string> = { cancel: "Cancel them", rerun: "Run them again", reprioritise: "Change the priority" };

interface DeedProps {
  deed: Deed;
  ids: readonly string[];
  everything: JobFilter | null;
  many: number;
  close: (isDone: boolean) => void;
}

function DeedDialog({ deed, ids, everything, many, close }: DeedProps) {
  const navigate = useNavigate();
  const change = useManyJobs();
  const [done, setDone] = useState(0);
  const [priority, setPriority] = useState("50");
  const [cancelled, setCancelled] = useState<number | null>(null);
  const [key] = useState(randomWord);
  const works: Record<Deed, (id: string) => Promise<unknown>> = {
    cancel: cancelJob,
    rerun: (id) => rerunJob(id, `${key}-${id}`),
    reprioritise: (id) => reprioritiseJob(id, Number(priority)),
  };
  const isNumber = /^\d{1,3}$/.test(priority.trim()) && Number(priority) <= 100;
  function act(event: FormEvent) {
    event.preventDefault();
    if (everything) {
      change.mutate({ ids: ["all"], work: () => cancelMatching(everything, setCancelled), progress: () => {} });
    } else change.mutate({ ids, work: works[deed], progress: setDone });
  }
  const title = TITLES[deed](plural(many, "job"));
  if (change.data) {
    return <Outcome result={change.data} count={cancelled ?? change.data.done} deed={deed} close={() => close(true)} showNew={() => void navigate({ to: "/jobs", search: { owner: "me" } })} />;
  }
  return (
    <Dialog open onClose={() => !change.isPending && close(false)} title={title} description={NOTES[deed]}>
      <form onSubmit={act} className="space-y-4">
        {deed === "reprioritise" && (
          <TextField label="Priority" hint="0 to 100" inputMode="numeric" autoFocus value={priority} error={isNumber ? undefined : "must be a number from 0 to 100"} onChange={(event) => setPriority(event.target.value)} />
        )}
        {change.isPending && (
          <div>
            <progress aria-label="Progress" max={many} value={cancelled ?? done} className="h-1.5 w-full accent-(--accent-solid)" />
            <p className="text-sm text-ink-soft">{(cancelled ?? done).toLocaleString()} of {many.toLocaleString()}</p>
          </div>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={() => close(false)}>Leave them</Button>
          <Button type="submit" look={deed === "cancel" ? "danger" : "primary"} busy={change.isPending} disabledReason={deed === "reprioritise" && !isNumber ? "The priority is no number." : null}>
            {DEED_WORDS[deed]}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** By the filter, so many at a time, until none is left. */
async function cancelMatching(filter: JobFilter, tell: (cancelled: number) => void) {
  const query = unordered(filter);
  let sum = 0;
  for (;;) {
    const answer = await ok(api.POST("/api/v1/jobs/cancel", { params: { query } }));
    sum += answer.cancelled;
    tell(sum);
    if (!answer.has_more || answer.cancelled === 0) return;
  }
}

const DONE_WORDS: Record<Deed, (many: string) => string> = {
  cancel: (many) => `${many} cancelled, or told to stop`,
  rerun: (many) => `${many} submitted again`,
  reprioritise: (many) => `${many} changed`,
};

function Outcome({ result, count, deed, close, showNew }: { result: ManyResult; count: number; deed: Deed; close: () => void; showNew: () => void }) {
  return (
    <Dialog open onClose={close} title="Done">
      <p className="flex items-center gap-2 text-base">
        <Check size={16} aria-hidden className="text-good" /> {DONE_WORDS[deed](plural(count, "job"))}.
      </p>
      {result.refused.size > 0 && (
        <ul className="mt-3 max-h-48 space-y-1 overflow-y-auto text-sm text-ink-soft">
          {[...result.refused].map(([words, times]) => <li key={words}>{times.toLocaleString()} × {sentence(words)}</li>)}
        </ul>
      )}
      <div className="mt-5 flex justify-end gap-2">
        {deed === "rerun" && <Button onClick={() => { close(); showNew(); }}>Show my jobs</Button>}
        <Button look="primary" onClick={close}>Close</Button>
      </div>
    </Dialog>
  );
}
