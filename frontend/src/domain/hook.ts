/// Words for hooks and what they are sent.
import type { Delivery, DeliveryState, Hook } from "@/api/admin-types";
import type { JobState } from "@/api/types";
import type { Look } from "@/domain/looks";

/** States that a hook may be told of. */
export const HOOK_EVENTS = ["running", "held", "succeeded", "failed", "cancelled"] as const satisfies readonly JobState[];

const ON: Look = { word: "On", tone: "good", shape: "dot" };
const OFF: Look = { word: "Off", tone: "idle", shape: "slash" };

export const hookLook = (hook: Pick<Hook, "enabled">): Look => (hook.enabled ? ON : OFF);

export const deliveryLook: Record<DeliveryState, Look> = {
  pending: { word: "Pending", tone: "info", shape: "dashed" },
  delivered: { word: "Delivered", tone: "good", shape: "check" },
  "given-up": { word: "Given up", tone: "bad", shape: "cross" },
};

/** What the receiver said, or why it said nothing. */
export function answerText(delivery: Delivery): string {
  if (delivery.last_error) return delivery.last_error;
  return delivery.status ? `answered ${delivery.status}` : delivery.tries === 0 ? "not sent yet" : "";
}
