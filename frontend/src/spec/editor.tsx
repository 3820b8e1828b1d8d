/// The text of a spec, in an editor that knows what may be written where one writes. Fetched when it is first wanted.
import { autocompletion, closeBrackets, closeBracketsKeymap, type CompletionContext, type CompletionResult, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useEffectEvent, useRef } from "react";

import { keysAbove, resolved, type Schema, type Schemas, shapeAt } from "./schema";

export interface Mark {
  from: number;
  to: number;
  message: string;
}

interface EditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  marks: readonly Mark[];
  schemas: Schemas | undefined;
}

export function SpecEditor({ label, value, onChange, marks, schemas }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const tell = useEffectEvent((text: string) => {
    if (text !== value) onChange(text);
  });
  const known = useEffectEvent(() => schemas);

  useEffect(() => {
    const parent = place.current;
    if (!parent) return;
    const made = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          closeBrackets(),
          yaml(),
          indentUnit.of("  "),
          syntaxHighlighting(COLOURS),
          autocompletion({ override: [(context) => complete(context, known())], icons: false }),
          hoverTooltip((on, at) => explainAt(on, at, known())),
          // Tab leaves the editor, as it leaves every other field.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell(update.state.doc.toString());
          }),
          THEME,
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, [label]);

  // What the form changed; what was typed here is here already.
  useEffect(() => {
    const now = view.current;
    if (!now || now.state.doc.toString() === value) return;
    now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value } });
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- another label is another editor
  }, [value, label]);

  useEffect(() => {
    const now = view.current;
    if (!now) return;
    const end = now.state.doc.length;
    const shown = marks.map((mark): Diagnostic => ({ from: Math.min(mark.from, end), to: Math.min(Math.max(mark.to, mark.from), end), severity: "error", message: mark.message }));
    now.dispatch(setDiagnostics(now.state, shown));
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- marks lie in the text that is shown
  }, [marks, value, label]);

  return <div ref={place} className="min-h-64 overflow-hidden" />;
}

function complete(context: CompletionContext, all: Schemas | undefined): CompletionResult | null {
  const root = all?.["JobSpec"];
  if (!all || !root) return null;
  const { doc } = context.state;
  const line = doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const lines = doc.toString().split("\n");
  const keys = keysAbove(lines, line.number - 1);
  const valued = /^(\s*(?:-\s+)?)([\w.-]+):\s+(\S*)$/.exec(before);
  if (valued) {
    const shape = shapeAt([...keys, valued[2] ?? ""], root, all);
    const options = shape?.enum ?? (shape?.type === "boolean" ? [true, false] : []);
    if (options.length === 0) return null;
    return { from: context.pos - (valued[3]?.length ?? 0), options: options.map((option) => ({ label: String(option) })) };
  }
  const word = /(?:^\s*(?:-\s+)?)([\w-]*)$/.exec(before);
  if (!word || (!context.explicit && (word[1] ?? "") === "")) return null;
  const shape = shapeAt(keys, root, all);
  const options = Object.entries(shape?.properties ?? {}).map(([name, field]) => offer(name, field, all));
  return options.length > 0 ? { from: context.pos - (word[1]?.length ?? 0), options } : null;
}

function offer(name: string, field: Schema, all: Schemas) {
  const shape = resolved(field, all);
  const isBlock = shape.type === "object" || shape.type === "array";
  const info = field.description ?? shape.description;
  return { label: name, apply: isBlock ? `${name}:` : `${name}: `, ...(info && { info }) };
}

/** What the field under the pointer means. */
function explainAt(view: EditorView, at: number, all: Schemas | undefined) {
  const root = all?.["JobSpec"];
  const line = view.state.doc.lineAt(at);
  const found = /^(\s*(?:-\s+)?)([\w.-]+):/.exec(line.text);
  if (!all || !root || !found) return null;
  const from = line.from + (found[1]?.length ?? 0);
  const name = found[2] ?? "";
  if (at < from || at > from + name.length) return null;
  const owner = shapeAt(keysAbove(view.state.doc.toString().split("\n"), line.number - 1), root, all);
  const field = owner?.properties?.[name];
  const text = field?.description ?? (field && resolved(field, all).description);
  if (!text) return null;
  return {
    pos: from,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "spec-hint";
      dom.textContent = text;
      return { dom };
    },
  };
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ansi-green)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ansi-blue)" },
  { tag: tags.comment, color: "var(--ink-faint)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--ink-faint)" },
]);

const THEME = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--log-canvas)", fontSize: "0.8125rem", maxHeight: "70dvh", minHeight: "16rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: '"Geist Mono Variable", ui-monospace, monospace', lineHeight: "1.375rem", overflow: "auto" },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--accent-solid)" },
  ".cm-gutters": { backgroundColor: "var(--log-canvas)", color: "var(--ink-faint)", border: "none" },
  ".cm-gutter-lint": { width: "0.9rem" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0" },
  ".cm-lint-marker-error": { content: "none", width: "0.45rem", height: "0.45rem", margin: "0.46rem auto 0", borderRadius: "2px", rotate: "45deg", backgroundColor: "var(--bad)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent-solid) 28%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent-solid)" },
  ".cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)", border: "1px solid var(--line-strong)", borderRadius: "0.6rem", boxShadow: "var(--shadow-float)", overflow: "hidden" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: '"Geist Mono Variable", monospace', maxHeight: "16rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.2rem 0.7rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  ".cm-tooltip .cm-completionInfo, .cm-tooltip.cm-completionInfo": { padding: "0.5rem 0.75rem", maxWidth: "22rem", whiteSpace: "pre-wrap" },
  ".spec-hint": { padding: "0.5rem 0.75rem", maxWidth: "24rem", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)", padding: "0.35rem 0.7rem" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
});
