/// Keyboard shortcuts: one listener, a table of what each key does, silent while somebody types.
import { useEffect, useEffectEvent } from "react";

import { actionOf } from "./actions";

/** `n`, or two in a row as `g j`; `mod+k` is Ctrl-K, and ⌘K on a Mac. */
export type Shortcuts = Record<string, () => void>;

const SEQUENCE_MILLIS = 1200;

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Keys that stand for nothing in the palette: `find` says what one does now. */
function useKeys(find: (keys: string) => (() => void) | undefined) {
  const run = useEffectEvent((keys: string) => {
    const action = find(keys);
    action?.();
    return action !== undefined;
  });

  useEffect(() => {
    let before = { key: "", at: 0 };
    function onKeyDown(event: KeyboardEvent) {
      // A shell or an editor has taken it already.
      if (event.defaultPrevented) return;
      const key = event.key.toLowerCase();
      if (event.metaKey || event.ctrlKey) {
        if (run(`mod+${key}`)) event.preventDefault();
        return;
      }
      // A dialog has the keyboard to itself.
      if (event.altKey || typing(event.target) || document.querySelector("[role=dialog]")) return;
      const follows = event.timeStamp - before.at < SEQUENCE_MILLIS;
      const used = (follows && run(`${before.key} ${key}`)) || run(key);
      if (used) event.preventDefault();
      before = used ? { key: "", at: 0 } : { key, at: event.timeStamp };
    }
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

export function useShortcuts(shortcuts: Shortcuts) {
  useKeys((keys) => shortcuts[keys]);
}

/** Runs the actions of the registry by their keys. Mounted once, round every page. */
export function useActionKeys() {
  useKeys((keys) => actionOf(keys)?.run);
}
