/// Ctrl-K: every page, every action and the latest jobs, one keystroke away.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight, CornerDownLeft } from "lucide-react";
import { Dialog } from "radix-ui";
import { type ReactNode, useDeferredValue, useState } from "react";

import { jobQueries } from "@/api/job-queries";
import { jobLook } from "@/domain/looks";
import { shortId } from "@/lib/format";
import { useActionGroups } from "@/lib/actions";
import { Kbd } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

import { Keys } from "./key-map";

interface Entry {
  key: string;
  icon: ReactNode;
  text: string;
  note?: string;
  keys?: string;
  run: () => void;
}

const MAX_ENTRIES = 14;
/** Jobs that are looked up by a part of their name. */
const FOUND_JOBS = 8;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const wanted = text.trim().toLowerCase();
  const looked = useDeferredValue(wanted);
  const jobs = useQuery(jobQueries.recent(looked.length > 1 && looked.length <= 128 ? { text: looked } : {}, FOUND_JOBS));
  const actions: Entry[] = useActionGroups().flatMap(({ title, actions: offered }) =>
    offered
      .filter((action) => !action.disabledReason && action.name !== "Search")
      .map((action) => ({
        key: `${title}/${action.name}`,
        icon: action.icon ? <action.icon size={15} /> : <ArrowRight size={15} />,
        text: action.name,
        ...(action.keys && { keys: action.keys }),
        run: action.run,
      })),
  );
  const openJob = (jobId: string) => void navigate({ to: "/jobs/$jobId", params: { jobId }, search: {} });
  const jobEntries: Entry[] = (jobs.data?.items ?? []).map((job) => ({
    key: job.id,
    icon: <StateIcon look={jobLook[job.state]} />,
    text: job.name,
    note: shortId(job.id),
    run: () => openJob(job.id),
  }));
  const direct: Entry[] = UUID.test(wanted)
    ? [{ key: "direct", icon: <ArrowRight size={15} />, text: `Open job ${wanted}`, run: () => openJob(wanted) }]
    : [];
  const entries = [...direct, ...[...actions, ...jobEntries].filter((entry) => matches(entry, wanted))].slice(0, MAX_ENTRIES);
  const at = Math.min(chosen, Math.max(0, entries.length - 1));

  function take(entry: Entry | undefined) {
    if (!entry) return;
    onClose();
    entry.run();
  }

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-[#120d1c]/45 backdrop-blur-[2px]" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[14dvh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-2xl border bg-panel shadow-float focus:outline-none"
        >
          <Dialog.Title className="sr-only">Go to</Dialog.Title>
          <input
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-entries"
            aria-activedescendant={entries[at] && optionId(at)}
            aria-label="Page, action, job name or id"
            placeholder="Page, action, job name or id…"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setChosen(0);
            }}
            onKeyDown={(event) => {
              const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
              if (step !== undefined) {
                event.preventDefault();
                setChosen((at + step + entries.length) % Math.max(1, entries.length));
              }
              if (event.key === "Enter") take(entries[at]);
            }}
            className="h-13 w-full border-b bg-transparent px-4 text-lg outline-none placeholder:text-ink-faint"
          />
          <div id="palette-entries" role="listbox" aria-label="Results" className="max-h-[50dvh] overflow-y-auto p-1.5">
            {entries.map((entry, index) => (
              // The keyboard stays in the box above, which moves the choice.
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={entry.key}
                id={optionId(index)}
                role="option"
                tabIndex={-1}
                aria-selected={index === at}
                onMouseMove={() => setChosen(index)}
                onClick={() => take(entry)}
                className="flex h-9 cursor-pointer items-center gap-3 rounded-lg px-3 text-base text-ink-soft aria-selected:bg-accent-soft aria-selected:text-ink"
              >
                {entry.icon}
                <span className="flex-1 truncate">{entry.text}</span>
                {entry.note && <Kbd>{entry.note}</Kbd>}
                {entry.keys && <Keys spelled={entry.keys} />}
                {index === at && <CornerDownLeft size={14} aria-hidden className="text-ink-faint" />}
              </div>
            ))}
            {entries.length === 0 && <p className="px-3 py-6 text-center text-sm text-ink-soft">Nothing has that name.</p>}
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

const optionId = (index: number) => `palette-${index}`;

function matches(entry: Entry, wanted: string): boolean {
  return wanted === "" || entry.text.toLowerCase().includes(wanted) || entry.keys === wanted || entry.key.endsWith(wanted);
}
