/// The submit form as a value, and the job spec that it stands for.
import type { JobSpec, Network } from "@/api/types";

export type CommandKind = "script" | "command" | "image";

export interface SpecForm {
  name: string;
  queue: string;
  image: string;
  kind: CommandKind;
  script: string;
  command: string;
  cpus: string;
  memory: string;
  gpus: string;
  network: Network;
  env: string;
  labels: string;
  priority: string;
  workdir: string;
  maxRuntime: string;
  maxAttempts: string;
}

export const EMPTY_FORM: SpecForm = {
  name: "",
  queue: "default",
  image: "",
  kind: "script",
  script: "",
  command: "",
  cpus: "1",
  memory: "256Mi",
  gpus: "",
  network: "bridge",
  env: "",
  labels: "",
  priority: "50",
  workdir: "",
  maxRuntime: "",
  maxAttempts: "1",
};

/** The parts of a spec that the form has fields for. */
const IN_FORM: ReadonlySet<string> = new Set([
  "name",
  "queue",
  "image",
  "run",
  "command",
  "network",
  "priority",
  "env",
  "labels",
  "workdir",
  "max_runtime",
  "retry",
  "resources",
]);

/** What of a spec the form has no field for: it is carried through untouched. */
export function beyondForm(base: JobSpec | null): Partial<JobSpec> {
  const entries = Object.entries(base ?? {}).filter(([key, value]) => !IN_FORM.has(key) && value !== undefined && value !== null);
  return Object.fromEntries(entries);
}

/**
 * The spec of a form, over the spec that the form was filled from. What is left at its default is left
 * out, so that the text beside the form stays short. What is no number becomes 0: the server refuses it
 * and names the field.
 */
export function specOf(form: SpecForm, base: JobSpec | null = null): JobSpec {
  const spec: JobSpec = { ...beyondForm(base), name: form.name.trim(), queue: form.queue, image: form.image.trim() };
  if (form.kind === "script" && form.script.trim() !== "") spec.run = form.script;
  const command = form.kind === "command" ? words(form.command) : [];
  if (command.length > 0) spec.command = command;
  spec.resources = resourcesOf(form, base);
  if (form.network !== EMPTY_FORM.network) spec.network = form.network;
  if (form.priority.trim() !== EMPTY_FORM.priority) spec.priority = Number(form.priority) || 0;
  const env = pairs(form.env);
  if (Object.keys(env).length > 0) spec.env = env;
  const labels = pairs(form.labels);
  if (Object.keys(labels).length > 0) spec.labels = labels;
  if (form.workdir.trim() !== "") spec.workdir = form.workdir.trim();
  if (form.maxRuntime.trim() !== "") spec.max_runtime = form.maxRuntime.trim();
  const { max_attempts: _, ...retry } = base?.retry ?? {};
  if (form.maxAttempts.trim() !== EMPTY_FORM.maxAttempts) {
    spec.retry = { ...retry, max_attempts: Number(form.maxAttempts) || 0 };
  } else if (Object.keys(retry).length > 0) spec.retry = retry;
  return spec;
}

function resourcesOf(form: SpecForm, base: JobSpec | null): NonNullable<JobSpec["resources"]> {
  const { cpus: _, memory: __, gpus: before, ...others } = base?.resources ?? {};
  // What the field cannot show of a request for GPUs stays, as long as nobody writes another one.
  const isSame = base !== null && formOf(base).gpus === form.gpus;
  const gpus = isSame ? before : gpuRequest(form.gpus.trim());
  return { cpus: form.cpus.trim(), memory: form.memory.trim(), ...others, ...(gpus && { gpus }) };
}

function gpuRequest(text: string): { count: number; model?: string[] } | null {
  if (text === "") return null;
  const colon = text.lastIndexOf(":");
  const count = Number(text.slice(colon + 1)) || 0;
  return colon < 0 ? { count } : { count, model: [text.slice(0, colon)] };
}

/** `NAME=value`, one a line; blank lines and comments are skipped. */
export function pairs(text: string): Record<string, string> {
  const entries: [string, string][] = [];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    entries.push(equals < 0 ? [line, ""] : [line.slice(0, equals).trim(), line.slice(equals + 1)]);
  }
  return Object.fromEntries(entries);
}

/** Splits a command line into words as a shell does: quotes group, a backslash takes the next character as it is. */
export function words(text: string): string[] {
  const found: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"' && '"\\$`'.includes(text.charAt(at + 1))) word += text.charAt(++at);
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (char === "\\" && at + 1 < text.length) word = (word ?? "") + text.charAt(++at);
    else if (/\s/.test(char)) {
      if (word !== null) found.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  if (word !== null) found.push(word);
  return found;
}

/** Which field of the form stands for a path of the spec, so that the server's words appear beside it. */
const FIELDS: readonly (readonly [RegExp, keyof SpecForm])[] = [
  [/^name$/, "name"],
  [/^queue$/, "queue"],
  [/^image$/, "image"],
  [/^run$/, "script"],
  [/^(command|entrypoint)/, "command"],
  [/^resources\.cpus$/, "cpus"],
  [/^resources\.memory$/, "memory"],
  [/^resources\.gpus/, "gpus"],
  [/^network$/, "network"],
  [/^env/, "env"],
  [/^labels/, "labels"],
  [/^priority$/, "priority"],
  [/^workdir$/, "workdir"],
  [/^max_runtime$/, "maxRuntime"],
  [/^retry/, "maxAttempts"],
];

export function fieldOf(path: string): keyof SpecForm | null {
  return FIELDS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

/** The form of an existing job's spec, to submit it again with changes. */
export function formOf(spec: JobSpec, emptyKind: CommandKind = "image"): SpecForm {
  const list = (map: Record<string, string> | undefined) =>
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");
  // Text may say it shorter than the API answers it: `gpus: 2`, `gpus: H100:8`.
  const gpus = spec.resources?.gpus as string | number | { count?: number; model?: string[]; share?: unknown } | null | undefined;
  const kind: CommandKind = !spec.run && !spec.command?.length && !spec.entrypoint?.length ? emptyKind : spec.run ? "script" : spec.command?.length ? "command" : "image";
  return {
    ...EMPTY_FORM,
    name: String(spec.name ?? ""),
    queue: spec.queue ?? EMPTY_FORM.queue,
    image: String(spec.image ?? ""),
    kind,
    script: spec.run ?? "",
    command: (spec.command ?? []).map(quoted).join(" "),
    cpus: String(spec.resources?.cpus ?? EMPTY_FORM.cpus),
    memory: String(spec.resources?.memory ?? EMPTY_FORM.memory),
    gpus: gpuText(gpus),
    network: spec.network ?? EMPTY_FORM.network,
    env: list(spec.env),
    labels: list(spec.labels),
    priority: String(spec.priority ?? 50),
    workdir: spec.workdir ?? "",
    maxRuntime: spec.max_runtime ?? "",
    maxAttempts: String(spec.retry?.max_attempts ?? 1),
  };
}

function gpuText(gpus: string | number | { count?: number; model?: string[]; share?: unknown } | null | undefined): string {
  if (gpus === null || gpus === undefined) return "";
  if (typeof gpus !== "object") return String(gpus);
  if (gpus.share !== undefined && gpus.share !== null) return String(gpus.share);
  return [...(gpus.model ?? []).slice(0, 1), String(gpus.count ?? 1)].join(":");
}

function quoted(word: string): string {
  return /^[^\s'"\\]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
