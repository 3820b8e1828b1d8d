/// A job spec as text: YAML, JSON, and the commands that submit it.
import { stringify } from "yaml";

import type { JobSpec } from "@/api/types";
import { shellQuote } from "@/lib/format";

/** The order in which people read a spec. */
const ORDER: readonly (keyof JobSpec)[] = [
  "name",
  "queue",
  "team",
  "priority",
  "labels",
  "image",
  "pull",
  "entrypoint",
  "command",
  "run",
  "workdir",
  "user",
  "env",
  "network",
  "resources",
  "alternatives",
  "nodes",
  "placement",
  "shm_size",
  "secrets",
  "volumes",
  "ports",
  "outputs",
  "max_runtime",
  "max_queue_time",
  "preemptible",
  "stop",
  "retry",
  "max_disconnect",
  "hold_on_failure",
  "array",
  "needs",
  "schedule",
  "notify",
];

function ordered(spec: JobSpec): Record<string, unknown> {
  const known = ORDER.filter((key) => spec[key] !== undefined && spec[key] !== null);
  const rest = (Object.keys(spec) as (keyof JobSpec)[]).filter((key) => !ORDER.includes(key));
  return Object.fromEntries([...known, ...rest].map((key) => [key, spec[key]]));
}

export function asYaml(spec: JobSpec): string {
  return stringify(ordered(spec), { lineWidth: 100 });
}

export function asJson(spec: JobSpec): string {
  return `${JSON.stringify(ordered(spec), null, 2)}\n`;
}

export function asCli(spec: JobSpec): string {
  const yaml = asYaml(spec);
  // A line of the text that reads like the end mark would cut the text short.
  let mark = "SPEC";
  while (yaml.split("\n").includes(mark)) mark += "_";
  return `lilac_cli submit -f - <<'${mark}'\n${yaml}${mark}\n`;
}

/** The token is left to the environment, so that it stands in no history of a shell. */
export function asCurl(spec: JobSpec, origin: string): string {
  const body = JSON.stringify(ordered(spec));
  return [
    `curl --fail-with-body ${shellQuote(`${origin}/api/v1/jobs`)}`,
    `  -H "Authorization: Bearer $LILAC_TOKEN"`,
    `  -H 'Content-Type: application/json'`,
    `  --data ${shellQuote(body)}`,
  ].join(" \\\n");
}
