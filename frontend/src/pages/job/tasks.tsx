/// The ranks of an attempt, each on its node: how it ended, where its ports are reached, how long its log is.
import { Link } from "@tanstack/react-router";

import type { Attempt, Job, Task } from "@/api/types";
import { exitText, reasonWord } from "@/domain/job";
import { attemptLook, type Look } from "@/domain/looks";
import { bytes, exact, sentence } from "@/lib/format";
import { CopyButton } from "@/ui/copy";
import { Card } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { type Column, Table } from "@/ui/table";

/** Nothing, where the attempt has one task that nobody reaches: all there is to say of it is said elsewhere. */
export function Tasks({ job, attempt }: { job: Job; attempt: Attempt | undefined }) {
  const tasks = attempt?.tasks ?? [];
  if (!attempt || (tasks.length < 2 && !tasks.some((task) => task.ports?.length))) return null;
  const title = tasks.length > 1 ? "Ranks" : "Ports";
  return (
    <Card title={title} aside={attempt.epoch > 1 ? `attempt ${attempt.epoch}` : undefined} className="lg:col-span-2">
      {tasks.length > 1 ? (
        <Table label="Ranks" columns={columns(job, attempt)} rows={tasks} rowKey={(task) => String(task.rank)} />
      ) : (
        <div className="px-4 py-3"><Ports task={tasks[0]} /></div>
      )}
    </Card>
  );
}

const columns = (job: Job, attempt: Attempt): Column<Task>[] => [
  { head: "Rank", cell: (task) => task.rank },
  {
    head: "Node",
    cell: (task) => (
      <Link to="/nodes/$nodeId" params={{ nodeId: task.node_id }} className="break-all hover:text-accent">
        {task.node}
      </Link>
    ),
  },
  { head: "State", cell: (task) => <RankState attempt={attempt} task={task} /> },
  { head: "Why", grow: true, wide: true, cell: (task) => <span className="block min-w-32 text-sm break-words whitespace-normal text-ink-soft">{endText(task)}</span> },
  ...(attempt.tasks.some((task) => task.ports?.length) ? [{ head: "Ports", wide: true, cell: (task: Task) => <div className="min-w-60"><Ports task={task} /></div> }] : []),
  {
    head: "Log",
    number: true,
    cell: (task) => (
      <Link to="/jobs/$jobId" params={{ jobId: job.id }} search={{ tab: "logs", attempt: attempt.epoch, rank: task.rank }} aria-label={`Log of rank ${task.rank}`} className="text-accent hover:underline">
        {bytes(task.log_bytes)}
      </Link>
    ),
  },
];

/** A rank that has ended says so before its attempt does. */
function RankState({ attempt, task }: { attempt: Attempt; task: Task }) {
  const { end } = task;
  if (!end) return <StateMark look={attemptLook[attempt.state]} />;
  return (
    <span title={`Ended ${exact(end.at)}`}>
      <StateMark look={end.exit_code === 0 ? attemptLook.succeeded : end.failed_first ? attemptLook.failed : STOPPED} />
    </span>
  );
}

/** It was ended with the others, for what one of them did. */
const STOPPED: Look = { word: "Stopped", tone: "idle", shape: "slash" };

function endText({ end }: Task): string {
  if (!end) return "–";
  const exit = exitText({ exit_code: end.exit_code ?? null, signal: end.signal ?? null });
  const words = end.message ? sentence(end.message) : end.reason ? reasonWord(end.reason) : "";
  const code = /\d+$/.exec(exit)?.[0] ?? "";
  const what = (words && exit && !words.includes(code) ? `${words.replace(/\.$/, "")} (${exit})` : words || sentence(exit) || "Ended").replace(/\.*$/, ".");
  return end.failed_first ? `${what} It failed first and ended the others.` : what;
}

function Ports({ task }: { task: Task | undefined }) {
  const ports = task?.ports ?? [];
  if (ports.length === 0) return <>–</>;
  return (
    <ul aria-label="Ports" className="space-y-1 text-sm">
      {ports.map((port) => (
        <li key={port.name} className="flex flex-wrap items-center gap-x-3">
          <span className="font-medium break-all" title={`Port ${port.port} of the container`}>{port.name}</span>
          <code className="font-mono break-all">{port.address}</code>
          <CopyButton text={port.address} label={`Copy the address of ${port.name}`} />
        </li>
      ))}
    </ul>
  );
}
