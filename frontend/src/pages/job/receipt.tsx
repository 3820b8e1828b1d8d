/// The receipt: what a job was, and what all its attempts held of nodes.
import { useQuery } from "@tanstack/react-query";
import { Printer } from "lucide-react";

import { jobQueries } from "@/api/job-queries";
import type { Job, Receipt } from "@/api/types";
import { exitText, isOver, reasonWord } from "@/domain/job";
import { attemptLook, jobLook } from "@/domain/looks";
import { useNow } from "@/lib/clock";
import { bytes, cpus, duration, exact, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Broken, Card, Facts, SkeletonRows } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { type Column, Table } from "@/ui/table";

/** `1.25 GPU-hours`, or seconds of them where that would be nothing: what people are billed in. */
function held(seconds: number, unit: string): string {
  if (seconds < 60) return `${seconds < 0.05 ? "0" : seconds.toFixed(1)} ${unit}-seconds`;
  const hours = seconds / 3600;
  return `${hours >= 100 ? Math.round(hours).toLocaleString() : hours.toFixed(hours >= 1 ? 2 : 3)} ${unit}-hours`;
}

const COLUMNS: Column<Receipt["attempts"][number]>[] = [
  { head: "Attempt", cell: (attempt) => attempt.epoch },
  { head: "State", cell: (attempt) => <StateMark look={attemptLook[attempt.state]} /> },
  { head: "Node", grow: true, cell: (attempt) => attempt.nodes.join(", ") },
  { head: "Held", cell: (attempt) => amounts(attempt), wide: true },
  { head: "From", cell: (attempt) => exact(attempt.granted_at), wide: true },
  {
    head: "For",
    number: true,
    cell: (attempt) => (attempt.finished_at ? duration(Date.parse(attempt.finished_at) - Date.parse(attempt.granted_at)) : "goes on"),
  },
  { head: "CPU", number: true, cell: (attempt) => held(attempt.used.cpu_seconds, "CPU"), wide: true },
];

function amounts(attempt: Receipt["attempts"][number]): string {
  const parts = [`${cpus(attempt.cpu_milli)} CPU`, bytes(attempt.memory_bytes)];
  if (attempt.gpus > 0) parts.push(`${attempt.gpus} GPU`);
  return parts.join(" · ");
}

export function ReceiptTab({ job }: { job: Job }) {
  const now = useNow();
  const receipt = useQuery(jobQueries.receipt(job.id, isOver(job.state)));
  if (receipt.isError && !receipt.data) {
    return <Card><Broken error={receipt.error} retry={() => void receipt.refetch()} /></Card>;
  }
  if (!receipt.data) return <Card><SkeletonRows rows={5} /></Card>;
  const { data } = receipt;
  const { total } = data;
  const figures: [string, string][] = [
    ["CPU", held(total.cpu_seconds, "CPU")],
    ["Memory", held(total.memory_gib_seconds, "GiB")],
    ["GPU", held(total.gpu_seconds, "GPU")],
    ["Log", bytes(total.log_bytes)],
  ];
  return (
    <div className="space-y-5">
      <Card>
        <div className="flex flex-wrap items-center gap-3 border-b px-4 py-3">
          <h2 className="flex-1 text-sm font-semibold">{isOver(data.state) ? "Receipt" : "Receipt so far"}</h2>
          <StateMark look={jobLook[data.state]} soft />
          <CopyButton text={`${JSON.stringify(data, null, 2)}\n`} label="Copy the receipt as JSON" />
          <Button icon={<Printer size={14} aria-hidden />} onClick={() => window.print()}>Print</Button>
        </div>
        <ul aria-label="What it held" className="grid grid-cols-2 gap-px border-b bg-line sm:grid-cols-4">
          {figures.map(([name, value]) => (
            <li key={name} className="bg-panel px-4 py-3.5">
              <span className="block text-xs text-ink-faint">{name}</span>
              <span className="mt-0.5 block text-lg font-semibold">{value}</span>
            </li>
          ))}
        </ul>
        <div className="p-4">
          <Facts
            items={[
              ["Job", data.name],
              ["Owner", data.owner],
              ["Team and queue", `${data.team} · ${data.queue}`],
              ["Image", <code key="i" title={data.image} className="font-mono text-sm">{data.image}</code>],
              ["Ended", data.reason ? reasonWord(data.reason) : exitText(data) || jobLook[data.state].word],
              ["Attempts", plural(data.attempt_count, "attempt")],
              ["Submitted", exact(data.created_at)],
              ["Finished", data.finished_at ? exact(data.finished_at) : "–"],
              ["In all", duration(Date.parse(data.finished_at ?? new Date(now).toISOString()) - Date.parse(data.created_at))],
            ]}
          />
        </div>
      </Card>
      {data.attempts.length > 0 && (
        <Card title="Attempts">
          <Table label="Attempts on the receipt" columns={COLUMNS} rows={data.attempts} rowKey={(attempt) => String(attempt.epoch)} />
        </Card>
      )}
    </div>
  );
}
