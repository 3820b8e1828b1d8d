/// The rows of the list: virtual, chosen with a box each, walked with the keyboard.
import { type RefObject, useEffect, useRef } from "react";

import type { Job } from "@/api/types";
import { useShortcuts } from "@/lib/keys";
import { type JobColumnId, jobGrid, JobRow, JobRowsHead } from "@/ui/job-rows";
import { Skeleton, SkeletonRows } from "@/ui/parts";

import type { Selection } from "./selection";
import type { JobPages } from "./use-pages";
import { ROW_PIXELS, useRowsInSight } from "./use-rows-in-sight";

export function Rows({ pages, columns, selection }: { pages: JobPages; columns: readonly JobColumnId[]; selection: Selection }) {
  const list = useRef<HTMLDivElement>(null);
  const { count, more, rowAt, look } = pages;
  const [first, last] = useRowsInSight(list, count);
  useEffect(() => look(first, last), [look, first, last]);
  useRowKeys(list, selection);

  return (
    <div role="table" aria-label="Jobs" aria-rowcount={more ? -1 : count + 1} style={jobGrid(columns, true)}>
      <div role="rowgroup" className="sticky top-13 z-20 rounded-t-xl bg-panel lg:top-0">
        <JobRowsHead columns={columns} lead={<AllBox selection={selection} />} />
      </div>
      <div role="rowgroup" ref={list} className="relative" style={{ height: count * ROW_PIXELS }}>
        {Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => {
          const index = first + at;
          const job = rowAt(index);
          return (
            <div key={job?.id ?? index} role="presentation" className={`absolute inset-x-0 top-0 h-[57px] ${index === count - 1 && !more ? "overflow-hidden rounded-b-xl" : "border-b"}`} style={{ transform: `translateY(${index * ROW_PIXELS}px)` }}>
              {job ? <JobRow job={job} columns={columns} lead={<RowBox job={job} selection={selection} />} /> : <Shadow />}
            </div>
          );
        })}
      </div>
      {more && last >= count - 1 && <SkeletonRows rows={2} />}
    </div>
  );
}

function Shadow() {
  return (
    <div aria-hidden className="flex h-14 items-center gap-6 px-4">
      <Skeleton className="h-3.5 w-20" />
      <Skeleton className="h-3.5 flex-1" />
    </div>
  );
}

const BOX = "size-4 cursor-pointer accent-(--accent-solid)";

function RowBox({ job, selection }: { job: Job; selection: Selection }) {
  return (
    <input
      type="checkbox"
      aria-label={`Choose ${job.name}`}
      checked={selection.has(job.id)}
      onChange={() => selection.toggle(job)}
      className={`${BOX} block`}
    />
  );
}

function AllBox({ selection }: { selection: Selection }) {
  const { size } = selection;
  return (
    <input
      type="checkbox"
      aria-label="Choose the jobs that are shown"
      ref={(box) => {
        if (box) box.indeterminate = size > 0 && !selection.allShown;
      }}
      checked={selection.allShown}
      onChange={() => (size > 0 ? selection.clear() : selection.chooseShown())}
      className={`${BOX} block`}
    />
  );
}

/** `j` and `k` walk from row to row, `x` chooses the one where one is. */
function useRowKeys(list: RefObject<HTMLDivElement | null>, selection: Selection) {
  const rowElements = () => Array.from(list.current?.querySelectorAll<HTMLElement>("[data-job]") ?? []).toSorted((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
  function walk(step: number) {
    const elements = rowElements();
    const at = elements.findIndex((row) => row.contains(document.activeElement));
    const from = at >= 0 ? at + step : elements.findIndex((row) => row.getBoundingClientRect().top > 60);
    const link = elements[from]?.querySelector("a");
    link?.focus();
    link?.scrollIntoView({ block: "nearest" });
  }
  useShortcuts({
    j: () => walk(1),
    k: () => walk(-1),
    x: () => {
      const row = document.activeElement?.closest<HTMLElement>("[data-job]");
      if (row?.dataset.job) selection.toggleId(row.dataset.job);
    },
    escape: () => selection.clear(),
  });
}
