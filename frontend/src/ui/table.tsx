/// Tables that stay tables for screen readers and become cards on a phone.
import type { ReactNode } from "react";

export interface Column<Row> {
  head: string;
  cell: (row: Row) => ReactNode;
  /** Right-aligned, for numbers. */
  number?: boolean;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Takes what room there is. */
  grow?: boolean;
}

export function Table<Row>({
  label,
  columns,
  rows,
  rowKey,
}: {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}) {
  // The last one that a phone shows ends where the card's other contents do.
  const lastNarrow = columns.findLast((column) => !column.wide);
  const cellClass = (column: Column<Row>) =>
    `px-3 first:pl-4 last:pr-4 md:px-4 ${column.number ? "text-right" : "text-left"} ${column.wide ? "max-md:hidden" : ""} ${column === lastNarrow ? "max-md:pr-4" : ""} ${column.grow ? "w-full" : "whitespace-nowrap"}`;
  return (
    <div className="overflow-x-auto rounded-b-xl" tabIndex={0} role="region" aria-label={label}>
      <table className="w-full border-collapse text-base">
        <thead>
          <tr className="border-b">
            {columns.map((column) => (
              <th key={column.head} scope="col" className={`h-9 text-xs font-medium text-ink-faint ${cellClass(column)}`}>
                {column.head || <span className="sr-only">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {rows.map((row) => (
            <tr key={rowKey(row)} className="transition-colors hover:bg-hover/60">
              {columns.map((column) => (
                <td key={column.head} className={`py-2.5 ${cellClass(column)}`}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
