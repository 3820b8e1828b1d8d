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

/** What of a spec the form has no field for: it is carried through untouched. */
function beyondForm(base: JobSpec | null): Partial<JobSpec> {
  if (!base) return {};
  const { pull, entrypoint, user, shm_size, stop, max_disconnect } = base;
  const kept = { pull, entrypoint, user, shm_size, stop, max_disconnect };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined && value !== null));
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
  const gpus = gpuRequest(form.gpus.trim());
  spec.resources = {
    cpus: form.cpus.trim(),
    memory: form.memory.trim(),
    ...(base?.resources?.disk && { disk: base.resources.disk }),
    ...(gpus && { gpus }),
  };
  if (form.network !== EMPTY_FORM.network) spec.network = form.network;
  if (form.priority.trim() !== EMPTY_FORM.priority) spec.priority = Number(form.priority) || 0;
  const env = pairs(form.env);
  if (Object.keys(env).length > 0) spec.env = env;
  const labels = pairs(form.labels);
  if (Object.keys(labels).length > 0) spec.labels = labels;
  if (form.workdir.trim() !== "") spec.workdir = form.workdir.trim();
  if (form.maxRuntime.trim() !== "") spec.max_runtime = form.maxRuntime.trim();
  if (form.maxAttempts.trim() !== EMPTY_FORM.maxAttempts) {
    spec.retry = { ...base?.retry, max_attempts: Number(form.maxAttempts) || 0 };
  }
  return spec;
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
export function formOf(spec: JobSpec): SpecForm {
  const list = (map: Record<string, string> | undefined) =>
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");
  const gpus = spec.resources?.gpus;
  const kind: CommandKind = spec.run ? "script" : spec.command?.length ? "command" : "image";
  return {
    ...EMPTY_FORM,
    name: spec.name,
    queue: spec.queue ?? EMPTY_FORM.queue,
    image: spec.image,
    kind,
    script: spec.run ?? "",
    command: (spec.command ?? []).map(quoted).join(" "),
    cpus: spec.resources?.cpus ?? EMPTY_FORM.cpus,
    memory: spec.resources?.memory ?? EMPTY_FORM.memory,
    gpus: gpus ? [...(gpus.model ?? []).slice(0, 1), String(gpus.count)].join(":") : "",
    network: spec.network ?? EMPTY_FORM.network,
    env: list(spec.env),
    labels: list(spec.labels),
    priority: String(spec.priority ?? 50),
    workdir: spec.workdir ?? "",
    maxRuntime: spec.max_runtime ?? "",
    maxAttempts: String(spec.retry?.max_attempts ?? 1),
  };
}

function quoted(word: string): string {
  return /^[^\s'"\\]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
