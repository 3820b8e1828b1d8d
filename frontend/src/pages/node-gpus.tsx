/// Each GPU of a node: who holds it, how full and how warm it is, and why nothing is placed on it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { adminQueries } from "@/api/admin";
import type { Gpu, GpuUsage } from "@/api/admin-types";
import type { Node } from "@/api/types";
import { isAlive } from "@/domain/node";
import { bytes, sentence, shortId } from "@/lib/format";
import { Bar } from "@/ui/bar";
import { Card } from "@/ui/parts";
import { type Column, Table } from "@/ui/table";

interface Row {
  gpu: Gpu;
  /** None where all are of one kind: the head of the table says it once. */
  model: string | undefined;
  usage: GpuUsage | undefined;
  alive: boolean;
  /** Name of the job that holds it, where it is known. */
  job: string | undefined;
}

const COLUMNS: Column<Row>[] = [
  {
    head: "GPU",
    grow: true,
    cell: ({ gpu, model }) => (
      <span>
        <span className="font-medium">{gpu.index}</span>
        {model && <span className="text-ink-soft">{` ${model}`}</span>}
        {gpu.fault && <span className="block text-xs whitespace-normal text-bad">{sentence(gpu.fault)}</span>}
      </span>
    ),
  },
  { head: "Held by", cell: (row) => <Holder {...row} /> },
  {
    head: "Memory",
    cell: ({ gpu, usage }) => <Bar part={usage ? usage.memory_bytes / gpu.memory_bytes : 0} text={`${usage ? bytes(usage.memory_bytes) : "–"} of ${bytes(gpu.memory_bytes)}`} />,
    wide: true,
  },
  { head: "Busy", cell: ({ usage }) => <Bar part={(usage?.percent ?? 0) / 100} text={usage?.percent == null ? "–" : `${usage.percent} %`} />, wide: true },
  { head: "Temperature", cell: ({ usage }) => <Warm degrees={usage?.temperature ?? undefined} />, number: true },
  { head: "Draws", cell: ({ usage }) => (usage?.milliwatts == null ? "–" : `${Math.round(usage.milliwatts / 1000)} W`), number: true, wide: true },
];

export function NodeGpus({ node }: { node: Node }) {
  const jobs = useQuery(adminQueries.nodeJobs(node.id)).data?.items;
  const models = new Set(node.gpus.map((gpu) => gpu.model));
  const rows = node.gpus.map((gpu) => ({
    gpu,
    model: models.size > 1 ? gpu.model : undefined,
    usage: node.usage?.gpus.find((one) => one.index === gpu.index),
    alive: isAlive(node),
    job: jobs?.find((job) => job.id === gpu.job)?.name,
  }));
  return (
    <Card title="GPUs" aside={`${models.size === 1 ? `${[...models][0]} · ` : ""}${node.allocated.gpus} of ${node.gpus.length} held`}>
      <Table label={`GPUs of ${node.name}`} columns={COLUMNS} rows={rows} rowKey={({ gpu }) => gpu.uuid} />
    </Card>
  );
}

function Holder({ gpu, alive, job }: Row) {
  const milli = gpu.held_milli ?? 0;
  if (!milli) return <span className="text-ink-faint">{gpu.fault ? "nobody: at fault" : alive ? "free" : "not reachable"}</span>;
  const share = milli < 1000 ? ` (${milli / 10} %)` : "";
  if (!gpu.job) return <span className="text-ink-soft">{milli < 1000 ? `shared, ${milli / 10} % held` : "a job that you do not see"}</span>;
  return (
    <Link to="/jobs/$jobId" params={{ jobId: gpu.job }} search={{}} title={job} className="block max-w-36 truncate text-sm text-accent hover:underline">
      {(job ?? shortId(gpu.job)) + share}
    </Link>
  );
}

/** Where GPUs begin to slow down, in degrees. */
const HOT = 85;

function Warm({ degrees }: { degrees: number | undefined }) {
  if (degrees === undefined) return <span className="text-ink-faint">–</span>;
  return (
    <span className={degrees >= HOT ? "font-medium text-bad" : ""} title={degrees >= HOT ? "Hot enough to slow down" : undefined}>
      {`${degrees} °C`}
    </span>
  );
}
