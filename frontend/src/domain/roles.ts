/// Who may do what, in the words in which a button says why not.
import { currentUser } from "@/api/session";

/** Why only an administrator may; null for one. */
export function adminOnly(what: string): string | null {
  return currentUser()?.role === "admin" ? null : `Only an administrator ${what}.`;
}

/** Why a viewer may not; null for others. */
export function memberOnly(): string | null {
  return currentUser()?.role === "viewer" ? "Your role may look, not act." : null;
}
