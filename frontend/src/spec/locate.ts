/// From a path that the API names to the place in the text where it stands.
import { type Document, isMap, isPair, isScalar, isSeq, parseDocument } from "yaml";

export interface ParsedText {
  /** The value, where the text is one. */
  value: unknown;
  document: Document;
  /** What makes the text no YAML at all. */
  errors: { from: number; to: number; message: string }[];
}

/** Reads a text as the CLI does: one document, plain YAML 1.2. */
export function parseText(text: string): ParsedText {
  // An alias may stand for a thousand more: none is taken, so that a small text stays small.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const errors = document.errors.map((error) => ({ from: error.pos[0], to: error.pos[1], message: error.message }));
  let value: unknown;
  try {
    value = errors.length === 0 ? document.toJS({ maxAliasCount: 100 }) : undefined;
  } catch (error) {
    errors.push({ from: 0, to: text.length, message: error instanceof Error ? error.message : String(error) });
  }
  return { value, document, errors };
}

/** `resources.gpus.count`, `command[2]` → the keys that lead there. */
export function pathKeys(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map((match) => (match[1] === undefined ? (match[2] ?? "") : Number(match[1])));
}

/** Where the field of a path stands, or the nearest one round it. */
export function locate(document: Document, path: string): { from: number; to: number } {
  let node: unknown = document.contents;
  let place = { from: 0, to: 0 };
  for (const key of pathKeys(path)) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair || !isScalar(pair.key)) break;
      const [from = place.from, to = place.to] = pair.key.range ?? [];
      place = { from, to };
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      const range = (node as { range?: readonly number[] } | undefined)?.range;
      if (range) place = { from: range[0] ?? place.from, to: range[1] ?? place.to };
    } else break;
  }
  return place;
}
