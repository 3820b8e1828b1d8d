/// Views: addresses of the list that somebody wants to come back to. They live in this browser; the address itself
/// is what one sends to others.
import { Link, useNavigate } from "@tanstack/react-router";
import { Bookmark, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";

import type { JobsSearch } from "@/router";
import { Button, ICON_BUTTON, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";

interface View {
  name: string;
  search: JobsSearch;
}

const KEY = "lilac-job-views";
const MAX_VIEWS = 50;

const USUAL: readonly View[] = [
  { name: "Mine, not over", search: { owner: "me", state: "queued,starting,running,held" } },
  { name: "Failed", search: { state: "failed" } },
  { name: "Waiting, by reason", search: { state: "queued", group: "reason" } },
  { name: "Running, by owner", search: { state: "starting,running", group: "owner" } },
];

function stored(): View[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter((view): view is View => typeof view?.name === "string" && typeof view?.search === "object").slice(0, MAX_VIEWS);
  } catch {
    // Storage may be switched off, or hold what another version wrote.
    return [];
  }
}

function store(views: View[]) {
  try {
    localStorage.setItem(KEY, JSON.stringify(views));
  } catch {
    // They hold until the page is closed.
  }
}

export function Views({ search }: { search: JobsSearch }) {
  const navigate = useNavigate();
  const [own, setOwn] = useState(stored);
  const [asking, setAsking] = useState<"save" | "manage" | null>(null);
  const open = (view: View) => void navigate({ to: "/jobs", search: view.search });
  const keep = (views: View[]) => {
    setOwn(views);
    store(views);
  };
  return (
    <>
      <Menu openAtOnce button={{ name: "Views", className: ICON_BUTTON, content: <Bookmark size={16} /> }}>
        {[...own, ...USUAL].map((view) => <MenuItem key={view.name} onSelect={() => open(view)}>{view.name}</MenuItem>)}
        <MenuSeparator />
        <MenuItem onSelect={() => setAsking("save")} disabledReason={own.length >= MAX_VIEWS ? "There are 50 already." : null}>Save this view…</MenuItem>
        {own.length > 0 && <MenuItem onSelect={() => setAsking("manage")}>Remove views…</MenuItem>}
      </Menu>
      {asking === "save" && (
        <SaveView
          taken={[...own, ...USUAL].map((view) => view.name)}
          save={(name) => {
            keep([{ name, search }, ...own]);
            setAsking(null);
          }}
          close={() => setAsking(null)}
        />
      )}
      {asking === "manage" && (
        <Dialog open onClose={() => setAsking(null)} title="Your views">
          <ul className="divide-y">
            {own.map((view) => (
              <li key={view.name} className="flex items-center gap-3 py-2">
                <Link to="/jobs" search={view.search} className="min-w-0 flex-1 truncate hover:text-accent">{view.name}</Link>
                <IconButton label={`Remove ${view.name}`} onClick={() => keep(own.filter((one) => one !== view))}>
                  <Trash2 size={15} />
                </IconButton>
              </li>
            ))}
            {own.length === 0 && <li className="py-2 text-sm text-ink-soft">None is left.</li>}
          </ul>
        </Dialog>
      )}
    </>
  );
}

function SaveView({ taken, save, close }: { taken: readonly string[]; save: (name: string) => void; close: () => void }) {
  const [name, setName] = useState("");
  const wanted = name.trim();
  const isTaken = taken.includes(wanted);
  function send(event: FormEvent) {
    event.preventDefault();
    if (wanted && !isTaken) save(wanted);
  }
  return (
    <Dialog open onClose={close} title="Save this view" description="Filters, grouping, order and columns, kept in this browser.">
      <form onSubmit={send} className="space-y-4">
        <TextField label="Name" autoFocus maxLength={60} value={name} error={isTaken ? "is the name of another view" : undefined} onChange={(event) => setName(event.target.value)} />
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Do not save</Button>
          <Button type="submit" look="primary" disabledReason={wanted ? (isTaken ? "The name is taken." : null) : "The name is missing."}>Save the view</Button>
        </div>
      </form>
    </Dialog>
  );
}
