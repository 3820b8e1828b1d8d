/// A list of jobs of any length, of which only what is on the screen is held: pages are read as they come into sight,
/// and forgotten some moments after they went out of it. What stays is where each page begins.
import { useQueries } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { type JobFilter, jobQueries, PAGE_ROWS } from "@/api/job-queries";
import type { Job } from "@/api/types";

/** Pages whose rows are shown as they were while newer ones are on their way. */
const REMEMBERED_PAGES = 8;

export interface JobPages {
  /** How many rows there are, as far as is known. */
  count: number;
  /** Whether more follow. */
  more: boolean;
  rowAt: (index: number) => Job | undefined;
  /** Says which rows are on the screen. */
  look: (first: number, last: number) => void;
  isPending: boolean;
  error: Error | null;
  retry: () => void;
}

/** Mount it with a key of the filter: another filter is another list. */
export function useJobPages(filter: JobFilter): JobPages {
  const [cursors, setCursors] = useState<readonly string[]>([""]);
  const [[first, last], setRange] = useState<readonly [number, number]>([0, 0]);
  const [lastRows, setLastRows] = useState(0);
  const remembered = useRef(new Map<number, Job[]>());
  const shown = cursors.slice(first, last + 1);
  const pages = useQueries({ queries: shown.map((cursor) => jobQueries.page(filter, cursor)) });

  for (const [at, page] of pages.entries()) {
    if (page.data) remember(remembered.current, first + at, page.data.items);
  }

  // Where the next page begins is known when a page has been read, and changes when jobs come or go before it.
  const nexts = pages.map((page) => (page.data ? (page.data.next_cursor ?? null) : undefined));
  const sizes = pages.map((page) => page.data?.items.length ?? 0);
  useEffect(() => {
    for (const [at, next] of nexts.entries()) {
      const index = first + at;
      if (next === undefined) continue;
      if (next === null) {
        setLastRows(sizes[at] ?? 0);
        if (cursors.length > index + 1) setCursors(cursors.slice(0, index + 1));
        return;
      }
      if (cursors[index + 1] !== next) {
        setCursors([...cursors.slice(0, index + 1), next]);
        return;
      }
    }
    // oxlint-disable-next-line react/exhaustive-deps -- compared by what they hold
  }, [nexts.join(), sizes.join(), first, cursors]);

  const lastPage = cursors.length - 1;
  const isEnd = nexts[lastPage - first] === null;
  const [ended, setEnded] = useState(false);
  useEffect(() => {
    if (lastPage >= first && lastPage <= last && nexts[lastPage - first] !== undefined) setEnded(isEnd);
  }, [isEnd, lastPage, first, last, nexts]);

  return {
    count: lastPage * PAGE_ROWS + (ended ? lastRows : Math.min(remembered.current.get(lastPage)?.length ?? 0, PAGE_ROWS)),
    more: !ended,
    rowAt: (index) => remembered.current.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
    look: (from, to) => {
      // One page ahead on either side, so that a scroll meets rows and not their shadows.
      const start = Math.max(0, Math.floor((from - PAGE_ROWS / 2) / PAGE_ROWS));
      const end = Math.min(lastPage, Math.floor((to + PAGE_ROWS / 2) / PAGE_ROWS));
      if (start !== first || end !== last) setRange([start, Math.max(start, end)]);
    },
    isPending: pages[0]?.isPending === true && remembered.current.size === 0,
    error: remembered.current.size === 0 ? (pages.find((page) => page.isError)?.error ?? null) : null,
    retry: () => {
      for (const page of pages) if (page.isError) void page.refetch();
    },
  };
}

function remember(pages: Map<number, Job[]>, index: number, items: Job[]) {
  pages.delete(index);
  pages.set(index, items);
  for (const oldest of pages.keys()) {
    if (pages.size <= REMEMBERED_PAGES) return;
    pages.delete(oldest);
  }
}
