/// Words for people and their keys.
import type { Scope } from "@/api/admin-types";
import type { Role } from "@/api/types";
import type { Look } from "@/domain/looks";

export const ROLES: Record<Role, { text: string; means: string }> = {
  viewer: { text: "Viewer", means: "Sees what their teams do, changes nothing." },
  member: { text: "Member", means: "Submits jobs and controls their own." },
  admin: { text: "Admin", means: "Does everything." },
};

export const SCOPES: Record<Scope, { text: string; means: string }> = {
  read: { text: "Read", means: "See what a viewer sees" },
  write: { text: "Write", means: "Do what a member does" },
  admin: { text: "Admin", means: "Do what an administrator does" },
  account: { text: "Account", means: "Change your keys, password and profile" },
};

export const ACTIVE: Look = { word: "Active", tone: "good", shape: "dot" };
export const DISABLED: Look = { word: "Disabled", tone: "idle", shape: "slash" };
export const EXPIRED: Look = { word: "Expired", tone: "bad", shape: "slash" };
