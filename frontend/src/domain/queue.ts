/// Words and sums for queues.
import type { ContainerPolicy, Preemption, Quota, RunAs, WaitBucket } from "@/api/admin-types";
import type { Network, Queue } from "@/api/types";
import type { Look } from "@/domain/looks";
import { bytes, cpus, duration } from "@/lib/format";

export const QUEUE_OPEN: Look = { word: "Open", tone: "good", shape: "dot" };
export const QUEUE_PAUSED: Look = { word: "Paused", tone: "warn", shape: "bar" };

export const queueLook = (queue: Pick<Queue, "paused">): Look => (queue.paused ? QUEUE_PAUSED : QUEUE_OPEN);

export const CONTAINER_POLICIES: Record<ContainerPolicy, { text: string; means: string }> = {
  restricted: { text: "Restricted", means: "Few capabilities, no new privileges, nothing of the node but allowed volumes." },
  strict: { text: "Strict", means: "As restricted, and not as root, on a read-only file system." },
  trusted: { text: "Trusted", means: "What Docker gives by default." },
};

export const RUN_AS: Record<RunAs, { text: string; means: string }> = {
  image: { text: "As the job or image says", means: "Whom the job’s user says, or the image." },
  submitter: { text: "As the submitter", means: "The uid and gid of who submitted: files on shared volumes are theirs." },
};

export const PREEMPTION: Record<Preemption, { text: string; means: string }> = {
  "lower-priority": { text: "Of jobs that rank lower", means: "Preemptible jobs of the same cluster, lower by their queue’s priority or their own, are stopped and queued again." },
  off: { text: "Nobody’s", means: "Its jobs wait. What the queue is guaranteed it gets back all the same." },
};

export const NETWORKS: readonly { value: Network; text: string }[] = [
  { value: "bridge", text: "Bridge" },
  { value: "none", text: "None" },
  { value: "host", text: "Host" },
];

/** What a quota bounds, in the order in which it is shown. */
export const DIMENSIONS = ["running_jobs", "cpus", "memory", "gpus", "queued_jobs"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Of these a queue may be assured some. */
export const GUARANTEED = ["cpus", "memory", "gpus"] as const satisfies readonly Dimension[];

export const DIMENSION_NAMES: Record<Dimension, string> = {
  running_jobs: "Running jobs",
  cpus: "CPUs",
  memory: "Memory",
  gpus: "GPUs",
  queued_jobs: "Waiting jobs",
};

/** An amount of a dimension as a number: CPUs in thousandths, memory in bytes. */
export function amount(dimension: Dimension, value: string | number): number {
  if (typeof value === "number") return value;
  if (dimension === "cpus") return cpuMilli(value);
  return dimension === "memory" ? byteCount(value) : Number(value);
}

export function amountText(dimension: Dimension, value: number): string {
  if (dimension === "cpus") return cpus(value);
  return dimension === "memory" ? bytes(value) : value.toLocaleString();
}

function cpuMilli(text: string): number {
  return text.endsWith("m") ? Number(text.slice(0, -1)) : Number(text) * 1000;
}

const BYTE_UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

function byteCount(text: string): number {
  const [, count = "", unit = ""] = text.match(/^([\d.]+)([A-Za-z]*)$/) ?? [];
  return Number(count) * (BYTE_UNITS[unit] ?? Number.NaN);
}

/** What a form's fields say of a quota: what is left empty is not bounded. Counts that are no numbers go to the server as they are. */
export function quotaOf(fields: Partial<Record<string, string>>): Quota {
  const quota: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(fields)) {
    const value = text?.trim();
    if (!value) continue;
    quota[name] = name === "cpus" || name === "memory" || name === "max_runtime" || !/^\d+$/.test(value) ? value : Number(value);
  }
  return quota as Quota;
}

/** The fields that a quota or limits stand for. */
export function fieldsOf(quota: object): Record<string, string> {
  return Object.fromEntries(Object.entries(quota).flatMap(([name, value]) => (value == null ? [] : [[name, String(value)]])));
}

/** `1 s`, `10 s`, … of a bucket of waits, the last being what is longer. */
export function bucketText(bucket: WaitBucket, before: WaitBucket | undefined): string {
  const short = (secs: number) =>
    secs < 60 ? `${secs} s` : secs < 3600 ? `${secs / 60} min` : secs < 86_400 ? `${secs / 3600} h` : `${secs / 86_400} d`;
  return bucket.up_to_secs == null ? `over ${short(before?.up_to_secs ?? 0)}` : `≤ ${short(bucket.up_to_secs)}`;
}

export function waitText(secs: number | null | undefined): string {
  return secs == null ? "–" : duration(secs * 1000);
}

export const percent = (part: number) => `${Math.round(part * 100)} %`;
