/// Words for machines: policies, what happens to nodes, and how they fare.
import type { NodeEventKind, PlacementPolicy } from "@/api/admin-types";
import type { Job, Node } from "@/api/types";
import type { Look } from "@/domain/looks";

export const POLICIES: Record<PlacementPolicy, { text: string; means: string }> = {
  "fragmentation-aware": { text: "Fragmentation-aware", means: "Keeps GPUs whole for the jobs that need them whole." },
  "best-fit": { text: "Best fit", means: "Fills nodes up, so that others stay empty." },
  spread: { text: "Spread", means: "Takes the node with the most room." },
  "first-fit": { text: "First fit", means: "Takes the first node, by name, that fits." },
};

export const nodeEventLook: Record<NodeEventKind, Look> = {
  registered: { word: "Joined", tone: "good", shape: "check" },
  rebooted: { word: "Rebooted", tone: "info", shape: "back" },
  "agent-changed": { word: "Agent changed", tone: "info", shape: "half" },
  "runtime-lost": { word: "Docker lost", tone: "bad", shape: "alert" },
  "runtime-back": { word: "Docker back", tone: "good", shape: "dot" },
  unreachable: { word: "Unreachable", tone: "bad", shape: "cross" },
  back: { word: "Back", tone: "good", shape: "dot" },
  cordoned: { word: "Cordoned", tone: "warn", shape: "bar" },
  uncordoned: { word: "Uncordoned", tone: "good", shape: "dot" },
  draining: { word: "Draining", tone: "warn", shape: "half" },
  drained: { word: "Drained", tone: "idle", shape: "slash" },
  labelled: { word: "Labelled", tone: "idle", shape: "dashed" },
};

/** Of the latest jobs that ended on a node, how many failed. Those that were cancelled say nothing about it. */
export function failures(jobs: readonly Job[]): { ended: number; failed: number } {
  const ended = jobs.filter((job) => job.state === "succeeded" || job.state === "failed");
  return { ended: ended.length, failed: ended.filter((job) => job.state === "failed").length };
}

/** What becomes of a job when its node is drained. */
export type DrainFate = "ends" | "stopped" | "unknown";

/** A job with a bound on its time may end by itself before the drain is over; any other may, or is stopped then. */
export function drainFate(job: Job, withinMillis: number, now: number): DrainFate {
  const most = job.max_runtime ? spanMillis(job.max_runtime) : undefined;
  if (most === undefined) return withinMillis === 0 ? "stopped" : "unknown";
  const left = job.started_at ? Date.parse(job.started_at) + most - now : most;
  return left <= withinMillis ? "ends" : withinMillis === 0 ? "stopped" : "unknown";
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span as the server writes it, `90s` or `1h30m`, in milliseconds; none for what is no span. */
export function spanMillis(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text.replaceAll(" ", "")) return undefined;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** Nodes that a filter means: every word must be in the name, the cluster, the state, a label or a GPU's model. */
export function matching(nodes: readonly Node[], text: string): Node[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...nodes];
  return nodes.filter((node) => {
    const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
    const hay = [node.name, node.cluster, node.state, ...labels, ...node.gpus.map((gpu) => gpu.model)].join(" ").toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}
