/// Parts of a spec that the form has no fields for, each as something to begin with.
import type { JobSpec } from "@/api/types";

export interface Template {
  key: keyof JobSpec;
  name: string;
  value: unknown;
}

export const TEMPLATES: readonly Template[] = [
  { key: "outputs", name: "Outputs to keep", value: [{ path: "/out", keep: "30d" }] },
  { key: "volumes", name: "Volumes", value: [{ name: "datasets", target: "/data", read_only: true }] },
  { key: "secrets", name: "Secrets", value: { TOKEN: "name-of-the-secret" } },
  { key: "nodes", name: "Several nodes at once", value: 2 },
  { key: "placement", name: "Which nodes", value: { constraints: ["label.pool == a"] } },
  { key: "alternatives", name: "Other resources that will do", value: [{ gpus: { count: 4 } }] },
  { key: "array", name: "Many jobs in one (array)", value: { matrix: { lr: ["1e-4", "3e-4"] }, max_parallel: 2 } },
  { key: "needs", name: "Other jobs first", value: [{ job: "name-of-a-job", on: "succeeded" }] },
  { key: "schedule", name: "By the clock", value: { cron: "0 2 * * *", timezone: "UTC" } },
  { key: "retry", name: "Rules for trying again", value: { max_attempts: 3, rules: [{ on: ["node-lost", "gpu-lost"], action: "retry", counts: false }] } },
  { key: "preemptible", name: "May make room", value: true },
  { key: "stop", name: "How it is stopped", value: { signal: "SIGTERM", grace: "60s" } },
  { key: "max_queue_time", name: "Longest wait", value: "7d" },
  { key: "hold_on_failure", name: "Keep a failed container", value: "15m" },
  { key: "ports", name: "Ports", value: [{ name: "tensorboard", port: 6006 }] },
  { key: "notify", name: "Notifications", value: [{ on: ["failed", "succeeded"], to: "name-of-a-hook" }] },
  { key: "pull", name: "How the image is pulled", value: { policy: "if-not-present" } },
  { key: "shm_size", name: "Shared memory", value: "1Gi" },
  { key: "user", name: "User", value: "1000:1000" },
  { key: "entrypoint", name: "Entrypoint", value: ["/bin/sh"] },
  { key: "max_disconnect", name: "Patience with a silent node", value: "5m" },
  { key: "team", name: "Team", value: "default" },
];
