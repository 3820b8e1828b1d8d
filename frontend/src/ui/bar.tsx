/// An amount in words over a thin bar: a meter for the cell of a table.
export function Bar({ part, text, className = "w-32" }: { part: number; text: string; className?: string }) {
  return (
    <span className={`block ${className}`}>
      <span className="block truncate text-xs text-ink-soft">{text}</span>
      <span aria-hidden className="mt-1 block h-1 overflow-hidden rounded-full bg-line">
        <span className="block h-full rounded-full bg-accent-solid" style={{ width: `${Math.min(Math.max(part, 0), 1) * 100}%` }} />
      </span>
    </span>
  );
}
