/// What stands beside every page: navigation, live mark, theme and account.
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { LogOut, Monitor, Moon, Plus, Search, Sun } from "lucide-react";

import { useLiveStatus } from "@/api/live";
import { currentUser, logout } from "@/api/session";
import { setTheme, type Theme, THEMES, useTheme } from "@/lib/theme";
import { buttonClass, IconButton } from "@/ui/button";
import { Kbd } from "@/ui/parts";

import { Blossom } from "./brand";
import { NAV, type NavItem } from "./nav";

export function SideBar({ onSearch, onNavigate }: { onSearch: () => void; onNavigate?: () => void }) {
  return (
    <>
      <div className="flex h-9 items-center justify-between px-2">
        <Link to="/" onClick={onNavigate} className="flex items-center gap-2 text-lg font-semibold tracking-tight">
          <Blossom /> Lilac
        </Link>
      </div>
      <button
        type="button"
        onClick={onSearch}
        className="mt-4 flex h-8 items-center gap-2 rounded-lg border bg-panel px-2.5 text-sm text-ink-faint shadow-card hover:border-line-strong hover:text-ink-soft"
      >
        <Search size={14} aria-hidden />
        <span className="flex-1 text-left">Search</span>
        <Kbd>Ctrl K</Kbd>
      </button>
      <Link to="/jobs/new" onClick={onNavigate} className={`${buttonClass("primary")} mt-2`}>
        <Plus size={15} aria-hidden /> Submit a job
      </Link>
      <nav aria-label="Pages" className="mt-4 flex-1 space-y-4 overflow-y-auto">
        <NavSection name="Work" onNavigate={onNavigate} />
        <NavSection name="Machines" onNavigate={onNavigate} />
        <NavSection name="Shared" onNavigate={onNavigate} />
        <NavSection name="Access" onNavigate={onNavigate} />
      </nav>
      <div className="space-y-2 border-t pt-3">
        <div className="flex items-center justify-between gap-2 px-1">
          <LiveMark words />
          <ThemeSwitch />
        </div>
        <Account onNavigate={onNavigate} />
      </div>
    </>
  );
}

function NavSection({ name, onNavigate }: { name: NavItem["section"]; onNavigate?: () => void }) {
  return (
    <div>
      <p className="mb-1 px-2.5 text-xs font-medium text-ink-faint">{name}</p>
      <ul className="space-y-px">
        {NAV.filter((item) => item.section === name).map((item) => (
          <li key={item.to}>
            <Link
              to={item.to}
              onClick={onNavigate}
              activeOptions={{ exact: item.to === "/", includeSearch: false }}
              className="group flex h-8 items-center gap-2.5 rounded-lg px-2.5 text-base transition-colors hover:bg-hover"
              activeProps={{ className: "bg-accent-soft font-medium text-accent", "aria-current": "page" }}
              inactiveProps={{ className: "text-ink-soft hover:text-ink" }}
            >
              <item.icon size={16} strokeWidth={1.8} aria-hidden />
              <span className="flex-1">{item.name}</span>
              <span aria-hidden className="hidden text-xs text-ink-faint group-hover:inline">
                {item.shortcut}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Whether what is on the screen is fed by the server at this moment. */
export function LiveMark({ words = false }: { words?: boolean }) {
  const status = useLiveStatus();
  const look = {
    live: { dot: "bg-good", word: "Live", title: "Changes appear as they happen." },
    connecting: { dot: "bg-idle", word: "Connecting", title: "Waiting for the server." },
    stale: { dot: "bg-warn animate-breathe", word: "Stale", title: "The connection broke; what you see may be old. Trying again." },
  }[status];
  return (
    <p role="status" title={look.title} className={`flex items-center gap-2 text-sm ${status === "stale" ? "font-medium text-warn" : "text-ink-soft"}`}>
      <span aria-hidden className={`size-2 ${status === "stale" ? "rotate-45 rounded-[2px]" : "rounded-full"} ${look.dot}`} />
      <span className={words || status === "stale" ? "" : "sr-only"}>{look.word}</span>
    </p>
  );
}

const THEME_ICONS: Record<Theme, typeof Sun> = { system: Monitor, light: Sun, dark: Moon };

function ThemeSwitch() {
  const theme = useTheme();
  return (
    <div role="group" aria-label="Theme" className="flex rounded-lg border bg-raised p-0.5">
      {THEMES.map((choice) => {
        const Icon = THEME_ICONS[choice];
        return (
          <button
            key={choice}
            type="button"
            aria-pressed={theme === choice}
            aria-label={`${choice} theme`}
            title={`${choice} theme`}
            onClick={() => setTheme(choice)}
            className="inline-flex size-6 items-center justify-center rounded-md text-ink-faint hover:text-ink aria-pressed:bg-panel aria-pressed:text-ink aria-pressed:shadow-card"
          >
            <Icon size={13} aria-hidden />
          </button>
        );
      })}
    </div>
  );
}

function Account({ onNavigate }: { onNavigate?: (() => void) | undefined }) {
  const user = currentUser();
  const client = useQueryClient();
  const navigate = useNavigate();
  if (!user) return null;
  return (
    <div className="flex items-center gap-2.5 px-1">
      <Link to="/settings" onClick={onNavigate} title="Settings" className="-m-1 flex min-w-0 flex-1 items-center gap-2.5 rounded-lg p-1 hover:bg-hover">
        <span aria-hidden className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent-soft text-sm font-semibold text-accent uppercase">
          {user.username.charAt(0)}
        </span>
        <div className="min-w-0 flex-1 leading-4">
          <p className="truncate text-sm font-medium">{user.username}</p>
          <p className="text-xs text-ink-faint">{user.role}</p>
        </div>
      </Link>
      <IconButton
        label="Log out"
        onClick={() => {
          void logout().finally(() => {
            client.clear();
            return navigate({ to: "/login", search: {} });
          });
        }}
      >
        <LogOut size={15} />
      </IconButton>
    </div>
  );
}
