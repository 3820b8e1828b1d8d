/// Who changed what. The entries are chained, so that a change of the past can be found out.
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useState } from "react";

import { adminQueries, useVerifyAudit } from "@/api/admin";
import type { AuditEntry } from "@/api/admin-types";
import { explain } from "@/api/errors";
import { adminOnly } from "@/domain/roles";
import { exact, plural } from "@/lib/format";
import { Button } from "@/ui/button";
import { inputClass } from "@/ui/field";
import { Broken, Card, Empty, PageHead, SkeletonRows, Time } from "@/ui/parts";

const route = getRouteApi("/app/audit");

export function AuditPage() {
  return (
    <>
      <PageHead title="Audit" note="Every change that somebody made, the latest first. Nobody can alter it unseen.">
        <Verify />
      </PageHead>
      <Filters />
      <Entries />
    </>
  );
}

function Verify() {
  const verify = useVerifyAudit();
  const check = verify.data;
  return (
    <>
      {check && (
        <p role="status" className={`flex items-center gap-2 text-sm ${check.valid ? "text-good" : "font-medium text-bad"}`}>
          {check.valid ? <ShieldCheck size={16} aria-hidden /> : <ShieldAlert size={16} aria-hidden />}
          {check.valid ? `${plural(check.checked_to, "entry", "entries")} checked: none is changed or missing` : `Entry ${check.first_broken} is changed or missing`}
        </p>
      )}
      {verify.isError && <p role="alert" className="text-sm text-bad">{explain(verify.error).detail}</p>}
      <Button icon={<ShieldCheck size={14} aria-hidden />} disabledReason={adminOnly("checks the log")} busy={verify.isPending} onClick={() => verify.mutate(undefined)}>
        {verify.isPending ? "Checking…" : "Check the chain"}
      </Button>
    </>
  );
}

const FIELDS = [
  ["actor", "Who", "user:ada"],
  ["action", "What", "queue.update"],
  ["object", "Of what", "queue:research"],
] as const;

function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (name: "actor" | "action" | "object", value: string) =>
    void navigate({ search: (kept) => ({ ...kept, [name]: value || undefined }), replace: true });
  return (
    <div className="mb-4 grid grid-cols-1 gap-2 sm:grid-cols-3">
      {FIELDS.map(([name, label, example]) => (
        <input
          key={name}
          type="search"
          aria-label={label}
          placeholder={`${label}: ${example}`}
          spellCheck={false}
          value={search[name] ?? ""}
          onChange={(event) => set(name, event.target.value.trim())}
          className={inputClass}
        />
      ))}
    </div>
  );
}

function Entries() {
  const search = route.useSearch();
  const entries = useInfiniteQuery(adminQueries.audit(search));
  const items = entries.data?.pages.flatMap((page) => page.items);
  const isFiltered = Object.values(search).some(Boolean);
  return (
    <Card>
      {entries.isPending && <SkeletonRows rows={6} />}
      {entries.isError && !items && <Broken error={entries.error} retry={() => void entries.refetch()} />}
      {items?.length === 0 && (
        <Empty title={isFiltered ? "No entry matches" : "Nothing was changed yet"}>
          {isFiltered ? "The filters mean whole words, as they stand in the list." : "Logins, submissions and every change by a person will stand here."}
        </Empty>
      )}
      {items && items.length > 0 && (
        <ol aria-label="Changes, the latest first" className="divide-y">
          {items.map((entry) => <Entry key={entry.sequence} entry={entry} />)}
        </ol>
      )}
      {entries.hasNextPage && (
        <div className="border-t p-3 text-center">
          <Button look="quiet" busy={entries.isFetchingNextPage} onClick={() => void entries.fetchNextPage()}>Older entries</Button>
        </div>
      )}
    </Card>
  );
}

// What is far below is not laid out, however long the list has become.
const ROW = "grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-0.5 px-4 py-2.5 text-sm [contain-intrinsic-size:auto_2.75rem] [content-visibility:auto] md:grid-cols-[8rem_10rem_minmax(0,1fr)_6rem]";

function Entry({ entry }: { entry: AuditEntry }) {
  const [open, setOpen] = useState(false);
  const details = JSON.stringify(entry.details);
  const hasMore = details !== undefined && details !== "{}" && details !== "null";
  return (
    <li>
      <div className={ROW}>
        <span className="truncate font-medium" title={entry.actor}>{entry.actor.replace(/^user:/, "")}</span>
        <span className="truncate font-mono text-xs leading-5 text-ink-soft max-md:order-3">{entry.action}</span>
        <span className="flex min-w-0 items-baseline gap-2 max-md:order-4 max-md:col-span-2">
          <span className="min-w-0 font-mono text-xs max-md:truncate md:break-all" title={entry.object}>{entry.object}</span>
          {hasMore && (
            <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} className="shrink-0 text-xs text-accent hover:underline">
              {open ? "less" : "details"}
              <span className="sr-only">{` of entry ${entry.sequence}`}</span>
            </button>
          )}
        </span>
        <span className="text-right text-xs text-ink-faint" title={`Entry ${entry.sequence}, ${exact(entry.at)}`}><Time at={entry.at} /></span>
      </div>
      {open && (
        <pre tabIndex={0} className="max-h-72 overflow-auto border-t bg-log px-4 py-3 font-mono text-xs break-words whitespace-pre-wrap">
          {JSON.stringify(entry.details, null, 2)}
        </pre>
      )}
    </li>
  );
}
