/// A job by form and as text, side by side: either follows the other as one types, and the server says what would
/// become of it.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { type FormEvent, lazy, Suspense, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { jobQueries } from "@/api/job-queries";
import { queries, useSubmitJob } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { JobSpec } from "@/api/types";
import { useActions } from "@/lib/actions";
import { useShortcuts } from "@/lib/keys";
import { randomWord } from "@/lib/random";
import type { Mark } from "@/spec/editor";
import { type CommandKind, EMPTY_FORM, fieldOf, formOf, type SpecForm, specOf } from "@/spec/form";
import { locate, parseText } from "@/spec/locate";
import { type Fault, faults, type Schemas } from "@/spec/schema";
import { asCli, asCurl, asJson, asYaml } from "@/spec/text";
import { Button } from "@/ui/button";
import { CopyMenu } from "@/ui/copy-menu";
import { FormError } from "@/ui/field";
import { Broken, Card, PageHead, SkeletonRows } from "@/ui/parts";

import { Fields } from "./submit/fields";
import { Forecast } from "./submit/forecast";

const SpecEditor = lazy(() => import("@/spec/editor").then((module) => ({ default: module.SpecEditor })));

const route = getRouteApi("/app/jobs/new");

/** Nothing is asked of the server while somebody still types. */
const TYPING_MILLIS = 350;

export function SubmitPage() {
  const { like } = route.useSearch();
  const model = useQuery({ ...queries.job(like ?? ""), enabled: like !== undefined, refetchInterval: false });
  return (
    <>
      <PageHead
        title={model.data ? `Run ${model.data.name} again` : "Submit a job"}
        note="Form and text are the same job: write in either."
      />
      {like && model.isError && <Card><Broken error={model.error} retry={() => void model.refetch()} /></Card>}
      {like && model.isPending && <Card><SkeletonRows rows={8} /></Card>}
      {!like && <SubmitForm key="new" base={null} />}
      {like && model.data?.spec && <SubmitForm key={like} base={model.data.spec} />}
    </>
  );
}

interface Draft {
  form: SpecForm;
  spec: JobSpec;
  text: string;
  /** Whether the text is a spec at all. */
  isWhole: boolean;
}

function draftOf(base: JobSpec | null): Draft {
  const form = base ? formOf(base, "script") : EMPTY_FORM;
  const spec = specOf(form, base);
  return { form, spec, text: asYaml(spec), isWhole: true };
}

function SubmitForm({ base }: { base: JobSpec | null }) {
  const navigate = useNavigate();
  const submit = useSubmitJob();
  const schema = useQuery(jobQueries.specSchema());
  const [draft, setDraft] = useState(() => draftOf(base));
  // A second press, or one after a broken connection, must not make a second job.
  const [key, setKey] = useState(randomWord);
  const { form, spec, text } = draft;
  const element = useRef<HTMLFormElement>(null);
  // What is not yet said of an empty field, is said when it is submitted.
  const [asked, setAsked] = useState(false);
  const judged = useJudgement(draft, schema.data?.components.schemas, submit.error, asked);
  const viewer = currentUser()?.role === "viewer" ? "Your role may look, not submit." : null;

  const requestSubmit = () => element.current?.requestSubmit();
  useShortcuts({ "mod+enter": requestSubmit });
  useActions("This form", [{ name: "Submit this job", keys: "mod+enter", disabledReason: viewer, run: requestSubmit }]);
  useEffect(() => {
    if (submit.error) element.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [submit.error]);

  function change(next: Draft) {
    setDraft(next);
    setKey(randomWord());
    submit.reset();
  }
  function setForm(part: Partial<SpecForm>) {
    const nextForm = { ...form, ...part };
    const nextSpec = specOf(nextForm, spec);
    change({ form: nextForm, spec: nextSpec, text: asYaml(nextSpec), isWhole: true });
  }
  function setText(next: string) {
    const { value, errors } = parseText(next);
    const isWhole = errors.length === 0 && typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isWhole) return change({ ...draft, text: next, isWhole: false });
    const read = value as JobSpec;
    change({ form: safeForm(read, form), spec: read, text: next, isWhole: true });
  }
  function setPart(name: keyof JobSpec, value: unknown) {
    const next = { ...spec, [name]: value } as JobSpec;
    if (value === undefined) delete next[name];
    change({ form: formOf(next, form.kind), spec: next, text: asYaml(next), isWhole: true });
  }
  function send(event: FormEvent) {
    event.preventDefault();
    setAsked(true);
    if (!draft.isWhole) return;
    // Where it waits, the reason comes first; else its log.
    const waits = judged.plan.answer.data !== undefined && judged.plan.answer.data.outcome !== "starts-now";
    submit.mutate(
      { spec, key },
      { onSuccess: (job) => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id }, search: waits ? {} : { tab: "logs" } }) },
    );
  }

  const [fields, others] = sorted(judged.faults, form.kind);
  const refusal = submit.error && !(submit.error instanceof ApiError && submit.error.fields.length > 0) ? explain(submit.error).detail : null;
  return (
    <div className="grid grid-cols-1 items-start gap-5 xl:grid-cols-[minmax(0,1fr)_minmax(0,30rem)]">
      <form ref={element} onSubmit={send} aria-label="Job" noValidate>
        <Card>
          <Fields form={form} spec={spec} faults={shownFaults(fields, form, asked || submit.isError)} setForm={setForm} setPart={setPart} />
          <div className="flex flex-wrap items-center justify-end gap-3 border-t px-4 py-3.5 sm:px-5">
            {(refusal || (asked && (others.length > 0 || fields.size > 0))) && (
              <div className="min-w-0 flex-1 basis-full sm:basis-0">
                <FormError>
                  {refusal && <p className="break-words">{refusal}</p>}
                  {others.map((words) => <p key={words} className="break-words">{words}</p>)}
                  {!refusal && others.length === 0 && <p>Some fields are refused; see above.</p>}
                </FormError>
              </div>
            )}
            <Button type="submit" look="primary" busy={submit.isPending} disabledReason={viewer ?? (draft.isWhole ? null : "The text is no spec yet.")} className="h-9! px-5">
              {submit.isPending ? "Submitting…" : "Submit"}
            </Button>
          </div>
        </Card>
      </form>
      <div className="space-y-4 xl:sticky xl:top-7">
        <Forecast judged={judged} faults={[...others, ...[...fields].map(([name, words]) => `${name}: ${words}`)]} />
        <Card className="overflow-hidden">
          <div className="flex items-center gap-3 border-b py-2 pr-2 pl-4">
            <h2 className="flex-1 text-sm font-semibold">Job file</h2>
            <CopyMenu
              choices={[
                ["YAML", () => text],
                ["JSON", () => asJson(spec)],
                ["Command line", () => asCli(spec)],
                ["curl", () => asCurl(spec, location.origin)],
              ]}
            />
          </div>
          <Suspense fallback={<pre tabIndex={0} aria-label="The job as text" className="min-h-64 bg-log p-4 font-mono text-sm leading-5.5 whitespace-pre-wrap">{text}</pre>}>
            <SpecEditor label="The job as text" value={text} onChange={setText} marks={judged.marks} schemas={schema.data?.components.schemas} />
          </Suspense>
        </Card>
      </div>
    </div>
  );
}

/** The form of what was typed as text: where a part is not of its kind yet, the form stays as it was. */
function safeForm(spec: JobSpec, before: SpecForm): SpecForm {
  try {
    return formOf(spec, before.kind);
  } catch {
    return before;
  }
}

export interface Judgement {
  faults: readonly Fault[];
  marks: readonly Mark[];
  /** The spec that the server is asked about; none while something is plainly wrong. */
  plan: ReturnType<typeof usePlan>;
  isWhole: boolean;
}

function usePlan(spec: JobSpec | null) {
  const [settled, setSettled] = useState<JobSpec | null>(null);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(spec), TYPING_MILLIS);
    return () => window.clearTimeout(timer);
  }, [spec]);
  const answer = useQuery({ ...jobQueries.plan(settled), enabled: settled !== null && currentUser()?.role !== "viewer" });
  return { answer, isSettled: settled === spec };
}

/** What is wrong with a draft: by the schema at once, by the server a moment later. */
function useJudgement(draft: Draft, all: Schemas | undefined, refusal: Error | null, asked: boolean): Judgement {
  const text = useDeferredValue(draft.text);
  const parsed = useMemo(() => parseText(text), [text]);
  const plain = useMemo(() => {
    const root = all?.["JobSpec"];
    return all && root && parsed.errors.length === 0 ? faults(parsed.value, root, all) : [];
  }, [parsed, all]);
  const isAskable = draft.isWhole && plain.length === 0 && Boolean(draft.spec.name) && Boolean(draft.spec.image);
  const plan = usePlan(isAskable ? draft.spec : null);
  const answer = refusal ?? plan.answer.error;
  const told = answer instanceof ApiError && (plan.isSettled || refusal) ? answer.fields : NO_FAULTS;
  const found = useMemo(() => [...plain, ...told.map(({ path, message }) => ({ path, message }))], [plain, told]);
  const marks = useMemo(
    () => [...parsed.errors, ...found.filter((fault) => asked || fault.message !== "is missing").map((fault) => ({ ...locate(parsed.document, fault.path), message: `${fault.path}: ${fault.message}` }))],
    [parsed, found, asked],
  );
  return { faults: found, marks, plan, isWhole: draft.isWhole };
}

const NO_FAULTS: ApiError["fields"] = [];

/** Words by field of the form, and what belongs to none that is in sight. */
function sorted(found: readonly Fault[], kind: CommandKind): [Map<keyof SpecForm, string>, string[]] {
  const fields = new Map<keyof SpecForm, string>();
  const others: string[] = [];
  for (const { path, message } of found) {
    const field = fieldOf(path);
    const hidden = (field === "script" || field === "command") && field !== kind;
    if (!field || hidden) {
      others.push(`${path}: ${message}`);
      continue;
    }
    // One field holds many variables or labels: say which of them is meant.
    const key = path.match(/^(?:env|labels)\.(.+)$/)?.[1];
    const words = key ? `${key}: ${message}` : message;
    const before = fields.get(field);
    fields.set(field, before ? `${before}; ${words}` : words);
  }
  return [fields, others];
}

/** Nobody is told that a field is empty before they came to it. */
function shownFaults(fields: Map<keyof SpecForm, string>, form: SpecForm, all: boolean): Map<keyof SpecForm, string> {
  return all ? fields : new Map([...fields].filter(([name]) => form[name] !== ""));
}
