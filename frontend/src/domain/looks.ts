/// How every state looks: a word, a tone and a shape, so that no state is told by its colour alone.
/// The tables are exhaustive: a new state does not compile until it has a look.
import type { AttemptState, JobOutput, JobState, NodeState } from "@/api/types";

export type Tone = "accent" | "good" | "bad" | "warn" | "info" | "idle";
export type Shape =
  | "dashed"
  | "half"
  | "pulse"
  | "check"
  | "cross"
  | "slash"
  | "hold"
  | "dot"
  | "bar"
  | "alert"
  | "back";

export interface Look {
  word: string;
  tone: Tone;
  shape: Shape;
}

export const jobLook: Record<JobState, Look> = {
  queued: { word: "Queued", tone: "idle", shape: "dashed" },
  starting: { word: "Starting", tone: "info", shape: "half" },
  running: { word: "Running", tone: "accent", shape: "pulse" },
  succeeded: { word: "Succeeded", tone: "good", shape: "check" },
  failed: { word: "Failed", tone: "bad", shape: "cross" },
  cancelled: { word: "Cancelled", tone: "idle", shape: "slash" },
  held: { word: "Held", tone: "warn", shape: "hold" },
};

export const attemptLook: Record<AttemptState, Look> = {
  granted: { word: "Granted", tone: "info", shape: "dashed" },
  preparing: { word: "Preparing", tone: "info", shape: "half" },
  running: { word: "Running", tone: "accent", shape: "pulse" },
  stopping: { word: "Stopping", tone: "warn", shape: "bar" },
  succeeded: { word: "Succeeded", tone: "good", shape: "check" },
  failed: { word: "Failed", tone: "bad", shape: "cross" },
  cancelled: { word: "Cancelled", tone: "idle", shape: "slash" },
  preempted: { word: "Preempted", tone: "idle", shape: "back" },
  lost: { word: "Lost", tone: "bad", shape: "alert" },
};

export const nodeLook: Record<NodeState, Look> = {
  ready: { word: "Ready", tone: "good", shape: "dot" },
  cordoned: { word: "Cordoned", tone: "warn", shape: "bar" },
  unhealthy: { word: "Unhealthy", tone: "bad", shape: "alert" },
  unreachable: { word: "Unreachable", tone: "bad", shape: "cross" },
  joining: { word: "Joining", tone: "info", shape: "dashed" },
};

export const outputLook: Record<JobOutput["state"], Look> = {
  pending: { word: "Collecting", tone: "info", shape: "half" },
  stored: { word: "Kept", tone: "good", shape: "check" },
  failed: { word: "Failed", tone: "bad", shape: "cross" },
  removed: { word: "Removed", tone: "idle", shape: "slash" },
};

/** Text and soft background of each tone. */
export const toneText: Record<Tone, string> = {
  accent: "text-accent",
  good: "text-good",
  bad: "text-bad",
  warn: "text-warn",
  info: "text-info",
  idle: "text-idle",
};

export const toneSoft: Record<Tone, string> = {
  accent: "bg-accent-soft text-accent",
  good: "bg-good-soft text-good",
  bad: "bg-bad-soft text-bad",
  warn: "bg-warn-soft text-warn",
  info: "bg-info-soft text-info",
  idle: "bg-idle-soft text-idle",
};
