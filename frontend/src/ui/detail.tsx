/// The head of a page about one thing: the way back, its name, its state with the reason, and what can be done.
import { Link, type LinkProps } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import type { ReactNode } from "react";

import type { Look } from "@/domain/looks";
import { sentence } from "@/lib/format";

import { StateMark } from "./state-mark";

export function DetailHead({
  up,
  title,
  look,
  reason,
  note,
  children,
}: {
  up: { to: LinkProps["to"]; text: string };
  title: string;
  look?: Look;
  /** Why it is in this state. */
  reason?: string;
  note?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <header className="mb-6">
      <title>{`${title} · Lilac`}</title>
      <nav aria-label="Where this is" className="mb-1.5 flex items-center gap-1 text-sm text-ink-faint">
        <Link to={up.to} className="-ml-1 inline-flex items-center gap-0.5 hover:text-ink">
          <ChevronLeft size={14} aria-hidden />
          {up.text}
        </Link>
      </nav>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-72">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h1 className="min-w-0 text-xl font-semibold tracking-tight break-words">{title}</h1>
            {look && <StateMark look={look} soft />}
          </div>
          {reason && <p className="mt-1 max-w-prose text-sm break-words text-ink-soft">{sentence(reason)}</p>}
          {note && <div className="mt-1 text-sm break-words text-ink-soft">{note}</div>}
        </div>
        {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
      </div>
    </header>
  );
}

/** Name and value one above the other, for the narrow column. Values may be long and break. */
export function FactList({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="divide-y">
      {items.map(([name, value]) => (
        <div key={name} className="flex items-baseline justify-between gap-4 px-4 py-2.5 text-sm">
          <dt className="shrink-0 text-ink-faint">{name}</dt>
          <dd className="min-w-0 text-right break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Two columns on a wide screen: what changes on the left, what stays on the right. */
export function Columns({ main, side }: { main: ReactNode; side: ReactNode }) {
  return (
    <div className="grid grid-cols-1 gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
      <div className="min-w-0 space-y-5">{main}</div>
      <div className="min-w-0 space-y-5">{side}</div>
    </div>
  );
}

/** A line in place of a list with nothing in it, where it says all there is to say. */
export function Nothing({ children }: { children: ReactNode }) {
  return <p className="px-4 py-4 text-sm text-ink-soft">{children}</p>;
}
