/// A form in a dialog: the server's words stand at the fields that they are about, and above all others.
import type { FormEvent, ReactNode } from "react";

import { ApiError, explain } from "@/api/errors";

import { Button } from "./button";
import { FormError } from "./field";

/** What the server said about a field, by the path that it names; a longer path belongs to its beginning. */
export function fieldErrors(error: Error | null): (path: string) => string | undefined {
  const fields = error instanceof ApiError ? error.fields : [];
  return (path) => {
    const about = fields.filter((field) => field.path === path || field.path.startsWith(`${path}.`) || field.path.startsWith(`${path}[`));
    return about.length > 0 ? about.map((field) => field.message).join("; ") : undefined;
  };
}

export function Form({
  error,
  known,
  busy,
  action,
  keep = "Close",
  disabledReason,
  danger = false,
  onSubmit,
  onClose,
  children,
}: {
  error: Error | null;
  /** Paths that a field of this form shows itself; what is said of others stands on top. */
  known: readonly string[];
  busy: boolean;
  action: string;
  keep?: string;
  disabledReason?: string | null;
  danger?: boolean;
  onSubmit: () => void;
  onClose?: () => void;
  children: ReactNode;
}) {
  const fields = error instanceof ApiError ? error.fields : [];
  const others = fields.filter((field) => !known.some((path) => field.path === path || field.path.startsWith(`${path}.`) || field.path.startsWith(`${path}[`)));
  return (
    <form
      noValidate
      className="space-y-4"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (!busy && !disabledReason) onSubmit();
      }}
    >
      {error && fields.length === 0 && <FormError>{explain(error).detail}</FormError>}
      {others.length > 0 && <FormError>{others.map((field) => `${field.path}: ${field.message}`).join("; ")}</FormError>}
      {children}
      <div className="flex justify-end gap-2">
        {onClose && <Button onClick={onClose}>{keep}</Button>}
        <Button type="submit" look={danger ? "danger" : "primary"} busy={busy} {...(disabledReason && { disabledReason })}>
          {action}
        </Button>
      </div>
    </form>
  );
}

/** Several of a few, each with a box. */
export function Checks<T extends string>({
  label,
  hint,
  error,
  options,
  chosen,
  onChange,
}: {
  label: string;
  hint?: string;
  error?: string | undefined;
  options: readonly { value: T; text: string; means?: string }[];
  chosen: readonly T[];
  onChange: (chosen: T[]) => void;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      <div className="flex flex-wrap gap-x-5 gap-y-1">
        {options.map((option) => (
          <label key={option.value} className="flex min-h-7 items-center gap-2 text-base">
            <input
              type="checkbox"
              className="size-4 shrink-0 accent-accent-solid"
              checked={chosen.includes(option.value)}
              onChange={(event) =>
                onChange(event.target.checked ? [...chosen, option.value] : chosen.filter((one) => one !== option.value))
              }
            />
            <span className="min-w-0 break-words">
              {option.text}
              {option.means && <span className="block text-xs text-ink-faint">{option.means}</span>}
            </span>
          </label>
        ))}
        {options.length === 0 && <p className="text-sm text-ink-faint">None to choose from.</p>}
      </div>
      {(error ?? hint) && (
        <p role={error ? "alert" : undefined} className={`mt-1 text-xs ${error ? "text-bad" : "text-ink-faint"}`}>
          {error ?? hint}
        </p>
      )}
    </fieldset>
  );
}
