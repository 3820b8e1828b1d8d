/// The fields of the form, and the parts of the spec that have none.
import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import type { ChangeEvent, ReactNode } from "react";

import { queries } from "@/api/queries";
import type { JobSpec } from "@/api/types";
import { beyondForm, type CommandKind, type SpecForm } from "@/spec/form";
import { TEMPLATES } from "@/spec/templates";
import { AreaField, Choice, SelectField, TextField } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";

interface FieldsProps {
  form: SpecForm;
  spec: JobSpec;
  faults: ReadonlyMap<keyof SpecForm, string>;
  setForm: (part: Partial<SpecForm>) => void;
  /** Adds or, with `undefined`, removes a part that has no field. */
  setPart: (name: keyof JobSpec, value: unknown) => void;
}

export function Fields({ form, spec, faults, setForm, setPart }: FieldsProps) {
  const queues = useQuery(queries.queues());
  const bind = (name: keyof SpecForm) => ({
    name,
    value: form[name],
    error: faults.get(name),
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>) => setForm({ [name]: event.target.value }),
  });
  return (
    <>
      <Section title="What to run">
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label="Name" placeholder="llama-sft" autoFocus required {...bind("name")} />
          <TextField label="Image" placeholder="registry.local/train:2.4" required mono {...bind("image")} />
        </div>
        <Choice<CommandKind>
          label="Run"
          value={form.kind}
          onChange={(kind) => setForm({ kind })}
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
          <TextField label="GPUs" optional hint="8, H100:8 or 0.5" {...bind("gpus")} />
        </div>
        <Choice
          label="Network"
          value={form.network}
          onChange={(network) => setForm({ network })}
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
      <Section title="More">
        <More spec={spec} setPart={setPart} />
      </Section>
    </>
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

/** Parts that are written as text: each is begun here, and written on in the job file. */
function More({ spec, setPart }: { spec: JobSpec; setPart: FieldsProps["setPart"] }) {
  const present = Object.keys(beyondForm(spec)) as (keyof JobSpec)[];
  const absent = TEMPLATES.filter((template) => !present.includes(template.key));
  const nameOf = (key: keyof JobSpec) => TEMPLATES.find((template) => template.key === key)?.name ?? key;
  return (
    <div className="flex flex-wrap items-center gap-2">
      {present.map((key) => (
        <span key={key} className="inline-flex h-8 items-center gap-1 rounded-full border border-accent-line bg-accent-soft pr-1 pl-3 text-sm">
          {nameOf(key)}
          <button type="button" aria-label={`Remove: ${nameOf(key)}`} title="Remove" onClick={() => setPart(key, undefined)} className="inline-flex size-6 items-center justify-center rounded-full hover:bg-hover">
            <X size={13} aria-hidden />
          </button>
        </span>
      ))}
      <Menu label={<><Plus size={14} aria-hidden /> Add</>}>
        {absent.map((template) => (
          <MenuItem key={template.key} onSelect={() => setPart(template.key, template.value)}>{template.name}</MenuItem>
        ))}
      </Menu>
      <p className="w-full text-xs text-ink-faint">Each is put into the job file, where the editor offers what may stand in it.</p>
    </div>
  );
}
