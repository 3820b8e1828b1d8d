/// A menu's machinery, which is fetched when the first one is opened.
import { DropdownMenu } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

/** The menu of a button that was just pressed. */
export function OpenMenu({ button, children }: { button: ReactElement; children: ReactNode }) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{button}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={6} className="z-50 max-h-96 min-w-44 overflow-y-auto rounded-xl border bg-panel p-1 shadow-float">
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface ItemProps {
  icon?: ReactNode;
  disabledReason?: string | null;
  /** Takes something away that does not come back. */
  danger?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

/** An action that cannot be done stays where it is, and says why. */
export function Item({ icon, disabledReason, danger = false, onSelect, children }: ItemProps) {
  const look = danger && !disabledReason ? "text-bad data-highlighted:bg-bad-soft" : "text-ink-soft data-highlighted:bg-accent-soft data-highlighted:text-ink";
  return (
    <DropdownMenu.Item
      aria-disabled={disabledReason ? true : undefined}
      title={disabledReason ?? undefined}
      onSelect={(event) => (disabledReason ? event.preventDefault() : onSelect())}
      className={`flex min-h-8 cursor-pointer items-center gap-2.5 rounded-lg px-2.5 py-1 text-base outline-none aria-disabled:cursor-not-allowed ${look}`}
    >
      {icon && <span aria-hidden className="shrink-0 opacity-80">{icon}</span>}
      <span className="min-w-0">
        <span className={disabledReason ? "text-ink-faint" : ""}>{children}</span>
        {disabledReason && <span className="block max-w-52 text-xs text-ink-faint">{disabledReason}</span>}
      </span>
    </DropdownMenu.Item>
  );
}

/** A choice that is on or off; the menu stays open. */
export function Check({ checked, onChange, children }: { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode }) {
  return (
    <DropdownMenu.CheckboxItem
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
      className="flex h-8 cursor-pointer items-center gap-2.5 rounded-lg px-2.5 text-base text-ink-soft outline-none data-highlighted:bg-accent-soft data-highlighted:text-ink"
    >
      <span aria-hidden className={`flex size-4 items-center justify-center rounded border text-[0.65rem] ${checked ? "border-accent-solid bg-accent-solid text-on-accent" : "border-line-strong"}`}>
        {checked && "✓"}
      </span>
      {children}
    </DropdownMenu.CheckboxItem>
  );
}

export function Separator() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
