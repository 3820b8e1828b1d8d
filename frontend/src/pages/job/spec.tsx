/// What was submitted, and for a rerun what differs from the job that it was made of.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { queries } from "@/api/queries";
import type { Job } from "@/api/types";
import { shortId } from "@/lib/format";
import { diffLines } from "@/spec/diff";
import { asCli, asCurl, asJson, asYaml } from "@/spec/text";
import { CopyButton } from "@/ui/copy";
import { Choice } from "@/ui/field";
import { Card } from "@/ui/parts";

const FORMATS = [
  { value: "yaml", text: "YAML" },
  { value: "json", text: "JSON" },
  { value: "cli", text: "CLI" },
  { value: "curl", text: "curl" },
] as const;
type Format = (typeof FORMATS)[number]["value"];

export function SpecTab({ job }: { job: Job }) {
  const [format, setFormat] = useState<Format>("yaml");
  const { spec } = job;
  if (!spec) return null;
  const text = { yaml: asYaml, json: asJson, cli: asCli, curl: (of: typeof spec) => asCurl(of, location.origin) }[format](spec);
  return (
    <div className="space-y-5">
      {job.rerun_of && <Differences job={job} parentId={job.rerun_of} />}
      <Card>
        <div className="flex items-end justify-between gap-3 border-b px-4 py-2.5">
          <div className="w-80 max-w-full min-w-0">
            <Choice<Format> label="Format" hideLabel value={format} onChange={setFormat} options={FORMATS} />
          </div>
          <CopyButton text={text} label="Copy the spec" />
        </div>
        <pre tabIndex={0} aria-label="Spec" className="overflow-auto rounded-b-xl bg-log p-4 font-mono text-sm leading-5.5">{text}</pre>
      </Card>
    </div>
  );
}

function Differences({ job, parentId }: { job: Job; parentId: string }) {
  const parent = useQuery({ ...queries.job(parentId), refetchInterval: false });
  const name = (
    <Link to="/jobs/$jobId" params={{ jobId: parentId }} search={{ tab: "spec" }} className="font-medium text-accent hover:underline">
      {parent.data ? `${parent.data.name} (${shortId(parentId)})` : shortId(parentId)}
    </Link>
  );
  if (parent.isError) return <Card><p className="px-4 py-3 text-sm text-ink-soft">It is a rerun of {name}, which cannot be read any more.</p></Card>;
  if (!parent.data?.spec || !job.spec) return null;
  const lines = diffLines(asYaml(parent.data.spec), asYaml(job.spec));
  const changed = lines.some((line) => line.kind !== "same");
  return (
    <Card>
      <p className="px-4 py-3 text-sm text-ink-soft">
        {changed ? <>What differs from {name}, of which it is a rerun:</> : <>The same as {name}, of which it is a rerun.</>}
      </p>
      {changed && (
        <pre tabIndex={0} aria-label="Differences" className="overflow-auto rounded-b-xl border-t bg-log py-3 font-mono text-sm leading-5.5">
          {lines.map((line) => (
            <span
              key={line.key}
              className={`block px-4 ${line.kind === "added" ? "bg-good-soft text-good" : line.kind === "removed" ? "bg-bad-soft text-bad" : ""}`}
            >
              <span aria-hidden className="mr-3 inline-block w-2 select-none">{{ added: "+", removed: "−", same: " " }[line.kind]}</span>
              {line.kind !== "same" && <span className="sr-only">{line.kind === "added" ? "Added: " : "Removed: "}</span>}
              {line.text}
            </span>
          ))}
        </pre>
      )}
    </Card>
  );
}
