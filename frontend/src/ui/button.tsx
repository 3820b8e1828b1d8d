/// Buttons. A button that cannot be used says why, and stays where it is.
import type { ButtonHTMLAttributes, ReactNode } from "react";

export type ButtonLook = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<ButtonLook, string> = {
  primary: "bg-accent-solid text-on-accent hover:bg-accent-solid-hover border-transparent font-medium shadow-card",
  plain: "bg-panel text-ink border-line-strong hover:bg-hover shadow-card",
  quiet: "border-transparent text-ink-soft hover:bg-hover hover:text-ink",
  danger: "bg-panel text-bad border-line-strong hover:bg-bad-soft shadow-card",
};

const FRAME =
  "inline-flex h-8 items-center justify-center gap-1.5 rounded-lg border px-3 text-sm whitespace-nowrap transition-colors " +
  "aria-disabled:cursor-not-allowed aria-disabled:opacity-55";

/** The classes of a button, for links that look like one. */
export function buttonClass(look: ButtonLook = "plain"): string {
  return `${FRAME} ${LOOKS[look]}`;
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: ButtonLook;
  icon?: ReactNode;
  /** Why it cannot be used now. */
  disabledReason?: string | null;
  busy?: boolean;
}

export function Button({ look = "plain", icon, disabledReason, busy, className = "", onClick, ...rest }: ButtonProps) {
  const off = Boolean(disabledReason) || busy === true;
  return (
    <button
      type="button"
      {...rest}
      // Focus must be able to rest on it, or its reason could not be read with a keyboard.
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      title={disabledReason ?? rest.title}
      onClick={(event) => (off ? event.preventDefault() : onClick?.(event))}
      className={`${buttonClass(look)} ${className}`}
    >
      {icon}
      {rest.children}
      {disabledReason && <span className="sr-only">({disabledReason})</span>}
    </button>
  );
}

/** The classes of an icon button, for what is one by other means. */
export const ICON_BUTTON =
  "inline-flex size-8 shrink-0 items-center justify-center rounded-lg text-ink-soft transition-colors " +
  "hover:bg-hover hover:text-ink aria-pressed:bg-accent-soft aria-pressed:text-accent";

/** A square button with an icon and a name for those who do not see it. */
export function IconButton({ label, className = "", ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`${ICON_BUTTON} ${className}`}
    />
  );
}
