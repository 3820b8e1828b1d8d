/// `?`: every key that does something here, made from the registry of actions.
import { useActionGroups } from "@/lib/actions";
import { Dialog } from "@/ui/dialog";
import { Kbd } from "@/ui/parts";

/** Keys that belong to a place rather than to an action. */
const PLACES: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["List of jobs", [["Filter by text", "/"], ["Next and previous job", "j  k"], ["Open the job", "enter"], ["Choose the job", "x"]]],
  ["Log", [["Next match", "enter"], ["Previous match", "shift+enter"]]],
  ["Form", [["Submit", "mod+enter"]]],
];

export function KeyMap({ onClose }: { onClose: () => void }) {
  const offered = useActionGroups().map(
    ({ title, actions }) => [title, actions.flatMap(({ name, keys }) => (keys ? [[name, keys] as const] : []))] as const,
  );
  const groups = [...offered, ...PLACES].filter(([, keys]) => keys.length > 0);
  return (
    <Dialog open onClose={onClose} title="Keyboard" wide description="What can be reached without the mouse.">
      <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3 className="mb-2 text-xs font-medium text-ink-faint">{title}</h3>
            <dl className="space-y-1.5">
              {keys.map(([name, spelled]) => (
                <div key={name} className="flex items-center justify-between gap-4">
                  <dt className="text-ink-soft">{name}</dt>
                  <dd>
                    <Keys spelled={spelled} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

const MAC = /Mac|iP(hone|ad)/.test(navigator.userAgent);
const NAMES: Record<string, string> = { mod: MAC ? "⌘" : "Ctrl", shift: "Shift", enter: "Enter" };

/** `g j` as two keys, `mod+k` as two that are held together. */
export function Keys({ spelled }: { spelled: string }) {
  const keys = spelled.split(/[ +]+/);
  return (
    <span className="inline-flex gap-1">
      {keys.map((key) => (
        <Kbd key={key}>{NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)}</Kbd>
      ))}
    </span>
  );
}
