/// Fields of forms: label, control, hint and the server's own words about what it refused.
import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";

import { sentence } from "@/lib/format";

const CONTROL =
  "w-full rounded-lg border border-line-strong bg-panel px-3 text-base text-ink placeholder:text-ink-faint/80 " +
  "transition-colors hover:border-ink-faint/60 focus:border-accent-solid focus:outline-2 focus:outline-accent-solid/30 " +
  "focus:outline-offset-0 aria-invalid:border-bad";

export const inputClass = `${CONTROL} h-9`;

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  optional?: boolean;
}

interface Wiring {
  id: string;
  "aria-invalid"?: true;
  "aria-describedby"?: string;
}

function Frame({ label, hint, error, optional, children }: FieldProps & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const note = error ? sentence(error) : hint;
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1.5 flex items-baseline gap-2 text-sm font-medium text-ink">
        {label}
        {optional && <span className="text-xs font-normal text-ink-faint">optional</span>}
      </label>
      {children({
        id,
        ...(error && { "aria-invalid": true as const }),
        ...(note && { "aria-describedby": `${id}-note` }),
      })}
      {note && (
        <p id={`${id}-note`} role={error ? "alert" : undefined} className={`mt-1 text-xs ${error ? "text-bad" : "text-ink-faint"}`}>
          {note}
        </p>
      )}
    </div>
  );
}

type InputProps = FieldProps & InputHTMLAttributes<HTMLInputElement> & { mono?: boolean };

export function TextField({ label, hint, error, optional, mono, className = "", ...rest }: InputProps) {
  return (
    <Frame {...{ label, hint, error, optional }}>
      {(wiring) => (
        <input
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          {...rest}
          {...wiring}
          className={`${inputClass} ${mono ? "font-mono text-sm" : ""} ${className}`}
        />
      )}
    </Frame>
  );
}

type AreaProps = FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement>;

export function AreaField({ label, hint, error, optional, ...rest }: AreaProps) {
  return (
    <Frame {...{ label, hint, error, optional }}>
      {(wiring) => (
        <textarea spellCheck={false} {...rest} {...wiring} className={`${CONTROL} block min-h-20 py-2 font-mono text-sm leading-5`} />
      )}
    </Frame>
  );
}

type SelectProps = FieldProps & SelectHTMLAttributes<HTMLSelectElement>;

export function SelectField({ label, hint, error, optional, ...rest }: SelectProps) {
  return (
    <Frame {...{ label, hint, error, optional }}>
      {(wiring) => <select {...rest} {...wiring} className={`${inputClass} select pr-8`} />}
    </Frame>
  );
}

/** A choice between few, all of them in sight. */
export function Choice<T extends string>({
  label,
  hideLabel = false,
  value,
  options,
  onChange,
}: {
  label: string;
  hideLabel?: boolean;
  value: T;
  options: readonly { value: T; text: string }[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="min-w-0">
      <legend className={hideLabel ? "sr-only" : "mb-1.5 text-sm font-medium"}>{label}</legend>
      <div className="flex h-9 w-full rounded-lg border border-line bg-raised p-0.5">
        {options.map((option) => (
          <label
            key={option.value}
            className={
              "flex flex-1 cursor-pointer items-center justify-center rounded-md px-2 text-sm whitespace-nowrap text-ink-soft transition-colors hover:text-ink " +
              "has-checked:bg-panel has-checked:font-medium has-checked:text-ink has-checked:shadow-card " +
              "has-focus-visible:outline-2 has-focus-visible:outline-accent-solid"
            }
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** What the server refused that belongs to no field of the form. */
export function FormError({ children }: { children: ReactNode }) {
  return (
    <div role="alert" className="rounded-lg border border-bad/30 bg-bad-soft px-3 py-2 text-sm text-bad">
      {children}
    </div>
  );
}
