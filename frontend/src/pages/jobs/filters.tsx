/// What narrows the list, how it is grouped and laid out; all of it stands in the URL.
import { useQuery } from "@tanstack/react-query";
import { Bookmark, Columns3, Search, X } from "lucide-react";
import { type FormEvent, lazy, Suspense, useEffect, useEffectEvent, useRef, useState } from "react";

import { jobQueries } from "@/api/job-queries";
import { queries } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { JobState } from "@/api/types";
import { JOB_STATES, reasonWord } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { shortId } from "@/lib/format";
import { useShortcuts } from "@/lib/keys";
import { filterOf } from "@/pages/jobs";
import type { JobsSearch } from "@/router";
import { Button, ICON_BUTTON, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { columnsOf, DEFAULT_COLUMNS, JOB_COLUMNS, type JobColumnId } from "@/ui/job-rows";
import { Menu, MenuCheck } from "@/ui/menu";
import { StateIcon } from "@/ui/state-mark";


const Views = lazy(() => import("./views").then((module) => ({ default: module.Views })));

/** What jobs may be grouped by, beside their labels. */
const GROUPINGS: Record<string, string> = {
  queue: "queue",
  owner: "owner",
  team: "team",
  reason: "reason",
  node: "node",
  name: "name",
  image: "image",
};

interface FilterProps {
  search: JobsSearch;
  change: (part: Partial<JobsSearch>) => void;
}

/** Nothing is asked of the server while somebody still types. */
const TYPING_MILLIS = 200;
// On a phone two stand in a row, under the box and the views.
const SELECT = "select h-8 max-w-44 max-sm:max-w-none max-sm:grow max-sm:basis-[calc(50%-0.25rem)] rounded-lg border border-line-strong bg-panel pr-8 pl-2.5 text-sm text-ink hover:border-ink-faint/60";

export function Filters({ search, change }: FilterProps) {
  const queues = useQuery(queries.queues());
  const me = currentUser()?.username;
  const { sort } = search;
  return (
    <div className="mb-4 space-y-3">
      <StateChips search={search} change={change} />
      <div className="flex flex-wrap items-center gap-2">
        <TextBox search={search} change={change} />
        <select aria-label="Queue" className={SELECT} value={search.queue ?? ""} onChange={(event) => change({ queue: event.target.value || undefined })}>
          <option value="">All queues</option>
          {search.queue && !queues.data?.items.some((queue) => queue.name === search.queue) && <option>{search.queue}</option>}
          {queues.data?.items.map((queue) => <option key={queue.id}>{queue.name}</option>)}
        </select>
        <select aria-label="Owner" className={SELECT} value={search.owner ?? ""} onChange={(event) => change({ owner: event.target.value || undefined })}>
          <option value="">All owners</option>
          <option value="me">Mine{me ? ` (${me})` : ""}</option>
          {search.owner && search.owner !== "me" && <option>{search.owner}</option>}
        </select>
        <GroupSelect search={search} change={change} />
        <select aria-label="Order" className={SELECT} value={sort ?? ""} onChange={(event) => change({ sort: event.target.value === "oldest" ? "oldest" : undefined })}>
          <option value="">Newest first</option>
          <option value="oldest">Oldest first</option>
        </select>
        <div className="ml-auto flex items-center gap-1 max-sm:-order-1">
          <Columns search={search} change={change} />
          <ViewsWhenWanted search={search} />
        </div>
      </div>
      <Chips search={search} change={change} />
    </div>
  );
}

function ViewsWhenWanted({ search }: { search: JobsSearch }) {
  const [wanted, setWanted] = useState(false);
  const button = (
    <IconButton label="Views" aria-haspopup="menu" onClick={() => setWanted(true)}>
      <Bookmark size={16} />
    </IconButton>
  );
  return wanted ? <Suspense fallback={button}><Views search={search} /></Suspense> : button;
}

function StateChips({ search, change }: FilterProps) {
  // How many there would be of each state, with all else that narrows the list.
  const counts = useQuery(jobQueries.counts(filterOf({ ...search, state: undefined })));
  const chosen = search.state?.split(",") ?? [];
  function toggle(state: JobState) {
    const next = chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state];
    change({ state: next.join(",") || undefined });
  }
  return (
    <div role="group" aria-label="States" className="flex gap-1.5 max-sm:-mx-4 max-sm:overflow-x-auto max-sm:px-4 max-sm:py-1 max-sm:[scrollbar-width:none] sm:flex-wrap">
      {JOB_STATES.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen.includes(state)}
          onClick={() => toggle(state)}
          className="inline-flex h-8 shrink-0 items-center gap-1.5 rounded-full border bg-panel px-3 text-sm text-ink-soft transition-colors hover:border-line-strong hover:text-ink aria-pressed:border-accent-line aria-pressed:bg-accent-soft aria-pressed:text-ink"
        >
          <StateIcon look={jobLook[state]} />
          {jobLook[state].word}
          <span className="text-ink-faint">{(counts.data?.by_state[state] ?? 0).toLocaleString()}</span>
        </button>
      ))}
    </div>
  );
}

function TextBox({ search, change }: FilterProps) {
  const box = useRef<HTMLInputElement>(null);
  // The URL follows the box a moment later; while somebody types, the box is ahead of it.
  const [typed, setTyped] = useState<string | null>(null);
  useShortcuts({ "/": () => box.current?.focus() });
  const tell = useEffectEvent((text: string) => change({ q: text || undefined }));
  useEffect(() => {
    if (typed === null) return;
    const timer = window.setTimeout(() => tell(typed), TYPING_MILLIS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <label className="flex h-8 min-w-44 flex-1 max-sm:-order-2 items-center gap-2 rounded-lg border border-line-strong bg-panel px-2.5 focus-within:border-accent-solid sm:max-w-72">
      <Search size={14} className="shrink-0 text-ink-faint" aria-hidden />
      <span className="sr-only">Filter by text</span>
      <input
        ref={box}
        value={typed ?? search.q ?? ""}
        placeholder="Name, or label=value  /"
        spellCheck={false}
        maxLength={128}
        className="min-w-0 flex-1 bg-transparent text-sm outline-none placeholder:text-ink-faint"
        onChange={(event) => setTyped(event.target.value)}
        onBlur={() => {
          if (typed !== null) change({ q: typed || undefined });
          setTyped(null);
        }}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
    </label>
  );
}

function GroupSelect({ search, change }: FilterProps) {
  const { group } = search;
  const [asking, setAsking] = useState(false);
  const isKnown = !group || Object.hasOwn(GROUPINGS, group);
  return (
    <>
      <select
        aria-label="Group by"
        className={SELECT}
        value={group ?? ""}
        onChange={(event) => {
          const { value } = event.target;
          if (value === "label:") setAsking(true);
          else change({ group: value || undefined });
        }}
      >
        <option value="">Not grouped</option>
        {Object.entries(GROUPINGS).map(([by, name]) => <option key={by} value={by}>{`By ${name}`}</option>)}
        {!isKnown && <option value={group}>{`By ${group.replace("label:", "label ")}`}</option>}
        <option value="label:">By a label…</option>
      </select>
      {asking && (
        <AskLabel
          close={() => setAsking(false)}
          take={(key) => {
            setAsking(false);
            change({ group: `label:${key}` });
          }}
        />
      )}
    </>
  );
}

function AskLabel({ take, close }: { take: (key: string) => void; close: () => void }) {
  const [key, setKey] = useState("");
  function send(event: FormEvent) {
    event.preventDefault();
    if (key.trim()) take(key.trim());
  }
  return (
    <Dialog open onClose={close} title="Group by a label" description="Jobs with the same value of it come together.">
      <form onSubmit={send} className="space-y-4">
        <TextField label="Key of the label" placeholder="exp" autoFocus maxLength={63} value={key} onChange={(event) => setKey(event.target.value)} />
        <div className="flex justify-end">
          <Button type="submit" look="primary" disabledReason={key.trim() ? null : "The key is missing."}>Group</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Columns({ search, change }: FilterProps) {
  const shown = columnsOf(search.cols);
  function set(id: JobColumnId, on: boolean) {
    const next = (Object.keys(JOB_COLUMNS) as JobColumnId[]).filter((one) => (one === id ? on : shown.includes(one)));
    const usual = next.length === DEFAULT_COLUMNS.length && next.every((one) => DEFAULT_COLUMNS.includes(one));
    change({ cols: usual ? undefined : next.join(",") || "none" });
  }
  return (
    <Menu button={{ name: "Columns", className: `${ICON_BUTTON} max-md:hidden`, content: <Columns3 size={16} /> }}>
      {(Object.keys(JOB_COLUMNS) as JobColumnId[]).map((id) => (
        <MenuCheck key={id} checked={shown.includes(id)} onChange={(on) => set(id, on)}>
          {JOB_COLUMNS[id].name}
        </MenuCheck>
      ))}
    </Menu>
  );
}

/** Filters that have no field of their own, each with a way out. */
function Chips({ search, change }: FilterProps) {
  const chips: [keyof JobsSearch, string][] = [];
  if (search.node) chips.push(["node", `On ${search.node}`]);
  if (search.team) chips.push(["team", `Team ${search.team}`]);
  if (search.reason) chips.push(["reason", search.reason.split(",").map(reasonWord).join(", ")]);
  if (search.label) chips.push(["label", search.label]);
  if (search.array) chips.push(["array", `Array ${shortId(search.array)}`]);
  if (chips.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-1.5">
      {chips.map(([name, text]) => (
        <button
          key={name}
          type="button"
          onClick={() => change({ [name]: undefined })}
          aria-label={`${text}: remove this filter`}
          className="inline-flex h-8 max-w-full items-center gap-1.5 rounded-full border border-accent-line bg-accent-soft px-3 text-sm"
        >
          <span className="truncate">{text}</span> <X size={13} aria-hidden className="shrink-0" />
        </button>
      ))}
    </div>
  );
}
