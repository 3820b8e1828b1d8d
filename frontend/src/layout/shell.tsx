/// The frame round every page, its shortcuts, and the one stream that keeps all of them true.
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { Keyboard, Menu, Moon, Plus, Search, Server, Sun } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";

import { startLive } from "@/api/live";
import { useActions } from "@/lib/actions";
import { useActionKeys } from "@/lib/keys";
import { setTheme } from "@/lib/theme";
import { IconButton } from "@/ui/button";

import { Blossom } from "./brand";
import { NAV } from "./nav";
import { LiveMark, SideBar } from "./side-bar";

// These bring the machinery of dialogs with them, which the first sight of a page does not need.
const Palette = lazy(() => import("./palette").then((module) => ({ default: module.Palette })));
const KeyMap = lazy(() => import("./key-map").then((module) => ({ default: module.KeyMap })));
const MobileMenu = lazy(() => import("./mobile-menu").then((module) => ({ default: module.MobileMenu })));

export function Shell() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [paletteOpen, setPaletteOpen] = useState(false);
  const [menuOpen, setMenuOpen] = useState(false);

  useEffect(() => startLive(client), [client]);
  const [keysOpen, setKeysOpen] = useState(false);
  useActionKeys();
  useActions(
    "Go to",
    NAV.map((item) => ({ name: item.name, icon: item.icon, keys: item.shortcut, run: () => void navigate({ to: item.to }) })),
    "frame",
  );
  useActions("Anywhere", [
    { name: "Search", icon: Search, keys: "mod+k", run: () => setPaletteOpen(true) },
    { name: "Keyboard map", icon: Keyboard, keys: "?", run: () => setKeysOpen(true) },
    { name: "Submit a job", icon: Plus, keys: "c", run: () => void navigate({ to: "/jobs/new" }) },
    { name: "Add a node", icon: Server, run: () => void navigate({ to: "/nodes", search: { add: true } }) },
    { name: "Light theme", icon: Sun, run: () => setTheme("light") },
    { name: "Dark theme", icon: Moon, run: () => setTheme("dark") },
  ], "frame");

  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-panel focus:px-3 focus:py-2"
      >
        Skip to the content
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r bg-panel/60 p-3 lg:flex">
        <SideBar onSearch={() => setPaletteOpen(true)} />
      </aside>
      <header className="sticky top-0 z-30 flex h-13 items-center gap-2 border-b bg-panel/90 px-3 backdrop-blur lg:hidden">
        <Link to="/" className="flex items-center gap-2 px-1 font-semibold tracking-tight">
          <Blossom /> Lilac
        </Link>
        <div className="ml-auto flex items-center gap-1">
          <LiveMark />
          <IconButton label="Search" onClick={() => setPaletteOpen(true)}>
            <Search size={17} />
          </IconButton>
          <IconButton label="Menu" onClick={() => setMenuOpen(true)}>
            <Menu size={18} />
          </IconButton>
        </div>
      </header>
      <main id="main" className="mx-auto w-full max-w-7xl min-w-0 px-4 py-6 sm:px-6 lg:px-8 lg:py-7">
        <Outlet />
      </main>
      <Suspense>
        {menuOpen && <MobileMenu onClose={() => setMenuOpen(false)} onSearch={() => setPaletteOpen(true)} />}
        {keysOpen && <KeyMap onClose={() => setKeysOpen(false)} />}
        {paletteOpen && <Palette onClose={() => setPaletteOpen(false)} />}
      </Suspense>
    </div>
  );
}
