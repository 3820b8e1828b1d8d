/// A queue in numbers: its share against its fair one, what it holds of its quotas, and how long jobs waited.
import { useQuery } from "@tanstack/react-query";

import { adminQueries } from "@/api/admin";
import type { QueueStats, QueueWaits, Quota, UserUsage } from "@/api/admin-types";
import type { Queue } from "@/api/types";
import { amount, amountText, bucketText, type Dimension, DIMENSION_NAMES, DIMENSIONS, percent, waitText } from "@/domain/queue";
import { plural } from "@/lib/format";
import { Nothing } from "@/ui/detail";
import { Broken, Card, Meter, SkeletonRows, Time } from "@/ui/parts";

const SHOWN_USERS = 8;

export function QueueShares({ queue }: { queue: Queue }) {
  const stats = useQuery(adminQueries.queueStats(queue.id));
  return (
    <Card title="Share and quotas" aside={stats.data?.oldest_waiting_since ? <>the oldest came <Time at={stats.data.oldest_waiting_since} /></> : undefined}>
      {stats.isPending && <SkeletonRows rows={3} />}
      {stats.isError && !stats.data && <Broken error={stats.error} retry={() => void stats.refetch()} />}
      {stats.data && (
        <div className="space-y-5 px-4 py-4">
          <FairShare stats={stats.data} />
          <Quotas stats={stats.data} />
          <ByUser users={stats.data.by_user} quota={stats.data.user_quota} />
        </div>
      )}
    </Card>
  );
}

/** What it holds, as a bar; what its weight gives it among equals, as a mark on it. */
function FairShare({ stats }: { stats: QueueStats }) {
  const { share = 0, fair_share: fair = 0 } = stats;
  const words = share > fair + 0.005 ? `${percent(share - fair)} more than its fair share` : share < fair - 0.005 ? `${percent(fair - share)} below its fair share` : "exactly its fair share";
  return (
    <div>
      <div className="mb-1.5 flex items-baseline justify-between gap-3 text-sm">
        <span>
          Holds <span className="font-semibold">{percent(share)}</span> of the fleet
        </span>
        <span className="text-ink-soft">{`fair ${percent(fair)}`}</span>
      </div>
      <div role="img" aria-label={`It holds ${percent(share)} of the fleet; its fair share is ${percent(fair)}`} className="relative h-3">
        <div className="absolute inset-x-0 top-0.5 h-2 overflow-hidden rounded-full bg-line">
          <div className="h-full rounded-full bg-accent-solid" style={{ width: percent(Math.min(share, fair)).replace(" ", "") }} />
          {share > fair && (
            <div
              className="hatch absolute inset-y-0 rounded-r-full bg-accent-soft"
              style={{ left: percent(fair).replace(" ", ""), width: percent(share - fair).replace(" ", "") }}
            />
          )}
        </div>
        <div aria-hidden className="absolute inset-y-0 w-0.5 -translate-x-1/2 rounded bg-ink" style={{ left: percent(fair).replace(" ", "") }} />
      </div>
      <p className="mt-1.5 text-xs text-ink-faint">{`By weight among the queues of its priority that want something now: ${words}.`}</p>
    </div>
  );
}

function Quotas({ stats }: { stats: QueueStats }) {
  const bounded = DIMENSIONS.filter((dimension) => stats.quota[dimension] != null);
  const free = DIMENSIONS.filter((dimension) => stats.quota[dimension] == null && amount(dimension, stats.used[dimension]) > 0);
  return (
    <div className="space-y-3">
      {bounded.map((dimension) => {
        const used = amount(dimension, stats.used[dimension]);
        const total = amount(dimension, stats.quota[dimension] ?? 0);
        const text = `${amountText(dimension, used)} of ${amountText(dimension, total)}${used >= total ? ": used up" : ""}`;
        return <Meter key={dimension} label={DIMENSION_NAMES[dimension]} used={used} total={total} text={text} />;
      })}
      <p className="text-xs text-ink-faint">
        {bounded.length === 0 ? "No quota bounds it" : "Beside these nothing is bounded"}
        {free.length > 0 && `; now ${free.map((dimension) => held(stats, dimension)).join(", ")}`}.
      </p>
    </div>
  );
}

const held = (stats: QueueStats, dimension: Dimension) =>
  `${DIMENSION_NAMES[dimension].replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())}: ${amountText(dimension, amount(dimension, stats.used[dimension]))}`;

function ByUser({ users, quota }: { users: UserUsage[]; quota: Quota }) {
  if (users.length === 0) return null;
  const bound = quota.running_jobs;
  return (
    <div>
      <h3 className="mb-1.5 text-xs font-medium text-ink-faint">{`By user${bound == null ? "" : `, each at most ${plural(bound, "running job")}`}`}</h3>
      <ul className="space-y-1.5 text-sm">
        {users.slice(0, SHOWN_USERS).map(({ user, used }) => (
          <li key={user} className="flex items-baseline justify-between gap-3">
            <span className="min-w-0 truncate">{user}</span>
            <span className="shrink-0 text-xs text-ink-soft">
              {[
                used.running_jobs > 0 ? `${used.running_jobs} running` : "",
                used.queued_jobs > 0 ? `${used.queued_jobs} waiting` : "",
                `${amountText("cpus", amount("cpus", used.cpus))} CPU`,
                used.gpus > 0 ? `${used.gpus} GPU` : "",
              ].filter(Boolean).join(" · ")}
            </span>
          </li>
        ))}
        {users.length > SHOWN_USERS && <li className="text-xs text-ink-faint">{plural(users.length - SHOWN_USERS, "more user")}</li>}
      </ul>
    </div>
  );
}

export function QueueWaitsCard({ id }: { id: string }) {
  const waits = useQuery(adminQueries.queueWaits(id));
  return (
    <Card title="Waiting times" aside="last 24 hours">
      {waits.isPending && <SkeletonRows rows={3} />}
      {waits.isError && !waits.data && <Broken error={waits.error} retry={() => void waits.refetch()} />}
      {waits.data?.jobs === 0 && <Nothing>No job started within the last day.</Nothing>}
      {waits.data && waits.data.jobs > 0 && <Histogram waits={waits.data} />}
    </Card>
  );
}

function Histogram({ waits }: { waits: QueueWaits }) {
  const most = Math.max(...waits.buckets.map((bucket) => bucket.jobs));
  return (
    <div className="px-4 py-4">
      <dl className="mb-4 flex gap-6">
        {([["Half waited at most", waits.p50_secs], ["9 of 10 at most", waits.p90_secs]] as const).map(([name, secs]) => (
          <div key={name}>
            <dt className="text-xs text-ink-faint">{name}</dt>
            <dd className="text-lg font-semibold">{waitText(secs)}</dd>
          </div>
        ))}
      </dl>
      <ul aria-label="Jobs by how long they waited" className="space-y-1">
        {waits.buckets.map((bucket, index) => (
          <li key={bucket.up_to_secs ?? "more"} className="grid grid-cols-[4.5rem_minmax(0,1fr)_3rem] items-center gap-2 text-xs">
            <span className="text-right text-ink-faint">{bucketText(bucket, waits.buckets[index - 1])}</span>
            <span aria-hidden className="h-2.5">
              <span className={`block h-full rounded-r bg-accent-solid ${bucket.jobs > 0 ? "min-w-px" : ""}`} style={{ width: `${(bucket.jobs / most) * 100}%` }} />
            </span>
            <span className={`text-right ${bucket.jobs === 0 ? "text-ink-faint" : ""}`}>{bucket.jobs.toLocaleString()}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
