/// The registry of pages: the side bar, the palette and the shortcuts are made from it.
import { Boxes, KeyRound, LayoutDashboard, ListOrdered, type LucideIcon, Server, Users } from "lucide-react";

export interface NavItem {
  to: "/" | "/jobs" | "/queues" | "/nodes" | "/users" | "/api-keys";
  name: string;
  icon: LucideIcon;
  shortcut: string;
  section: "Work" | "Access";
}

export const NAV: readonly NavItem[] = [
  { to: "/", name: "Dashboard", icon: LayoutDashboard, shortcut: "g d", section: "Work" },
  { to: "/jobs", name: "Jobs", icon: Boxes, shortcut: "g j", section: "Work" },
  { to: "/queues", name: "Queues", icon: ListOrdered, shortcut: "g q", section: "Work" },
  { to: "/nodes", name: "Nodes", icon: Server, shortcut: "g n", section: "Work" },
  { to: "/users", name: "Users", icon: Users, shortcut: "g u", section: "Access" },
  { to: "/api-keys", name: "API keys", icon: KeyRound, shortcut: "g k", section: "Access" },
];
