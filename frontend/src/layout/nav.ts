/// The registry of pages: the side bar, the palette and the shortcuts are made from it.
import {
  Boxes,
  CalendarClock,
  Database,
  HardDrive,
  KeyRound,
  LayoutDashboard,
  ListOrdered,
  LockKeyhole,
  type LucideIcon,
  Network,
  ScrollText,
  Server,
  Settings,
  UserRound,
  Users,
  Webhook,
} from "lucide-react";

export interface NavItem {
  to:
    | "/"
    | "/jobs"
    | "/queues"
    | "/nodes"
    | "/users"
    | "/api-keys"
    | "/clusters"
    | "/schedules"
    | "/volumes"
    | "/secrets"
    | "/registries"
    | "/hooks"
    | "/teams"
    | "/audit"
    | "/settings";
  name: string;
  icon: LucideIcon;
  shortcut: string;
  /** What belongs to the account is reached from there. */
  section: "Work" | "Machines" | "Shared" | "Access" | "Account";
}

export const NAV: readonly NavItem[] = [
  { to: "/", name: "Dashboard", icon: LayoutDashboard, shortcut: "g d", section: "Work" },
  { to: "/jobs", name: "Jobs", icon: Boxes, shortcut: "g j", section: "Work" },
  { to: "/queues", name: "Queues", icon: ListOrdered, shortcut: "g q", section: "Work" },
  { to: "/schedules", name: "Schedules", icon: CalendarClock, shortcut: "g e", section: "Work" },
  { to: "/nodes", name: "Nodes", icon: Server, shortcut: "g n", section: "Machines" },
  { to: "/clusters", name: "Clusters", icon: Network, shortcut: "g c", section: "Machines" },
  { to: "/volumes", name: "Volumes", icon: HardDrive, shortcut: "g v", section: "Machines" },
  { to: "/secrets", name: "Secrets", icon: LockKeyhole, shortcut: "g s", section: "Shared" },
  { to: "/registries", name: "Registries", icon: Database, shortcut: "g r", section: "Shared" },
  { to: "/hooks", name: "Hooks", icon: Webhook, shortcut: "g h", section: "Shared" },
  { to: "/users", name: "Users", icon: UserRound, shortcut: "g u", section: "Access" },
  { to: "/teams", name: "Teams", icon: Users, shortcut: "g t", section: "Access" },
  { to: "/api-keys", name: "API keys", icon: KeyRound, shortcut: "g k", section: "Access" },
  { to: "/audit", name: "Audit", icon: ScrollText, shortcut: "g a", section: "Access" },
  { to: "/settings", name: "Settings", icon: Settings, shortcut: "g p", section: "Account" },
];
