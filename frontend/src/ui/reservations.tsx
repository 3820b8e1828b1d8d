/// Nodes that are kept for a job which found no room: for whom, and from when on it has them.
import { Link } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";

import type { Reservation } from "@/api/types";
import { requestText } from "@/domain/node";
import { plural } from "@/lib/format";

import { Card, Time } from "./parts";

/** So many nodes are named; a job on hundreds of them would fill the page. */
const SHOWN_NODES = 12;

/** What is kept, each with its line of time. Nothing where nothing is. */
export function ReservationsCard({ title, items }: { title: string; items: readonly Reservation[] }) {
  if (items.length === 0) return null;
  return (
    <Card title={title}>
      <ul className="divide-y">
        {items.map((one) => (
          <li key={one.nodes[0]?.node_id} className="space-y-3 px-4 py-3.5">
            <div className="flex items-start gap-3">
              <CalendarClock size={16} aria-hidden className="mt-1 shrink-0 text-accent" />
              <div className="min-w-0 flex-1">
                <p className="break-words"><For reservation={one} /></p>
                <p className="mt-0.5 text-sm text-ink-soft">
                  <KeptNodes reservation={one} />
                </p>
              </div>
            </div>
            <ReservationTime reservation={one} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function For({ reservation: { job } }: { reservation: Reservation }) {
  if (!job) return <span className="font-medium">For a job of another team</span>;
  return (
    <>
      For{" "}
      <Link to="/jobs/$jobId" params={{ jobId: job.job_id }} search={{ tab: "scheduling" }} className="font-medium hover:text-accent">
        {job.name}
      </Link>
      <span className="text-sm text-ink-faint">{` · ${job.owner} · ${job.queue}`}</span>
    </>
  );
}

export function KeptNodes({ reservation: { nodes, requests, since } }: { reservation: Reservation }) {
  return (
    <>
      {nodes.slice(0, SHOWN_NODES).map((node) => (
        <Link
          key={node.node_id}
          to="/nodes/$nodeId"
          params={{ nodeId: node.node_id }}
          className="mr-1 inline-block max-w-full truncate rounded-md border bg-raised px-1.5 align-bottom font-mono text-xs leading-5 text-ink-soft transition-colors hover:text-accent"
        >
          {node.name}
        </Link>
      ))}
      {nodes.length > SHOWN_NODES && `and ${plural(nodes.length - SHOWN_NODES, "more", "more")} · `}
      {`${requestText(requests)}${nodes.length > 1 ? " on each" : ""}`}
      {since && <>, set apart <Time at={since} /></>}
    </>
  );
}

/** From now on others fill in, as long as they are gone by then; then the job has its place. */
export function ReservationTime({ reservation: { starts_by: startsBy } }: { reservation: Reservation }) {
  return (
    <div>
      <div aria-hidden className="flex h-2 gap-0.5 overflow-hidden rounded-full bg-line">
        <div className="hatch h-full flex-[5] bg-accent-soft" />
        {startsBy && <div className="h-full flex-[2] bg-accent-solid" />}
      </div>
      <div className="mt-1.5 flex flex-wrap justify-between gap-x-4 text-xs text-ink-faint">
        <span>{startsBy ? "Until then jobs fill in that end in time" : "It empties as its jobs end"}</span>
        <span className="ml-auto text-right">
          {startsBy ? <span className="text-ink-soft">starts <Time at={startsBy} /> at the latest</span> : <span title="A job without a time limit is in the way">nobody knows when it starts</span>}
        </span>
      </div>
    </div>
  );
}
