/// What jobs held over the last hours, against what there is now.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { jobQueries } from "@/api/job-queries";
import type { Node, UsageHours, UsagePoint } from "@/api/types";
import { isAlive, sum } from "@/domain/node";
import { bytes, cpus } from "@/lib/format";
import { Chart } from "@/ui/chart";
import { Choice } from "@/ui/field";
import { Broken, Card, SkeletonRows } from "@/ui/parts";

const SPANS = [
  { value: "1", text: "1 h" },
  { value: "6", text: "6 h" },
  { value: "24", text: "24 h" },
  { value: "168", text: "7 d" },
] as const;

export function UseOverTime({ nodes }: { nodes: Node[] | undefined }) {
  const [hours, setHours] = useState<(typeof SPANS)[number]["value"]>("24");
  const usage = useQuery(jobQueries.usage(Number(hours) as UsageHours));
  const capacity = sum((nodes ?? []).filter(isAlive).map((node) => node.capacity));
  const points = usage.data?.points;
  const lines = useMemo(() => {
    const of = (name: string, value: (point: UsagePoint) => number) => [{ name, points: (points ?? []).map((point) => ({ at: point.at, value: value(point) })) }];
    return {
      jobs: of("running", (point) => point.jobs),
      cpus: of("held", (point) => point.cpu_milli),
      memory: of("held", (point) => point.memory_bytes),
      gpus: of("held", (point) => point.gpus),
    };
  }, [points]);
  const hasGpus = capacity.gpus > 0 || points?.some((point) => point.gpus > 0);
  const whole = (value: number) => String(Math.round(value));
  return (
    <Card>
      <div className="flex min-h-11 flex-wrap items-center gap-3 border-b py-1.5 pr-2 pl-4">
        <h2 className="flex-1 text-sm font-semibold">Use over time</h2>
        <div className="w-56">
          <Choice label="Time" hideLabel value={hours} onChange={setHours} options={SPANS} />
        </div>
      </div>
      {usage.isError && !usage.data && <Broken error={usage.error} retry={() => void usage.refetch()} />}
      {usage.isPending && <SkeletonRows rows={4} />}
      {points && (
        <div className={`grid grid-cols-1 gap-x-6 gap-y-5 p-4 ${hasGpus ? "md:grid-cols-2" : "md:grid-cols-3"}`}>
          <Chart bare title="Jobs" lines={lines.jobs} text={whole} />
          <Chart bare title="CPUs" lines={lines.cpus} text={cpus} of="milli" limit={capacity.cpu_milli} />
          <Chart bare title="Memory" lines={lines.memory} text={(value) => bytes(Math.round(value))} of="bytes" limit={capacity.memory_bytes} />
          {hasGpus && <Chart bare title="GPUs" lines={lines.gpus} text={whole} limit={capacity.gpus} />}
        </div>
      )}
    </Card>
  );
}
