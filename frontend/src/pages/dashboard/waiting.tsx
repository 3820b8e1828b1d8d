/// Why jobs wait, how long they waited, and who holds what.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { jobQueries } from "@/api/job-queries";
import type { JobCounts } from "@/api/types";
import { reasonWord } from "@/domain/job";
import { duration } from "@/lib/format";
import { Card, SkeletonRows } from "@/ui/parts";

const SHOWN = 6;

export function WaitingReasons({ counts }: { counts: JobCounts | undefined }) {
  const reasons = Object.entries(counts?.queued_by_reason ?? {})
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
  const most = reasons[0]?.[1] ?? 1;
  return (
    <Card title="Why jobs wait">
      {!counts && <SkeletonRows rows={2} />}
      {counts && reasons.length === 0 && <p className="px-4 py-4 text-sm text-ink-soft">No job waits.</p>}
      {reasons.length > 0 && (
        <ul className="py-1.5">
          {reasons.map(([reason, count]) => (
            <li key={reason}>
              <Link
                to="/jobs"
                search={reason === "none" ? { state: "queued" } : { state: "queued", reason }}
                className="block px-4 py-1.5 text-sm hover:bg-hover focus-visible:-outline-offset-2"
              >
                <span className="flex justify-between gap-3">
                  <span className="truncate text-ink-soft">{reason === "none" ? "Not looked at yet" : reasonWord(reason)}</span>
                  <span className="font-medium">{count.toLocaleString()}</span>
                </span>
                <Bar share={count / most} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <span aria-hidden className="mt-1 block h-1 rounded-full bg-line">
      <span className="block h-full rounded-full bg-accent-solid" style={{ width: `${Math.max(2, share * 100)}%` }} />
    </span>
  );
}

/** Of the jobs that were started in the last day. */
export function WaitingTimes() {
  const usage = useQuery(jobQueries.usage(24));
  const rows = usage.data?.waiting.slice(0, SHOWN) ?? [];
  const millis = (secs: number) => duration(secs * 1000);
  return (
    <Card title="Waiting time" aside="last 24 h">
      {usage.isPending && <SkeletonRows rows={2} />}
      {usage.data && rows.length === 0 && <p className="px-4 py-4 text-sm text-ink-soft">No job was started.</p>}
      {rows.length > 0 && (
        <table className="w-full text-sm">
          <thead>
            <tr className="text-xs text-ink-faint">
              <th scope="col" className="px-4 pt-3 pb-1 text-left font-medium">Queue</th>
              <th scope="col" className="pt-3 pb-1 text-right font-medium">Started</th>
              <th scope="col" className="pt-3 pb-1 pl-3 text-right font-medium" title="Half of them waited no longer">p50</th>
              <th scope="col" className="px-4 pt-3 pb-1 text-right font-medium" title="Nine in ten of them waited no longer">p90</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.queue}>
                <td className="w-full max-w-0 truncate px-4 py-1.5">
                  <Link to="/jobs" search={{ queue: row.queue }} className="hover:text-accent">{row.queue}</Link>
                </td>
                <td className="text-right text-ink-soft">{row.started.toLocaleString()}</td>
                <td className="pl-3 text-right whitespace-nowrap">{millis(row.p50_secs)}</td>
                <td className="px-4 text-right whitespace-nowrap">{millis(row.p90_secs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="h-2" />
    </Card>
  );
}

/** Who has jobs that run, and how many wait: whether it is fair. */
export function Shares() {
  const groups = useQuery(jobQueries.groups("owner", { state: "queued,starting,running" }));
  const rows = (groups.data?.items ?? [])
    .map((group) => ({ owner: group.value, runs: (group.by_state.running ?? 0) + (group.by_state.starting ?? 0), waits: group.by_state.queued ?? 0 }))
    .toSorted((a, b) => b.runs - a.runs || b.waits - a.waits)
    .slice(0, SHOWN);
  const most = Math.max(1, ...rows.map((row) => row.runs));
  return (
    <Card title="Who uses it" aside={<Link to="/jobs" search={{ state: "queued,starting,running", group: "owner" }} className="hover:text-ink">Everybody</Link>}>
      {groups.isPending && <SkeletonRows rows={2} />}
      {groups.data && rows.length === 0 && <p className="px-4 py-4 text-sm text-ink-soft">Nobody, at the moment.</p>}
      {rows.length > 0 && (
        <ul className="py-1.5">
          {rows.map((row) => (
            <li key={row.owner}>
              <Link to="/jobs" search={{ owner: row.owner, state: "queued,starting,running" }} className="block px-4 py-1.5 text-sm hover:bg-hover focus-visible:-outline-offset-2">
                <span className="flex justify-between gap-3">
                  <span className="truncate text-ink-soft">{row.owner}</span>
                  <span className="whitespace-nowrap"><b className="font-medium">{row.runs.toLocaleString()}</b> run<span className="text-ink-faint"> · {row.waits.toLocaleString()} wait</span></span>
                </span>
                <Bar share={row.runs / most} />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
