/// A list of the server's in a card: grey rows while it comes, a sentence when it broke, what to do when it is empty.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Broken, Card, SkeletonRows } from "./parts";
import { type Column, Table } from "./table";

export function Listing<Row>({
  query,
  label,
  title,
  aside,
  columns,
  rowKey,
  empty,
}: {
  query: Pick<UseQueryResult<{ items: Row[]; next_cursor?: string | null }>, "data" | "error" | "isPending" | "isError" | "refetch">;
  label: string;
  title?: string;
  aside?: ReactNode;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
}) {
  const rows = query.data?.items;
  return (
    <Card {...(title && { title })} aside={aside}>
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && !rows && <Broken error={query.error} retry={() => void query.refetch()} />}
      {rows?.length === 0 && empty}
      {rows && rows.length > 0 && <Table label={label} columns={columns} rows={rows} rowKey={rowKey} />}
      {query.data?.next_cursor && (
        <p className="border-t px-4 py-2.5 text-xs text-ink-faint">
          {`The first ${rows?.length.toLocaleString()} are shown; the command line lists them all.`}
        </p>
      )}
    </Card>
  );
}
