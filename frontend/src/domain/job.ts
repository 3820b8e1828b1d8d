/// What may be done with a job in which state, and what its reasons mean: each in one table.
import type { Job, JobState, Reason, User } from "@/api/types";
import { sentence } from "@/lib/format";

export const JOB_STATES = [
  "queued",
  "starting",
  "running",
  "held",
  "succeeded",
  "failed",
  "cancelled",
] as const satisfies readonly JobState[];

export const JOB_ACTIONS = ["cancel", "release", "hold", "reprioritise", "extend", "shell"] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

const ALLOWED: Record<JobState, readonly JobAction[]> = {
  queued: ["cancel", "hold", "reprioritise", "extend"],
  starting: ["cancel", "extend"],
  running: ["cancel", "extend", "shell"],
  held: ["cancel", "release", "reprioritise", "extend"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** Why a state does not allow an action. */
const ONLY: Record<JobAction, string> = {
  cancel: "It cannot be cancelled now.",
  release: "Only a held job can be released.",
  hold: "Only a job that waits can be held.",
  reprioritise: "Only a job that waits has a place to change.",
  extend: "Only a job that is not over can get more time.",
  shell: "Only a container that runs can be reached.",
};

/** Why an action is not possible, in a sentence; null when it is. */
function refusalOf(action: JobAction, job: Job, user: User | null): string | null {
  if (user?.role === "viewer") return "Your role may look, not act.";
  if (user?.role === "member" && job.owner !== user.username) return `The job belongs to ${job.owner}.`;
  if (action === "cancel" && job.cancel_requested && !isOver(job.state)) return "It is being cancelled already.";
  if (action === "extend" && !job.max_runtime) return "It has no time limit.";
  if (ALLOWED[job.state].includes(action)) return null;
  return isOver(job.state) ? `It has ${ENDED[job.state] ?? "ended"} already.` : ONLY[action];
}

const ENDED: Partial<Record<JobState, string>> = {
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "been cancelled",
};

type Refusal = (job: Job, user: User | null) => string | null;

export const jobCan = Object.fromEntries(
  JOB_ACTIONS.map((action) => [action, (job: Job, user: User | null) => refusalOf(action, job, user)]),
) as Record<JobAction, Refusal>;

export function isOver(state: JobState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** What each reason means, for where the server has no sentence of its own. */
export const reasonText: Record<Reason, string> = {
  "waiting-for-capacity": "Nodes that could take it are full.",
  "waiting-for-gpus": "Nodes that could take it have too few GPUs free.",
  "no-matching-nodes": "No node offers what it asks for.",
  "exceeds-any-node": "It asks for more than any node has.",
  "quota-exceeded": "Its quota is used up.",
  "queue-paused": "Its queue is paused.",
  dependency: "It waits for another job.",
  "array-limit": "Enough jobs of its array run already.",
  backoff: "It waits before it is tried again.",
  held: "It waits for a person.",
  "reserved-for-higher": "The place is kept for a job of higher priority.",
  "node-down": "Its nodes are unreachable or cordoned.",
  "gang-incomplete": "Not all of its nodes are free at once.",
  "exit-code": "Its program ended with an error.",
  oom: "It used more memory than it asked for.",
  "disk-limit": "It wrote more to the disk of its node than it asked for.",
  "gpu-oom": "It used more GPU memory than there is.",
  timeout: "It ran longer than its limit.",
  "queue-timeout": "It waited longer than its limit.",
  cancelled: "It was cancelled.",
  preempted: "It made room for another job.",
  "node-lost": "Its node was lost.",
  "gpu-lost": "Its GPU was lost.",
  "image-pull": "The image could not be had.",
  unstartable: "No node could start the container.",
  "dependency-failed": "A job that it needs failed.",
  infrastructure: "A fault of the platform, not of the job.",
};

/** Words for a reason where space is short. */
export function reasonWord(reason: string): string {
  return sentence(reason.replaceAll("-", " ").replace(/\bgpu/g, "GPU").replace(/^oom$/, "out of memory"));
}

/** Why a job stands where it stands, in a sentence; empty when its state says it all. */
export function jobSentence(job: Pick<Job, "message" | "reason">): string {
  if (job.message) return sentence(job.message);
  return job.reason ? reasonText[job.reason] : "";
}

/** `exit 3` or `signal 9`, where the job ended by itself. */
export function exitText(ended: Pick<Job, "exit_code" | "signal">): string {
  if (ended.signal) return `signal ${ended.signal}`;
  return ended.exit_code === null || ended.exit_code === undefined ? "" : `exit ${ended.exit_code}`;
}
