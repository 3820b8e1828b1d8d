/// The list in groups: what jobs have in common, how many there are of each, and how they stand.
import { useQuery } from "@tanstack/react-query";

import { type JobFilter, jobQueries } from "@/api/job-queries";
import type { JobGroup } from "@/api/types";
import { JOB_STATES, reasonWord } from "@/domain/job";
import { jobLook, toneText } from "@/domain/looks";
import type { JobsSearch } from "@/router";
import { Broken, Card, Empty, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

interface GroupsProps {
  by: string;
  filter: JobFilter;
  change: (part: Partial<JobsSearch>) => void;
}

/** The filter that leaves only one group; none where no filter says so. */
function narrowed(by: string, value: string): Partial<JobsSearch> | null {
  if (value === "") return null;
  if (by.startsWith("label:")) return { label: `${by.slice("label:".length)}=${value}` };
  if (by === "name") return { q: value };
  return by === "image" ? null : { [by]: value };
}

export function Groups({ by, filter, change }: GroupsProps) {
  const groups = useQuery(jobQueries.groups(by, filter));
  if (groups.isError && !groups.data) return <Card><Broken error={groups.error} retry={() => void groups.refetch()} /></Card>;
  if (!groups.data) return <Card><SkeletonRows rows={6} /></Card>;
  const { items, has_more: hasMore } = groups.data;
  const most = Math.max(1, ...items.map((group) => group.jobs));
  return (
    <Card>
      {items.length === 0 && <Empty title="No job matches">Nothing to group.</Empty>}
      <ul aria-label={`Jobs by ${by}`} className="divide-y">
        {items.map((group) => (
          <Group key={group.value} group={group} by={by} most={most} change={change} />
        ))}
      </ul>
      {hasMore && <p className="border-t px-4 py-3 text-sm text-ink-soft">The largest {items.length} groups are shown. Filter to see the others.</p>}
    </Card>
  );
}

function Group({ group, by, most, change }: { group: JobGroup; by: string; most: number; change: GroupsProps["change"] }) {
  const part = narrowed(by, group.value);
  const name = group.value === "" ? <span className="text-ink-faint">{`No ${by.replace("label:", "label ")}`}</span> : by === "reason" ? reasonWord(group.value) : group.value;
  const states = JOB_STATES.filter((state) => (group.by_state[state] ?? 0) > 0);
  const open = (state?: string) => part && change({ ...part, group: undefined, ...(state && { state }) });
  return (
    <li className="grid gap-x-6 gap-y-2 px-4 py-3 md:grid-cols-[minmax(0,16rem)_minmax(0,1fr)]">
      <div className="flex min-w-0 items-baseline gap-3">
        {part ? (
          <button type="button" onClick={() => open()} className="truncate text-left font-medium hover:text-accent">{name}</button>
        ) : (
          <span className="truncate font-medium">{name}</span>
        )}
        <span className="text-sm text-ink-faint">{group.jobs.toLocaleString()}</span>
      </div>
      <div className="min-w-0">
        <div aria-hidden className="flex h-2 gap-px overflow-hidden rounded-full" style={{ width: `${Math.max(2, (group.jobs / most) * 100)}%` }}>
          {states.map((state) => (
            <div key={state} className={`bg-current ${toneText[jobLook[state].tone]}`} style={{ flexGrow: group.by_state[state] }} />
          ))}
        </div>
        <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {states.map((state) => (
            <li key={state}>
              <button type="button" disabled={!part} onClick={() => open(state)} className="inline-flex items-center gap-1.5 text-ink-soft enabled:hover:text-ink">
                <StateIcon look={jobLook[state]} /> {jobLook[state].word}
                <span className="text-ink-faint">{(group.by_state[state] ?? 0).toLocaleString()}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </li>
  );
}
