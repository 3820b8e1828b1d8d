/// A job by form, with the spec that it stands for beside it as one types.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { type ChangeEvent, type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries, useSubmitJob } from "@/api/queries";
import { currentUser } from "@/api/session";
import type { JobSpec } from "@/api/types";
import { useShortcuts } from "@/lib/keys";
import { randomWord } from "@/lib/random";
import { type CommandKind, EMPTY_FORM, fieldOf, formOf, type SpecForm, specOf } from "@/spec/form";
import { asCli, asJson, asYaml } from "@/spec/text";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { AreaField, Choice, FormError, SelectField, TextField } from "@/ui/field";
import { Broken, Card, PageHead, SkeletonRows } from "@/ui/parts";

const route = getRouteApi("/app/jobs/new");

export function SubmitPage() {
  const { like } = route.useSearch();
  const model = useQuery({ ...queries.job(like ?? ""), enabled: like !== undefined, refetchInterval: false });
  return (
    <>
      <PageHead
        title={model.data ? `Run ${model.data.name} again` : "Submit a job"}
        note="The text beside the form is the same job, ready for a file or a terminal."
      />
      {like && model.isError && <Card><Broken error={model.error} retry={() => void model.refetch()} /></Card>}
      {like && model.isPending && <Card><SkeletonRows rows={8} /></Card>}
      {!like && <SubmitForm key="new" base={null} />}
      {like && model.data?.spec && <SubmitForm key={like} base={model.data.spec} />}
    </>
  );
}

function SubmitForm({ base }: { base: JobSpec | null }) {
  const navigate = useNavigate();
  const queues = useQuery(queries.queues());
  const submit = useSubmitJob();
  const [form, setForm] = useState<SpecForm>(() => (base ? formOf(base) : EMPTY_FORM));
  // A second press, or one after a broken connection, must not make a second job.
  const [key, setKey] = useState(randomWord);
  const spec = useMemo(() => specOf(form, base), [form, base]);
  const [fields, others] = refused(submit.error, form.kind);
  // What was said about a field is about what stood in it then.
  const [edited, setEdited] = useState<ReadonlySet<string>>(new Set());
  const element = useRef<HTMLFormElement>(null);

  useShortcuts({ "mod+enter": () => element.current?.requestSubmit() });
  useEffect(() => {
    if (submit.error) element.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [submit.error]);

  function set(part: Partial<SpecForm>) {
    setForm((before) => ({ ...before, ...part }));
    setEdited((before) => new Set([...before, ...Object.keys(part)]));
    setKey(randomWord());
  }
  const bind = (name: keyof SpecForm) => ({
    name,
    value: form[name],
    error: edited.has(name) ? undefined : fields.get(name),
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>) =>
      set({ [name]: event.target.value }),
  });

  function send(event: FormEvent) {
    event.preventDefault();
    setEdited(new Set());
    submit.mutate(
      { spec, key },
      { onSuccess: (job) => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id }, search: { tab: "logs" } }) },
    );
  }

  return (
    <div className="grid grid-cols-1 items-start gap-5 xl:grid-cols-[minmax(0,1fr)_minmax(0,28rem)]">
      <form
        ref={element}
        onSubmit={send}
        aria-label="Job"
        noValidate
      >
        <Card>
          <Section title="What to run">
            <div className="grid gap-4 sm:grid-cols-2">
              <TextField label="Name" placeholder="llama-sft" autoFocus required {...bind("name")} />
              <TextField label="Image" placeholder="registry.local/train:2.4" required mono {...bind("image")} />
            </div>
            <Choice<CommandKind>
              label="Run"
              value={form.kind}
              onChange={(kind) => set({ kind })}
              options={[
                { value: "script", text: "A script" },
                { value: "command", text: "A command" },
                { value: "image", text: "Image default" },
              ]}
            />
            {form.kind === "script" && (
              <AreaField label="Script" rows={6} placeholder={"set -e\npython train.py"} hint="For the image’s /bin/sh." {...bind("script")} />
            )}
            {form.kind === "command" && (
              <TextField label="Command" mono placeholder="python train.py --lr 3e-4" hint="Split into words as a shell does; no shell runs it." {...bind("command")} />
            )}
            <AreaField label="Environment" optional rows={3} placeholder="NAME=value, one a line" {...bind("env")} />
          </Section>
          <Section title="What it needs">
            <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
              <TextField label="CPUs" hint="2, 0.5 or 500m" {...bind("cpus")} />
              <TextField label="Memory" hint="512Mi or 8Gi" {...bind("memory")} />
              <TextField label="GPUs" optional hint="8 or H100:8" {...bind("gpus")} />
            </div>
            <Choice
              label="Network"
              value={form.network}
              onChange={(network) => set({ network })}
              options={[
                { value: "bridge", text: "Bridge" },
                { value: "host", text: "Host" },
                { value: "none", text: "None" },
              ]}
            />
          </Section>
          <Section title="When and how often">
            <div className="grid grid-cols-2 gap-4">
              <SelectField label="Queue" {...bind("queue")}>
                {!queues.data?.items.some((queue) => queue.name === form.queue) && <option>{form.queue}</option>}
                {queues.data?.items.map((queue) => (
                  <option key={queue.id} value={queue.name}>
                    {queue.paused ? `${queue.name} (paused)` : queue.name}
                  </option>
                ))}
              </SelectField>
              <TextField label="Priority" inputMode="numeric" hint="0 to 100; the higher goes first" {...bind("priority")} />
              <TextField label="Time limit" optional hint="90s, 10m or 24h" {...bind("maxRuntime")} />
              <TextField label="Attempts" inputMode="numeric" hint="The first included" {...bind("maxAttempts")} />
              <TextField label="Working directory" optional mono placeholder="/workspace" {...bind("workdir")} />
              <AreaField label="Labels" optional rows={1} placeholder="key=value, one a line" {...bind("labels")} />
            </div>
          </Section>
          <div className="flex flex-wrap items-center justify-end gap-3 border-t px-4 py-3.5 sm:px-5">
            {others.length > 0 && (
              <div className="min-w-0 flex-1 basis-full sm:basis-0">
                <FormError>{others.map((text) => <p key={text} className="break-words">{text}</p>)}</FormError>
              </div>
            )}
            <Button type="submit" look="primary" busy={submit.isPending} disabledReason={currentUser()?.role === "viewer" ? "Your role may look, not submit." : null} className="h-9! px-5">
              {submit.isPending ? "Submitting…" : "Submit"}
            </Button>
          </div>
        </Card>
      </form>
      <ReadOut spec={spec} />
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="space-y-4 border-b px-4 py-5 last-of-type:border-b-0 sm:px-5">
      <h2 className="text-base font-semibold">{title}</h2>
      {children}
    </section>
  );
}

/** The server's words by field of the form, and what belongs to none that is in sight. */
function refused(error: Error | null, kind: CommandKind): [Map<keyof SpecForm, string>, string[]] {
  const fields = new Map<keyof SpecForm, string>();
  const others: string[] = [];
  if (!error) return [fields, others];
  if (!(error instanceof ApiError) || error.fields.length === 0) return [fields, [explain(error).detail]];
  for (const { path, message } of error.fields) {
    const field = fieldOf(path);
    const hidden = (field === "script" || field === "command") && field !== kind;
    if (field && !hidden) {
      const before = fields.get(field);
      // One field holds many variables or labels: say which of them is meant.
      const key = path.match(/^(?:env|labels)\.(.+)$/)?.[1];
      const text = key ? `${key}: ${message}` : message;
      fields.set(field, before ? `${before}; ${text}` : text);
    } else others.push(`${path}: ${message}`);
  }
  if (others.length === 0) others.push("Some fields were refused; see above.");
  return [fields, others];
}

type Format = "yaml" | "json" | "cli";

function ReadOut({ spec }: { spec: JobSpec }) {
  const [format, setFormat] = useState<Format>("yaml");
  const text = { yaml: asYaml, json: asJson, cli: asCli }[format](spec);
  return (
    <Card className="xl:sticky xl:top-7">
      <div className="flex items-center gap-3 border-b px-3 py-2.5">
        <div className="min-w-0 flex-1">
          <Choice<Format>
            label="Format"
            hideLabel
            value={format}
            onChange={setFormat}
            options={[
              { value: "yaml", text: "YAML" },
              { value: "json", text: "JSON" },
              { value: "cli", text: "Command" },
            ]}
          />
        </div>
        <CopyButton text={text} label="Copy this text" />
      </div>
      <pre tabIndex={0} aria-label="The job as text" className="max-h-[70dvh] overflow-auto rounded-b-xl bg-log p-4 font-mono text-sm leading-5.5">
        {text}
      </pre>
    </Card>
  );
}
