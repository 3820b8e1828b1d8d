/// All that can be said about a queue, for making and for changing one. What is rare is folded away.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { adminQueries } from "@/api/admin";
import type { ContainerPolicy, Guarantee, JobLimits, Preemption, RunAs } from "@/api/admin-types";
import { queries } from "@/api/queries";
import type { CreateQueue, Network, Queue } from "@/api/types";
import { CONTAINER_POLICIES, DIMENSION_NAMES, DIMENSIONS, fieldsOf, GUARANTEED, NETWORKS, PREEMPTION, quotaOf, RUN_AS } from "@/domain/queue";
import { SelectField, TextField } from "@/ui/field";
import { Checks, fieldErrors, Form } from "@/ui/form";

type Rules = Omit<CreateQueue, "name">;
type Fields = Record<string, string>;

const LIMITS: readonly (readonly [string, string, string])[] = [
  ["cpus", "CPUs", "16"],
  ["memory", "Memory", "64Gi"],
  ["gpus", "GPUs on each node", "8"],
  ["nodes", "Nodes", "4"],
  ["max_runtime", "Longest run", "24h"],
];

const QUOTAS = DIMENSIONS.map((dimension) => [dimension, DIMENSION_NAMES[dimension], "unbounded"] as const);
const GUARANTEES = GUARANTEED.map((dimension) => [dimension, DIMENSION_NAMES[dimension], "none"] as const);

const KNOWN = ["name", "priority", "weight", "clusters", "team", "quota", "user_quota", "guaranteed", "preemption", "limits", "submitters", "policy", "run_as", "networks", "default_max_runtime"];

export function QueueForm({
  queue,
  action,
  error,
  busy,
  onSubmit,
  onClose,
}: {
  /** The one that is changed; none for a new one. */
  queue?: Queue;
  action: string;
  error: Error | null;
  busy: boolean;
  onSubmit: (name: string, rules: Rules) => void;
  onClose: () => void;
}) {
  const clusters = useQuery(queries.clusters());
  const teams = useQuery(adminQueries.teams());
  const [name, setName] = useState("");
  const [text, setText] = useState<Fields>({
    priority: String(queue?.priority ?? 0),
    weight: String(queue?.weight ?? 1),
    team: queue?.team ?? "default",
    default_max_runtime: queue?.default_max_runtime ?? "",
    users: queue?.submitters.users?.join(", ") ?? "",
  });
  const [chosen, setChosen] = useState<string[] | null>(queue?.clusters ?? null);
  const [quota, setQuota] = useState<Fields>(fieldsOf(queue?.quota ?? {}));
  const [userQuota, setUserQuota] = useState<Fields>(fieldsOf(queue?.user_quota ?? {}));
  const [guaranteed, setGuaranteed] = useState<Fields>(fieldsOf(queue?.guaranteed ?? {}));
  const [preemption, setPreemption] = useState<Preemption>(queue?.preemption ?? "lower-priority");
  const [limits, setLimits] = useState<Fields>(fieldsOf(queue?.limits ?? {}));
  const [submitters, setSubmitters] = useState<string[]>(queue?.submitters.teams ?? []);
  const [policy, setPolicy] = useState<ContainerPolicy>(queue?.policy ?? "restricted");
  const [runAs, setRunAs] = useState<RunAs>(queue?.run_as ?? "image");
  const [networks, setNetworks] = useState<Network[]>(queue?.networks ?? ["bridge", "none"]);
  const clusterNames = clusters.data?.items.map((cluster) => cluster.name) ?? [];
  const teamNames = teams.data?.items.map((team) => team.name) ?? [];
  // With nothing chosen yet, this is what most people mean.
  const selected = chosen ?? (clusterNames.includes("default") ? ["default"] : clusterNames.slice(0, 1));
  const errors = fieldErrors(error);
  const set = (field: string) => (value: string) => setText({ ...text, [field]: value });

  function submit() {
    onSubmit(name.trim(), {
      priority: Number(text.priority) || 0,
      weight: Number(text.weight) || 1,
      team: text.team ?? "default",
      clusters: selected,
      quota: quotaOf(quota),
      user_quota: quotaOf(userQuota),
      guaranteed: quotaOf(guaranteed) as Guarantee,
      preemption,
      limits: quotaOf(limits) as JobLimits,
      submitters: { teams: submitters, users: (text.users ?? "").split(",").map((user) => user.trim()).filter(Boolean) },
      policy,
      run_as: runAs,
      networks,
      // An empty one takes an old one away.
      ...((text.default_max_runtime || queue?.default_max_runtime) && { default_max_runtime: text.default_max_runtime || null }),
    });
  }

  return (
    <Form error={error} known={KNOWN} busy={busy} action={action} onClose={onClose} onSubmit={submit}>
      {!queue && <TextField label="Name" value={name} autoFocus error={errors("name")} onChange={(event) => setName(event.target.value)} />}
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField
          label="Priority"
          inputMode="numeric"
          hint="-1000 to 1000; higher goes first"
          value={text.priority}
          error={errors("priority")}
          onChange={(event) => set("priority")(event.target.value)}
        />
        <TextField
          label="Weight"
          inputMode="numeric"
          hint="Its share among equals"
          value={text.weight}
          error={errors("weight")}
          onChange={(event) => set("weight")(event.target.value)}
        />
        <SelectField label="Team" value={text.team} error={errors("team")} onChange={(event) => set("team")(event.target.value)}>
          {[...new Set([text.team ?? "default", ...teamNames])].map((team) => <option key={team}>{team}</option>)}
        </SelectField>
      </div>
      <Checks
        label="Clusters"
        hint={selected.length > 1 ? `Tried in this order: ${selected.join(", ")}` : undefined}
        error={errors("clusters")}
        options={clusterNames.map((value) => ({ value, text: value }))}
        chosen={selected}
        onChange={setChosen}
      />
      <Fold title="Quotas" note="What its jobs may hold together">
        <Amounts legend="All its jobs" fields={QUOTAS} values={quota} path="quota" errors={errors} onChange={setQuota} />
        <Amounts legend="Each user" fields={QUOTAS} values={userQuota} path="user_quota" errors={errors} onChange={setUserQuota} />
      </Fold>
      <Fold title="Guarantee" note="What no other queue may keep from it">
        <Amounts legend="What it is assured of" fields={GUARANTEES} values={guaranteed} path="guaranteed" errors={errors} onChange={setGuaranteed} />
        <p className="text-xs text-ink-faint">Others borrow what it does not use; preemptible jobs give it back.</p>
        <SelectField label="Whose places its jobs may take" hint={PREEMPTION[preemption].means} value={preemption} error={errors("preemption")} onChange={(event) => setPreemption(event.target.value as Preemption)}>
          {Object.entries(PREEMPTION).map(([value, words]) => <option key={value} value={value}>{words.text}</option>)}
        </SelectField>
      </Fold>
      <Fold title="Limits" note="What one job may ask for">
        <Amounts legend="One job" fields={LIMITS} values={limits} path="limits" errors={errors} onChange={setLimits} />
        <TextField
          label="Run time of jobs that do not say"
          optional
          placeholder="unbounded"
          value={text.default_max_runtime}
          error={errors("default_max_runtime")}
          onChange={(event) => set("default_max_runtime")(event.target.value)}
        />
      </Fold>
      <Fold title="Who may submit" note="Beside the members of its team">
        <Checks
          label="Teams"
          error={errors("submitters.teams")}
          options={teamNames.filter((team) => team !== text.team).map((value) => ({ value, text: value }))}
          chosen={submitters}
          onChange={setSubmitters}
        />
        <TextField
          label="Users"
          optional
          hint="Usernames with commas between them"
          value={text.users}
          error={errors("submitters.users")}
          onChange={(event) => set("users")(event.target.value)}
        />
      </Fold>
      <Fold title="Containers" note="What they may do on their node">
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField label="Policy" hint={CONTAINER_POLICIES[policy].means} value={policy} error={errors("policy")} onChange={(event) => setPolicy(event.target.value as ContainerPolicy)}>
            {Object.entries(CONTAINER_POLICIES).map(([value, words]) => <option key={value} value={value}>{words.text}</option>)}
          </SelectField>
          <SelectField label="Run as" hint={RUN_AS[runAs].means} value={runAs} error={errors("run_as")} onChange={(event) => setRunAs(event.target.value as RunAs)}>
            {Object.entries(RUN_AS).map(([value, words]) => <option key={value} value={value}>{words.text}</option>)}
          </SelectField>
        </div>
        <Checks label="Networks" error={errors("networks")} options={NETWORKS} chosen={networks} onChange={setNetworks} />
      </Fold>
    </Form>
  );
}

function Fold({ title, note, children }: { title: string; note: string; children: ReactNode }) {
  return (
    <details className="group rounded-xl border">
      <summary className="flex cursor-pointer flex-wrap items-baseline gap-x-2 rounded-xl px-4 py-2.5 text-sm hover:bg-hover">
        <span className="font-medium">{title}</span>
        <span className="text-xs text-ink-faint">{note}</span>
      </summary>
      <div className="space-y-4 border-t px-4 py-4">{children}</div>
    </details>
  );
}

function Amounts({
  legend,
  fields,
  values,
  path,
  errors,
  onChange,
}: {
  legend: string;
  fields: readonly (readonly [string, string, string])[];
  values: Fields;
  path: string;
  errors: (path: string) => string | undefined;
  onChange: (values: Fields) => void;
}) {
  return (
    <fieldset className="min-w-0">
      <legend className="mb-2 text-xs font-medium text-ink-faint">{legend}</legend>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        {fields.map(([name, label, placeholder]) => (
          <TextField
            key={name}
            label={label}
            placeholder={placeholder}
            value={values[name] ?? ""}
            error={errors(`${path}.${name}`)}
            onChange={(event) => onChange({ ...values, [name]: event.target.value })}
          />
        ))}
      </div>
    </fieldset>
  );
}
