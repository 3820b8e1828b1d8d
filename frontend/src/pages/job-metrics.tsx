/// What a job uses, over the time of one of its attempts.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";

import { queries } from "@/api/queries";
import type { Job } from "@/api/types";
import { isOver } from "@/domain/job";
import { Broken, Card, Empty, SkeletonRows } from "@/ui/parts";
import { UsageCharts } from "@/ui/usage-charts";

const route = getRouteApi("/app/jobs/$jobId");

export function MetricsTab({ job }: { job: Job }) {
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
  if (metrics.data.points.length === 0) {
    return (
      <Card>
        <Empty title="Nothing was measured">
          {isOver(job.state)
            ? "It ended before its node measured it, or its node's agent does not measure."
            : "Its node measures it every few seconds once its program runs."}
        </Empty>
      </Card>
    );
  }
  const { cpu_milli: cpuMilli, memory_bytes: memoryBytes, gpus } = job.requests;
  return <UsageCharts points={metrics.data.points} limits={{ cpuMilli, memoryBytes, gpus }} />;
}
