/// Every job, newest first: filtered by the URL, live, virtualised, read page by page while scrolled.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { Plus, Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { queries } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { Job, JobState } from "@/api/types";
import { JOB_STATES } from "@/domain/job";
import { jobLook } from "@/domain/looks";
import { useShortcuts } from "@/lib/keys";
import type { JobsSearch } from "@/router";
import { Button, buttonClass } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { JobRow, JobRowsHead } from "@/ui/job-rows";
import { Broken, Card, Empty, PageHead, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

const route = getRouteApi("/app/jobs");

const ROW_PIXELS = 57;
/** How near to the end of what was read the next page is fetched. */
const AHEAD_ROWS = 20;
/** Text is looked for among this many of the newest jobs: the server filters by exact words only. */
const SEARCHED_PAGES = 4;
const SEARCHED_PAGE_JOBS = 500;

export function JobsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { q, ...filters } = search;
  const jobs = useInfiniteQuery(queries.jobs(filters, q ? SEARCHED_PAGE_JOBS : undefined));
  const read = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const items = q ? read.filter((job) => mentions(job, q)) : read;
  const pages = jobs.data?.pages.length ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = jobs;

  useEffect(() => {
    if (q && hasNextPage && !isFetchingNextPage && pages < SEARCHED_PAGES) void fetchNextPage();
  }, [q, hasNextPage, isFetchingNextPage, pages, fetchNextPage]);

  const change = (part: Partial<JobsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true });
  const filtered = Object.values(search).some((value) => value !== undefined);

  return (
    <>
      <PageHead title="Jobs">
        <Link to="/jobs/new" className={`${buttonClass("primary")} lg:hidden`}>
          <Plus size={15} aria-hidden /> Submit a job
        </Link>
      </PageHead>
      <Filters search={search} change={change} />
      <Card>
        {jobs.isPending && <SkeletonRows rows={10} />}
        {jobs.isError && !jobs.data && <Broken error={jobs.error} retry={() => void jobs.refetch()} />}
        {jobs.data && items.length === 0 && !isFetchingNextPage && (
          <Nothing filtered={filtered} clear={() => void navigate({ search: {}, replace: true })} />
        )}
        {items.length > 0 && (
          <Rows items={items} more={!q && hasNextPage} loading={isFetchingNextPage} readOn={() => void fetchNextPage()} />
        )}
        {q && hasNextPage && pages >= SEARCHED_PAGES && (
          <p className="border-t px-4 py-3 text-sm text-ink-soft">
            Searched the newest {read.length.toLocaleString()} jobs. Filter by queue or state to look further back.
          </p>
        )}
      </Card>
    </>
  );
}

/** Whether the text stands anywhere in what the list shows of a job. */
function mentions(job: Job, text: string): boolean {
  const labels = Object.entries(job.labels).map(([key, value]) => `${key}=${value}`);
  const shown = [job.name, job.id, job.image, job.owner, job.queue, job.message, ...job.nodes, ...labels];
  return shown.join("\n").toLowerCase().includes(text.toLowerCase());
}

function Filters({ search, change }: { search: JobsSearch; change: (part: Partial<JobsSearch>) => void }) {
  const counts = useQuery(queries.jobCounts());
  const queues = useQuery(queries.queues());
  const box = useRef<HTMLInputElement>(null);
  // The URL follows the box a moment later; while somebody types, the box is ahead of it.
  const [typed, setTyped] = useState<string | null>(null);
  useShortcuts({ "/": () => box.current?.focus() });
  const chosen = search.state?.split(",") ?? [];
  const me = currentUser()?.username;

  function toggle(state: JobState) {
    const next = chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state];
    change({ state: next.join(",") || undefined });
  }

  const select = "select h-8 rounded-lg border border-line-strong bg-panel pr-8 pl-2.5 text-sm text-ink hover:border-ink-faint/60";
  return (
    <div className="mb-4 space-y-3">
      <div role="group" aria-label="States" className="flex flex-wrap gap-1.5">
        {JOB_STATES.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={chosen.includes(state)}
            onClick={() => toggle(state)}
            className="inline-flex h-8 items-center gap-1.5 rounded-full border bg-panel px-3 text-sm text-ink-soft transition-colors hover:border-line-strong hover:text-ink aria-pressed:border-accent-line aria-pressed:bg-accent-soft aria-pressed:text-ink"
          >
            <StateIcon look={jobLook[state]} />
            {jobLook[state].word}
            <span className="text-ink-faint">{(counts.data?.by_state[state] ?? 0).toLocaleString()}</span>
          </button>
        ))}
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <label className="flex h-8 min-w-44 flex-1 items-center gap-2 rounded-lg border border-line-strong bg-panel px-2.5 focus-within:border-accent-solid sm:max-w-80">
          <Search size={14} className="text-ink-faint" aria-hidden />
          <span className="sr-only">Filter by text</span>
          <input
            ref={box}
            value={typed ?? search.q ?? ""}
            placeholder="Name, id, image, label…  /"
            spellCheck={false}
            className="min-w-0 flex-1 bg-transparent text-sm outline-none placeholder:text-ink-faint"
            onChange={(event) => {
              setTyped(event.target.value);
              change({ q: event.target.value || undefined });
            }}
            onBlur={() => setTyped(null)}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </label>
        <select
          aria-label="Queue"
          className={select}
          value={search.queue ?? ""}
          onChange={(event) => change({ queue: event.target.value || undefined })}
        >
          <option value="">All queues</option>
          {queues.data?.items.map((queue) => <option key={queue.id}>{queue.name}</option>)}
        </select>
        <select
          aria-label="Owner"
          className={select}
          value={search.owner ?? ""}
          onChange={(event) => change({ owner: event.target.value || undefined })}
        >
          <option value="">All owners</option>
          <option value="me">Mine{me ? ` (${me})` : ""}</option>
          {search.owner && search.owner !== "me" && <option>{search.owner}</option>}
        </select>
        {search.node && (
          <button
            type="button"
            onClick={() => change({ node: undefined })}
            aria-label={`On ${search.node}: remove this filter`}
            className="inline-flex h-8 items-center gap-1.5 rounded-full border border-accent-line bg-accent-soft px-3 text-sm"
          >
            On {search.node} <X size={13} aria-hidden />
          </button>
        )}
      </div>
    </div>
  );
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (filtered) {
    return (
      <Empty title="No job matches" action={<Button onClick={clear}>Clear the filters</Button>}>
        Jobs exist that these filters hide, or none has come yet.
      </Empty>
    );
  }
  return (
    <Empty
      title="No job yet"
      action={<CommandBlock text="lilac_cli submit --name hello --image busybox --follow -- echo hello" />}
    >
      Submit one with the button, or from a terminal:
    </Empty>
  );
}

interface RowsProps {
  items: Job[];
  more: boolean;
  loading: boolean;
  readOn: () => void;
}

function Rows({ items, more, loading, readOn }: RowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
    scrollMargin: list.current?.offsetTop ?? 0,
    getItemKey: (index) => items[index]?.id ?? index,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;

  useEffect(() => {
    if (more && !loading && last >= items.length - AHEAD_ROWS) readOn();
  }, [more, loading, last, items.length, readOn]);

  return (
    <div role="table" aria-label="Jobs" aria-rowcount={more ? -1 : items.length + 1}>
      <div role="rowgroup">
        <JobRowsHead />
      </div>
      <div role="rowgroup" ref={list} className="relative" style={{ height: rows.getTotalSize() }}>
        {shown.map((row) => {
          const job = items[row.index];
          return (
            job && (
              <div
                key={row.key}
                data-index={row.index}
                ref={rows.measureElement}
                role="presentation"
                className="absolute inset-x-0 top-0 border-b last:border-b-0"
                style={{ transform: `translateY(${row.start - rows.options.scrollMargin}px)` }}
              >
                <JobRow job={job} />
              </div>
            )
          );
        })}
      </div>
      {loading && <SkeletonRows rows={2} />}
    </div>
  );
}
