/// What differs between two texts, line by line.

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
  key: string;
}

/** More lines than this are not compared one by one: specs are short, but a script in one may not be. */
const MAX_LINES = 2_000;

/** The lines of both texts in one order, by their longest common part. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.trimEnd().split("\n");
  const b = after.trimEnd().split("\n");
  const lines: DiffLine[] = [];
  const push = (kind: DiffLine["kind"], text: string) => lines.push({ kind, text, key: `${lines.length}` });
  if (a.length > MAX_LINES || b.length > MAX_LINES) {
    for (const text of a) push("removed", text);
    for (const text of b) push("added", text);
    return lines;
  }
  const common = longest(a, b);
  const at = (row: number, column: number) => common[row * (b.length + 1) + column] ?? 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push("same", a[i] ?? "");
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) push("removed", a[i++] ?? "");
    else push("added", b[j++] ?? "");
  }
  return lines;
}

/** How many lines the ends of both texts have in common, from each pair of places on. */
function longest(a: readonly string[], b: readonly string[]): Uint16Array {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const next = a[i] === b[j] ? (table[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(table[(i + 1) * width + j] ?? 0, table[i * width + j + 1] ?? 0);
      table[i * width + j] = next;
    }
  }
  return table;
}
