/// What a job or a node uses, a chart each for what belongs together.
import type { MetricPoint } from "@/api/types";
import { bytes, cpus } from "@/lib/format";

import { Chart, type ChartLine } from "./chart";

export function UsageCharts({
  points,
  limits,
}: {
  points: MetricPoint[];
  limits?: { cpuMilli?: number; memoryBytes?: number; gpus?: number; gpuMemoryBytes?: number };
}) {
  const line = (name: string, value: (point: MetricPoint) => number | null | undefined): ChartLine => ({
    name,
    points: points.flatMap((point) => {
      const found = value(point);
      return found === null || found === undefined ? [] : [{ at: point.at, value: found }];
    }),
  });
  const perSecond = (value: number) => `${bytes(Math.round(value))}/s`;
  const whole = (value: number) => bytes(Math.round(value));
  // Without the two of GPUs there are four: in three columns they would leave a gap.
  const hasGpus = points.some((point) => point.gpu_milli != null || point.gpu_memory_bytes != null);
  return (
    <div className={`grid grid-cols-1 gap-4 md:grid-cols-2 ${hasGpus ? "xl:grid-cols-3" : ""}`}>
      <Chart title="CPUs" lines={[line("in use", (point) => point.cpu_milli)]} text={cpus} of="milli" limit={limits?.cpuMilli} />
      <Chart
        title="Memory"
        lines={[line("in use", (point) => point.memory_bytes), line("peak", (point) => point.memory_peak_bytes)]}
        text={whole}
        of="bytes"
        limit={limits?.memoryBytes}
      />
      <Chart
        title="GPUs"
        lines={[line("busy", (point) => point.gpu_milli)]}
        text={cpus}
        of="milli"
        limit={limits?.gpus ? limits.gpus * 1000 : undefined}
      />
      <Chart title="GPU memory" lines={[line("in use", (point) => point.gpu_memory_bytes)]} text={whole} of="bytes" limit={limits?.gpuMemoryBytes} />
      <Chart
        title="Disk"
        lines={[line("read", (point) => point.disk_read_rate), line("written", (point) => point.disk_write_rate)]}
        text={perSecond}
        of="bytes"
      />
      <Chart
        title="Network"
        lines={[line("received", (point) => point.network_receive_rate), line("sent", (point) => point.network_send_rate)]}
        text={perSecond}
        of="bytes"
      />
    </div>
  );
}
