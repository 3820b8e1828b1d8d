/// What an attempt left: each output with its files, to be fetched whole or one by one.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Download, File, Folder, Link2 } from "lucide-react";
import { useState } from "react";

import { fetchAsUser } from "@/api/client";
import { explain, refusal } from "@/api/errors";
import { jobQueries } from "@/api/job-queries";
import type { Job, JobOutput, OutputEntry } from "@/api/types";
import { outputLook } from "@/domain/looks";
import { bytes, plural, sentence } from "@/lib/format";
import { Button, IconButton } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { FormError } from "@/ui/field";
import { Broken, Card, Empty, SkeletonRows, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";

const route = getRouteApi("/app/jobs/$jobId");

export function OutputsTab({ job }: { job: Job }) {
  const { attempt, rank } = route.useSearch();
  const outputs = useQuery(jobQueries.outputs(job.id, { epoch: attempt, rank }));
  if (outputs.isError && !outputs.data) {
    return <Card><Broken error={outputs.error} retry={() => void outputs.refetch()} /></Card>;
  }
  if (!outputs.data) return <Card><SkeletonRows rows={3} /></Card>;
  if (outputs.data.length === 0) {
    const asked = (job.spec?.outputs?.length ?? 0) > 0;
    return (
      <Card>
        <Empty
          title={asked ? "Nothing yet" : "It keeps no outputs"}
          action={asked ? undefined : <CommandBlock text={"outputs:\n  - path: /out\n    keep: 30d"} label="Copy this part of a job file" />}
        >
          {asked ? "Outputs are collected when an attempt has ended." : "A job names the folders that are to be kept when it has ended:"}
        </Empty>
      </Card>
    );
  }
  return (
    <div className="space-y-5">
      {outputs.data.map((output) => <OutputCard key={`${output.epoch}/${output.rank}/${output.index}`} job={job} output={output} />)}
    </div>
  );
}

function OutputCard({ job, output }: { job: Job; output: JobOutput }) {
  const [failure, setFailure] = useState<string | null>(null);
  const of = `epoch=${output.epoch}&rank=${output.rank}`;
  const fetchTo = (path: string, name: string) => {
    setFailure(null);
    save(path, name).catch((error: unknown) => setFailure(explain(error).detail));
  };
  const base = `/api/v1/jobs/${job.id}/outputs/${output.index}`;
  const isThere = output.state === "stored";
  return (
    <Card>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-mono text-base font-medium">{output.path}</h2>
          <p className="text-sm text-ink-soft">
            {isThere && `${plural(output.entry_count, "entry", "entries")}, ${bytes(output.bytes)}`}
            {isThere && output.kept_until && <> · goes <Time at={output.kept_until} /></>}
            {!isThere && sentence(output.message)}
          </p>
        </div>
        <StateMark look={outputLook[output.state]} />
        {isThere && (
          <Button icon={<Download size={14} aria-hidden />} onClick={() => fetchTo(`${base}?${of}`, `${job.name}-${output.index}.tar`)}>
            Download
          </Button>
        )}
      </div>
      {failure && <div className="border-t p-3"><FormError>{failure}</FormError></div>}
      {isThere && output.entries.length > 0 && (
        <ul className="max-h-96 divide-y overflow-y-auto border-t" aria-label={`Files of ${output.path}`} tabIndex={0}>
          {output.entries.map((entry) => (
            <Entry key={entry.path} entry={entry} get={() => fetchTo(`${base}/files?${of}&path=${encodeURIComponent(entry.path)}`, entry.path.split("/").at(-1) ?? "file")} />
          ))}
        </ul>
      )}
      {isThere && output.entry_count > output.entries.length && (
        <p className="border-t px-4 py-2.5 text-xs text-ink-faint">
          The first {output.entries.length.toLocaleString()} are listed; the download has all of them.
        </p>
      )}
    </Card>
  );
}

const ICONS: Record<OutputEntry["kind"], typeof File> = { file: File, folder: Folder, link: Link2 };

function Entry({ entry, get }: { entry: OutputEntry; get: () => void }) {
  const Icon = ICONS[entry.kind];
  return (
    <li className="flex h-10 items-center gap-3 px-4">
      <Icon size={15} aria-hidden className="shrink-0 text-ink-faint" />
      <span className="min-w-0 flex-1 truncate font-mono text-sm">{entry.path}</span>
      {entry.kind === "file" && <span className="text-sm text-ink-faint">{bytes(entry.size)}</span>}
      {entry.kind === "file" && (
        <IconButton label={`Download ${entry.path}`} onClick={get}>
          <Download size={15} />
        </IconButton>
      )}
    </li>
  );
}

async function save(path: string, name: string) {
  const response = await fetchAsUser(new Request(new URL(path, location.origin)));
  if (!response.ok) throw refusal(response, await response.json().catch(() => null));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
