/// Ctrl-K: every page, every action and the latest jobs, one keystroke away.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight, CornerDownLeft, Moon, Plus, Server, Sun } from "lucide-react";
import { Dialog } from "radix-ui";
import { type ReactNode, useState } from "react";

import { queries } from "@/api/queries";
import { jobLook } from "@/domain/looks";
import { shortId } from "@/lib/format";
import { setTheme } from "@/lib/theme";
import { Kbd } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

import { NAV } from "./nav";

interface Entry {
  key: string;
  icon: ReactNode;
  text: string;
  note?: string;
  run: () => void;
}

const MAX_ENTRIES = 12;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const jobs = useInfiniteQuery(queries.jobs({}));

  const pages: Entry[] = [
    { key: "new", icon: <Plus size={15} />, text: "Submit a job", note: "c", run: () => void navigate({ to: "/jobs/new" }) },
    ...NAV.map((item) => ({
      key: item.to,
      icon: <item.icon size={15} />,
      text: item.name,
      note: item.shortcut,
      run: () => void navigate({ to: item.to }),
    })),
    { key: "add", icon: <Server size={15} />, text: "Add a node", run: () => void navigate({ to: "/nodes", search: { add: true } }) },
    { key: "light", icon: <Sun size={15} />, text: "Light theme", run: () => setTheme("light") },
    { key: "dark", icon: <Moon size={15} />, text: "Dark theme", run: () => setTheme("dark") },
  ];
  const openJob = (jobId: string) => void navigate({ to: "/jobs/$jobId", params: { jobId }, search: {} });
  const jobEntries: Entry[] = (jobs.data?.pages.flatMap((page) => page.items) ?? []).map((job) => ({
    key: job.id,
    icon: <StateIcon look={jobLook[job.state]} />,
    text: job.name,
    note: shortId(job.id),
    run: () => openJob(job.id),
  }));
  const wanted = text.trim().toLowerCase();
  const direct: Entry[] = UUID.test(wanted)
    ? [{ key: "direct", icon: <ArrowRight size={15} />, text: `Open job ${wanted}`, run: () => openJob(wanted) }]
    : [];
  const entries = [...direct, ...[...pages, ...jobEntries].filter((entry) => matches(entry, wanted))].slice(0, MAX_ENTRIES);
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
            aria-activedescendant={entries[at] && `palette-${entries[at].key}`}
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
                id={`palette-${entry.key}`}
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

function matches(entry: Entry, wanted: string): boolean {
  return wanted === "" || entry.text.toLowerCase().includes(wanted) || entry.note?.toLowerCase() === wanted || entry.key.endsWith(wanted);
}
