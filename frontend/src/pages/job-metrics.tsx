/// What a job uses, over the time of one of its attempts.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { queries } from "@/api/queries";
import type { Attempt, Job } from "@/api/types";
import { isOver } from "@/domain/job";
import { duration } from "@/lib/format";
import { Broken, Card, Empty, SkeletonRows } from "@/ui/parts";
import { UsageCharts } from "@/ui/usage-charts";

const route = getRouteApi("/app/jobs/$jobId");

export function MetricsTab({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const { attempt, rank } = route.useSearch();
  const metrics = useQuery(queries.jobMetrics(job.id, { epoch: attempt, rank }, isOver(job.state)));
  if (metrics.isError && !metrics.data) {
    return (
      <Card>
        <Broken error={metrics.error} retry={() => void metrics.refetch()} />
      </Card>
    );
  }
  if (!metrics.data) {
    return (
      <Card>
        <SkeletonRows rows={4} />
      </Card>
    );
  }
  const { points, step_secs: step, epoch } = metrics.data;
  const choice = <Which attempts={attempts ?? []} epoch={epoch} rank={rank ?? 0} />;
  if (points.length === 0) {
    return (
      <div className="space-y-4">
        {choice}
        <Card>
          <Empty title="Nothing was measured">
            {isOver(job.state)
              ? "It ended before its node measured it, or its node's agent does not measure."
              : "Its node measures it every few seconds once its program runs."}
          </Empty>
        </Card>
      </div>
    );
  }
  const { cpu_milli: cpuMilli, memory_bytes: memoryBytes, gpus } = job.requests;
  return (
    <div className="space-y-4">
      {choice}
      <UsageCharts points={points} limits={{ cpuMilli, memoryBytes, gpus }} />
      <p className="text-xs text-ink-faint">
        A point every {duration(step * 1000)}; a dashed line across is what the job asked for.
      </p>
    </div>
  );
}

/** Which attempt and which task, where there are several. */
function Which({ attempts, epoch, rank }: { attempts: Attempt[]; epoch: number; rank: number }) {
  const navigate = route.useNavigate();
  const tasks = attempts.find((attempt) => attempt.epoch === epoch)?.tasks ?? [];
  if (attempts.length < 2 && tasks.length < 2) return null;
  const select = "select h-8 rounded-lg border border-line-strong bg-panel pr-8 pl-2.5 text-sm";
  const show = (part: { attempt?: number; rank?: number }) => void navigate({ search: (before) => ({ ...before, ...part, tab: "metrics" }), replace: true });
  return (
    <div className="flex flex-wrap gap-2">
      {attempts.length > 1 && (
        <select aria-label="Attempt" className={select} value={epoch} onChange={(event) => show({ attempt: Number(event.target.value), rank: undefined })}>
          {attempts.map((attempt) => <option key={attempt.id} value={attempt.epoch}>{`Attempt ${attempt.epoch}`}</option>)}
        </select>
      )}
      {tasks.length > 1 && (
        <select aria-label="Rank" className={select} value={rank} onChange={(event) => show({ rank: Number(event.target.value) })}>
          {tasks.map((task) => <option key={task.rank} value={task.rank}>{`Rank ${task.rank} on ${task.node}`}</option>)}
        </select>
      )}
    </div>
  );
}
