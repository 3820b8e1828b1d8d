/// Small parts that every page uses: page head, cards, skeletons, empty and broken states, times, meters.
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { explain } from "@/api/errors";
import { useNow } from "@/lib/clock";
import { exact, relative } from "@/lib/format";

import { Button } from "./button";

/** On a phone the note has a line of its own: beside a button it would be a narrow column of words. */
export function PageHead({ title, note, children }: { title: string; note?: ReactNode; children?: ReactNode }) {
  return (
    <header className="mb-6 grid grid-cols-[minmax(min-content,1fr)_auto] items-center gap-x-4 gap-y-1.5 sm:gap-y-0.5">
      <title>{`${title} · Lilac`}</title>
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      {note && <p className="col-span-2 text-sm text-ink-soft sm:col-span-1">{note}</p>}
      {children && <div className="col-start-2 row-start-1 flex flex-wrap items-center justify-end gap-2 sm:row-end-3">{children}</div>}
    </header>
  );
}

export function Card({
  title,
  aside,
  children,
  className = "",
}: {
  title?: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={`min-w-0 rounded-xl border bg-panel shadow-card ${className}`}>
      {title && (
        <div className="flex min-h-11 flex-wrap items-center gap-x-3 border-b px-4 py-1.5">
          <h2 className="min-w-0 grow text-sm font-semibold">{title}</h2>
          {aside && <div className="text-sm text-ink-faint">{aside}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function Skeleton({ className = "" }: { className?: string }) {
  return <div aria-hidden className={`animate-shimmer rounded-md bg-line ${className}`} />;
}

/** Rows of grey while the first answer is on its way. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center gap-6 px-4 py-3.5">
          <Skeleton className="h-3.5 w-20" />
          <Skeleton className="h-3.5 flex-1" />
          <Skeleton className="h-3.5 w-24" />
        </div>
      ))}
    </div>
  );
}

/** Nothing here yet: says so, and what to do about it. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <svg viewBox="0 0 24 24" width="30" height="30" aria-hidden className="mb-4 text-accent-line" fill="currentColor">
        <path d="M12 11.2C8.6 9.2 8.4 4.4 12 2.2c3.6 2.2 3.4 7 0 9z" />
        <path d="M12.8 12c2-3.4 6.8-3.6 9 0-2.2 3.6-7 3.4-9 0z" opacity=".7" />
        <path d="M12 12.800c3.4 2 3.6 6.8 0 9-3.6-2.2-3.4-7 0-9z" />
        <path d="M11.2 12c-2 3.4-6.8 3.6-9 0 2.2-3.6 7-3.4 9 0z" opacity=".7" />
      </svg>
      <p className="font-medium">{title}</p>
      {children && <div className="mt-1 max-w-lg text-sm text-ink-soft">{children}</div>}
      {action && <div className="mt-5 w-full max-w-xl">{action}</div>}
    </div>
  );
}

/** What went wrong, in the place where the data would be. */
export function Broken({ error, retry }: { error: unknown; retry?: () => void }) {
  const { title, detail } = explain(error);
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-12 text-center">
      <TriangleAlert size={26} className="mb-3 text-bad" aria-hidden />
      <p className="font-medium">{title}</p>
      <p className="mt-1 max-w-lg text-sm text-ink-soft">{detail}</p>
      {retry && (
        <Button className="mt-4" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A time as people say it; the exact one on hover. */
export function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact(at)} className="whitespace-nowrap">
      {relative(at, now)}
    </time>
  );
}

/** One amount against what there is. The held part is hatched, so it is told from the free part without colour. */
export function Meter({ label, used, total, text }: { label: string; used: number; total: number; text: string }) {
  const share = total > 0 ? Math.min(used / total, 1) : 0;
  return (
    <div>
      <div className="mb-1 flex items-baseline justify-between gap-2 text-xs">
        <span className="text-ink-faint">{label}</span>
        <span className="truncate text-ink-soft">{text}</span>
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={text}
        className="h-1.5 overflow-hidden rounded-full bg-line"
      >
        <div className="h-full rounded-full bg-accent-solid transition-[width] duration-500" style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="rounded border border-line-strong bg-raised px-1 font-mono text-[0.6875rem] leading-4 text-ink-faint">{children}</kbd>
  );
}

/** A label of a job or node. */
export function Tag({ children }: { children: ReactNode }) {
  return <span className="inline-block max-w-full truncate rounded-md border bg-raised px-1.5 font-mono text-xs leading-5 text-ink-soft">{children}</span>;
}

/** A row of name and value pairs. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-3">
      {items.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-xs text-ink-faint">{name}</dt>
          <dd className="mt-0.5 truncate text-base" title={typeof value === "string" ? value : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
