/// What a person should look at, the worst first.
import { Link } from "@tanstack/react-router";
import { CheckCircle2, ChevronRight, TriangleAlert } from "lucide-react";

import type { JobCounts, Node, Queue } from "@/api/types";
import { plural, sentence } from "@/lib/format";
import { Card, SkeletonRows } from "@/ui/parts";

interface Concern {
  text: string;
  detail: string;
  link: { to: "/jobs"; search: { state: string; reason?: string } } | { to: "/nodes" } | { to: "/queues" };
}

export function attention(counts: JobCounts, nodes: Node[], queues: Queue[]): Concern[] {
  const concerns: Concern[] = [];
  for (const node of nodes.filter((one) => one.state === "unreachable" || one.state === "unhealthy")) {
    concerns.push({ text: `${node.name} is ${node.state}`, detail: sentence(node.message || "Its jobs wait for it."), link: { to: "/nodes" } });
  }
  for (const node of nodes) {
    const broken = node.gpus.filter((gpu) => gpu.fault);
    if (broken.length > 0) concerns.push({ text: `${plural(broken.length, "GPU")} of ${node.name} cannot be used`, detail: sentence(broken[0]?.fault ?? ""), link: { to: "/nodes" } });
  }
  const held = counts.by_state.held ?? 0;
  if (held > 0) {
    concerns.push({
      text: `${plural(held, "job is", "jobs are")} held`,
      detail: "They wait for a person: release or cancel them.",
      link: { to: "/jobs", search: { state: "held" } },
    });
  }
  const hopeless = (counts.queued_by_reason["exceeds-any-node"] ?? 0) + (counts.queued_by_reason["no-matching-nodes"] ?? 0);
  if (hopeless > 0) {
    concerns.push({
      text: `${plural(hopeless, "job")} cannot run here`,
      detail: "No node has what they ask for.",
      link: { to: "/jobs", search: { state: "queued", reason: "exceeds-any-node,no-matching-nodes" } },
    });
  }
  for (const queue of queues.filter((one) => one.paused && one.queued > 0)) {
    concerns.push({ text: `${queue.name} is paused`, detail: `${plural(queue.queued, "job waits", "jobs wait")} in it.`, link: { to: "/queues" } });
  }
  return concerns;
}

export function Attention({ concerns }: { concerns: Concern[] | null }) {
  return (
    <Card title="Needs attention" aside={concerns && concerns.length > 0 ? concerns.length : undefined}>
      {!concerns && <SkeletonRows rows={2} />}
      {concerns?.length === 0 && (
        <p className="flex items-center gap-2.5 px-4 py-4 text-sm text-ink-soft">
          <CheckCircle2 size={16} className="shrink-0 text-good" aria-hidden /> Nothing does. Every node answers and every job can run.
        </p>
      )}
      {concerns && concerns.length > 0 && (
        <ul className="max-h-80 divide-y overflow-y-auto">
          {concerns.map((concern) => (
            <li key={concern.text}>
              <Link {...concern.link} className="flex items-center gap-3 px-4 py-3 hover:bg-hover focus-visible:-outline-offset-2">
                <TriangleAlert size={16} className="shrink-0 text-warn" aria-hidden />
                <span className="min-w-0 flex-1">
                  <span className="block truncate text-base font-medium">{concern.text}</span>
                  <span className="block truncate text-sm text-ink-soft">{concern.detail}</span>
                </span>
                <ChevronRight size={15} className="shrink-0 text-ink-faint" aria-hidden />
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
