/// What is done less often, behind three dots. An action that is not possible says why and stays where it is.
import { MoreHorizontal } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

import { IconButton } from "./button";

export interface MenuAction {
  text: string;
  icon?: ReactNode;
  danger?: boolean;
  disabledReason?: string | null;
  run: () => void;
}

export function MoreMenu({ label, actions }: { label: string; actions: readonly MenuAction[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton label={label} className="data-[state=open]:bg-hover data-[state=open]:text-ink">
          <MoreHorizontal size={16} aria-hidden />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-w-72 min-w-44 rounded-xl border bg-panel p-1 shadow-float focus:outline-none"
        >
          {actions.map((action) => (
            <DropdownMenu.Item
              key={action.text}
              disabled={Boolean(action.disabledReason)}
              onSelect={action.run}
              className={
                "flex cursor-pointer items-start gap-2.5 rounded-lg px-2.5 py-1.5 text-sm outline-none select-none " +
                "data-[disabled]:cursor-not-allowed data-[highlighted]:bg-hover " +
                (action.danger ? "text-bad data-[highlighted]:bg-bad-soft" : "text-ink")
              }
            >
              {action.icon && <span className="mt-0.5 shrink-0 opacity-80">{action.icon}</span>}
              <span className="min-w-0">
                <span className={action.disabledReason ? "text-ink-faint" : ""}>{action.text}</span>
                {action.disabledReason && <span className="block text-xs text-ink-faint">{action.disabledReason}</span>}
              </span>
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
