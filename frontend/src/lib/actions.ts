/// The registry of actions: whoever is on the screen says what can be done there, and the palette, the shortcuts and
/// the keyboard map are made from it.
import type { LucideIcon } from "lucide-react";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

export interface Action {
  /** What it does, in words: `Cancel this job`. */
  name: string;
  icon?: LucideIcon;
  /** As `useShortcuts` spells it: `c`, `g j`, `mod+k`. */
  keys?: string;
  /** Why it cannot be done now. */
  disabledReason?: string | null;
  run: () => void;
}

export interface ActionGroup {
  title: string;
  actions: readonly Action[];
}

let groups: readonly ActionGroup[] = [];
const listeners = new Set<() => void>();

function change(next: readonly ActionGroup[]) {
  groups = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Every action of what is on the screen; the innermost first. */
export function useActionGroups(): readonly ActionGroup[] {
  return useSyncExternalStore(subscribe, () => groups);
}

/** Offers actions while the component is on the screen. Those of the frame come after those of what it frames. */
export function useActions(title: string, actions: readonly Action[], place: "page" | "frame" = "page") {
  const find = useEffectEvent((name: string) => actions.find((action) => action.name === name));
  // What is shown of an action; its icon and what it does are looked up when they are wanted, so that they are never old.
  const shown = JSON.stringify(actions.map(({ name, keys, disabledReason }) => ({ name, keys, disabledReason })));
  useEffect(() => {
    const entries = JSON.parse(shown) as Omit<Action, "run">[];
    const offered: ActionGroup = {
      title,
      actions: entries.map((entry) => {
        const icon = find(entry.name)?.icon;
        return { ...entry, ...(icon && { icon }), run: () => find(entry.name)?.run() };
      }),
    };
    change(place === "page" ? [offered, ...groups] : [...groups, offered]);
    return () => change(groups.filter((other) => other !== offered));
  }, [title, shown, place]);
}

/** What a key stands for now; the innermost wins. */
export function actionOf(keys: string): Action | undefined {
  return groups.flatMap((group) => group.actions).find((action) => action.keys === keys && !action.disabledReason);
}
