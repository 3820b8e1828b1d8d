/// The shape of a spec, taken from the API's own description: what is wrong with a text before it is sent, and what
/// may be written where one writes.

export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: readonly unknown[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  minimum?: number;
}

export type Schemas = Record<string, Schema>;

export interface Fault {
  /** As the API writes it: `resources.gpus.count`, `command[2]`. */
  path: string;
  message: string;
}

/** What a reference or a choice with null stands for. */
export function resolved(schema: Schema | undefined, all: Schemas): Schema {
  let found = schema ?? {};
  for (let step = 0; step < 10; step += 1) {
    const choices = (found.oneOf ?? found.anyOf)?.filter((choice) => choice.type !== "null");
    const [only] = choices ?? [];
    const target: Schema | undefined = found.$ref ? all[found.$ref.split("/").at(-1) ?? ""] : choices?.length === 1 ? only : undefined;
    if (!target) break;
    found = { ...target, description: found.description ?? target.description };
  }
  return found;
}

/** Everything that is plainly wrong; what needs more knowledge, the server says. */
export function faults(value: unknown, schema: Schema, all: Schemas, path = ""): Fault[] {
  const shape = resolved(schema, all);
  if (value === null || value === undefined) return [];
  if (shape.enum) return shape.enum.includes(value) ? [] : [{ path, message: `must be one of ${shape.enum.join(", ")}` }];
  const kinds = [shape.type ?? []].flat();
  if (Array.isArray(value)) {
    if (kinds.length > 0 && !kinds.includes("array")) return [{ path, message: `must be ${spoken(kinds)}, not a list` }];
    return value.flatMap((item, at) => faults(item, shape.items ?? {}, all, `${path}[${at}]`));
  }
  if (typeof value === "object") return objectFaults(value as Record<string, unknown>, shape, all, path);
  // A number may be written for what is a text (`cpus: 2`), and GPUs in short (`gpus: H100:8`).
  const isShort = path.endsWith("gpus") && kinds.includes("object");
  if (kinds.includes("object") && !isShort) return [{ path, message: "must be a group of fields" }];
  if (kinds.includes("array")) return [{ path, message: "must be a list" }];
  const isNumber = kinds.includes("integer") || kinds.includes("number");
  if (isNumber && !kinds.includes("string") && typeof value !== "number") return [{ path, message: "must be a number" }];
  if (kinds.includes("integer") && typeof value === "number" && !Number.isInteger(value)) return [{ path, message: "must be a whole number" }];
  if (kinds.includes("boolean") && typeof value !== "boolean") return [{ path, message: "must be true or false" }];
  return [];
}

function objectFaults(value: Record<string, unknown>, shape: Schema, all: Schemas, path: string): Fault[] {
  const kinds = [shape.type ?? []].flat();
  if (kinds.length > 0 && !kinds.includes("object")) return [{ path, message: `must be ${spoken(kinds)}, not a group of fields` }];
  const below = (key: string) => (path ? `${path}.${key}` : key);
  const found: Fault[] = [];
  for (const key of shape.required ?? []) {
    if (value[key] === undefined || value[key] === null || value[key] === "") found.push({ path: below(key), message: "is missing" });
  }
  for (const [key, item] of Object.entries(value)) {
    const known = shape.properties?.[key];
    if (known) found.push(...faults(item, known, all, below(key)));
    else if (typeof shape.additionalProperties === "object") found.push(...faults(item, shape.additionalProperties, all, below(key)));
    else if (shape.additionalProperties === false) found.push({ path: below(key), message: unknown(key, Object.keys(shape.properties ?? {})) });
  }
  return found;
}

function spoken(kinds: readonly string[]): string {
  const words: Record<string, string> = { string: "text", integer: "a number", number: "a number", boolean: "true or false", array: "a list", object: "a group of fields" };
  return kinds.filter((kind) => kind !== "null").map((kind) => words[kind] ?? kind).join(" or ");
}

function unknown(key: string, known: readonly string[]): string {
  const near = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  const hint = near !== undefined && distance(key, near) <= Math.max(2, key.length / 3) ? `; did you mean ${near}?` : "";
  return `there is no field ${key}${hint}`;
}

/** How many letters have to change. */
function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    before = row;
  }
  return before[b.length] ?? 0;
}

/** The shape at a path of keys; numbers and `-` stand for the items of a list. */
export function shapeAt(keys: readonly string[], root: Schema, all: Schemas): Schema | null {
  let shape = resolved(root, all);
  for (const key of keys) {
    const next: Schema | undefined =
      key === "-" ? shape.items : (shape.properties?.[key] ?? (typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined));
    if (!next) return null;
    shape = resolved(next, all);
  }
  return shape;
}

/**
 * Where one writes, told by the indentation of the lines above: the keys that lead there. The line itself is not
 * looked at but for its own indentation.
 */
export function keysAbove(lines: readonly string[], at: number): string[] {
  const keys: string[] = [];
  let depth = indentOf(lines[at] ?? "");
  // A dash opens an item: what stands behind it is one level deeper.
  if (/^\s*-\s/.test(lines[at] ?? "")) keys.unshift("-");
  for (let line = at - 1; line >= 0 && depth > 0; line -= 1) {
    const text = lines[line] ?? "";
    if (text.trim() === "" || text.trimStart().startsWith("#")) continue;
    const indent = indentOf(text);
    const isItem = /^\s*-\s/.test(text);
    const inner = isItem ? indent + (/^\s*(-\s+)/.exec(text)?.[1]?.length ?? 2) : indent;
    if (isItem && inner <= depth && indent < depth && keys[0] !== "-") {
      const key = keyOf(text.replace(/^\s*-\s+/, ""));
      if (inner < depth && key) keys.unshift(key);
      keys.unshift("-");
      depth = indent + 1;
      if (indent === 0) continue;
      continue;
    }
    if (indent >= depth) continue;
    const key = keyOf(text);
    if (key) keys.unshift(key);
    depth = indent;
  }
  return keys;
}

const indentOf = (text: string) => text.length - text.trimStart().length;
const keyOf = (text: string) => /^\s*["']?([\w.-]+)["']?\s*:/.exec(text)?.[1];
