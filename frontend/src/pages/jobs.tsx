/// Every job, newest first: filtered, grouped and laid out by the URL, live, virtualised, changed many at a time.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";

import { type JobFilter, jobQueries } from "@/api/job-queries";
import type { Job } from "@/api/types";
import { shellQuote } from "@/lib/format";
import type { JobsSearch } from "@/router";
import { Button, buttonClass } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { CopyMenu } from "@/ui/copy-menu";
import { columnsOf } from "@/ui/job-rows";
import { Broken, Card, Empty, PageHead, SkeletonRows } from "@/ui/parts";

import { Filters } from "./jobs/filters";
import { Rows } from "./jobs/rows";
import { useSelection } from "./jobs/selection";
import { useJobPages } from "./jobs/use-pages";

// What not everybody wants at first sight comes when it is wanted.
const Groups = lazy(() => import("./jobs/groups").then((module) => ({ default: module.Groups })));
const SelectionBar = lazy(() => import("./jobs/selection-bar").then((module) => ({ default: module.SelectionBar })));

const route = getRouteApi("/app/jobs");

/** What the address says, as the API asks for it. A text with `=` in it is a label. */
export function filterOf(search: JobsSearch): JobFilter {
  const wanted = search.q?.trim().slice(0, 128);
  const label = wanted?.includes("=") ? [search.label, wanted].filter(Boolean).join(",") : search.label;
  const { state, queue, owner, team, node, reason, array, sort } = search;
  const filter = { state, queue, owner, team, node, reason, array, sort, label, text: wanted && !wanted.includes("=") ? wanted : undefined };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

export function JobsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = useMemo(() => filterOf(search), [search]);
  const counts = useQuery(jobQueries.counts(filter));
  const matching = Object.values(counts.data?.by_state ?? {}).reduce((sum, count) => sum + count, 0);
  const change = (part: Partial<JobsSearch>) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true });

  return (
    <>
      <PageHead title="Jobs" note={counts.data && `${matching.toLocaleString()} ${Object.keys(filter).length > 0 ? "match" : "in all"}`}>
        <CopyMenu choices={asText(filter)} />
        <Link to="/jobs/new" className={`${buttonClass("primary")} lg:hidden`}>
          <Plus size={15} aria-hidden /> Submit a job
        </Link>
      </PageHead>
      <Filters search={search} change={change} />
      {search.group ? (
        <Suspense fallback={<Card><SkeletonRows rows={6} /></Card>}>
          <Groups by={search.group} filter={filter} change={change} />
        </Suspense>
      ) : (
        <List key={JSON.stringify(filter)} filter={filter} cols={search.cols} matching={matching} clear={() => void navigate({ search: {}, replace: true })} />
      )}
    </>
  );
}

/** The same list from elsewhere. */
function asText(filter: JobFilter): [string, () => string][] {
  const pairs = Object.entries(filter).map(([name, value]) => [name, String(value)] as const);
  const query = new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString();
  const flags = pairs.map(([name, value]) => `--${name} ${shellQuote(value)}`);
  const address = `${location.origin}/api/v1/jobs${query && `?${query}`}`;
  return [
    ["Command line", () => ["lilac_cli ls", ...flags].join(" ")],
    ["curl", () => `curl --fail-with-body ${shellQuote(address)} -H "Authorization: Bearer $LILAC_TOKEN"`],
    ["Address", () => location.href],
  ];
}

interface ListProps {
  filter: JobFilter;
  cols: string | undefined;
  matching: number;
  clear: () => void;
}

function List({ filter, cols, matching, clear }: ListProps) {
  const pages = useJobPages(filter);
  // What "all that are shown" means: what has been read of the beginning.
  const selection = useSelection(() => {
    const first: Job[] = [];
    for (let at = 0; at < Math.min(pages.count, 100); at += 1) {
      const job = pages.rowAt(at);
      if (job) first.push(job);
    }
    return first;
  });
  return (
    <>
      <Card>
        {pages.isPending && <SkeletonRows rows={10} />}
        {pages.error && <Broken error={pages.error} retry={pages.retry} />}
        {!pages.isPending && !pages.error && pages.count === 0 && <Nothing filter={filter} clear={clear} />}
        {pages.count > 0 && <Rows pages={pages} columns={columnsOf(cols)} selection={selection} />}
      </Card>
      <Suspense>{selection.size > 0 && <SelectionBar selection={selection} filter={filter} matching={matching} />}</Suspense>
    </>
  );
}

function Nothing({ filter, clear }: { filter: JobFilter; clear: () => void }) {
  if (Object.keys(filter).length > 0) {
    return (
      <Empty title="No job matches" action={<Button onClick={clear}>Clear the filters</Button>}>
        Jobs exist that these filters hide, or none has come yet.
        {filter.text !== undefined && " A text is looked for in the names of the newest 50,000 jobs."}
      </Empty>
    );
  }
  return (
    <Empty
      title="No job yet"
      action={<CommandBlock text="lilac_cli submit --name hello --image busybox --follow -- echo hello" />}
    >
      Submit one with the button, or from a terminal:
    </Empty>
  );
}
