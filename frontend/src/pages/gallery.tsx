/// What the pages are made of, side by side: tokens and components, in the theme that is chosen. Reachable only where
/// the UI is being worked on (`npm run dev`, then `/gallery`).
import { Plus, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";

import { ApiError } from "@/api/errors";
import { attemptLook, jobLook, type Look, nodeLook, outputLook } from "@/domain/looks";
import { bytes } from "@/lib/format";
import { Button, IconButton } from "@/ui/button";
import { Chart } from "@/ui/chart";
import { CommandBlock, CopyButton } from "@/ui/copy";
import { CopyMenu } from "@/ui/copy-menu";
import { Confirm } from "@/ui/dialog";
import { AreaField, Choice, FormError, SelectField, TextField } from "@/ui/field";
import { Menu, MenuCheck, MenuItem } from "@/ui/menu";
import { Broken, Card, Empty, Facts, Kbd, Meter, PageHead, Skeleton, SkeletonRows, Tag, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import { Table } from "@/ui/table";

const COLOURS = ["canvas", "panel", "raised", "hover", "line", "line-strong", "ink", "ink-soft", "ink-faint", "accent", "accent-solid", "accent-soft", "accent-line", "good", "good-soft", "bad", "bad-soft", "warn", "warn-soft", "info", "info-soft", "idle", "idle-soft", "log-canvas", "mark"];
const TYPE = ["xs", "sm", "base", "lg", "xl", "2xl"] as const;
const RADII = [["rounded", "tags and keys"], ["rounded-lg", "controls"], ["rounded-xl", "cards"], ["rounded-2xl", "dialogs"], ["rounded-full", "states and chips"]] as const;
const SPACE = [["1", "inside of a group"], ["2", "between controls"], ["4", "inside of a card"], ["5", "between cards"]] as const;

export function GalleryPage() {
  return (
    <>
      <PageHead title="Gallery" note="Tokens and components. Components use the names of tokens and never a raw colour.">
        <Button icon={<Plus size={15} aria-hidden />} look="primary">Primary</Button>
      </PageHead>
      <div className="space-y-5">
        <Tokens />
        <States />
        <Controls />
        <Parts />
      </div>
    </>
  );
}

function Show({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card title={title}>
      <div className="space-y-5 p-4">{children}</div>
    </Card>
  );
}

function Tokens() {
  return (
    <Show title="Tokens">
      <ul className="grid grid-cols-2 gap-3 sm:grid-cols-4 lg:grid-cols-6">
        {COLOURS.map((name) => (
          <li key={name} className="text-xs">
            <span className="mb-1 block h-10 rounded-lg border" style={{ background: `var(--${name})` }} />
            {name}
          </li>
        ))}
      </ul>
      <ul className="space-y-1">
        {TYPE.map((size) => (
          <li key={size} style={{ fontSize: `var(--text-${size})`, lineHeight: `var(--text-${size}--line-height)` }}>
            {size}: numbers stand in columns 0123456789
          </li>
        ))}
      </ul>
      <ul className="flex flex-wrap gap-4 text-xs">
        {RADII.map(([name, use]) => (
          <li key={name}>
            <span className={`mb-1 block h-10 w-24 border border-line-strong bg-raised ${name}`} />
            {name}: {use}
          </li>
        ))}
      </ul>
      <ul className="flex flex-wrap gap-4 text-xs">
        {SPACE.map(([name, use]) => (
          <li key={name} className="flex items-center gap-2">
            <span className="block h-4 bg-accent-solid" style={{ width: `calc(var(--spacing) * ${name})` }} /> {name}: {use}
          </li>
        ))}
      </ul>
    </Show>
  );
}

function States() {
  const tables: [string, Record<string, Look>][] = [["Jobs", jobLook], ["Attempts", attemptLook], ["Nodes", nodeLook], ["Outputs", outputLook]];
  return (
    <Show title="States: each differs in word, shape and colour">
      {tables.map(([name, looks]) => (
        <div key={name} className="flex flex-wrap items-center gap-3">
          <span className="w-20 text-sm text-ink-faint">{name}</span>
          {Object.entries(looks).map(([state, look]) => <StateMark key={state} look={look} soft />)}
        </div>
      ))}
    </Show>
  );
}

function Controls() {
  const [choice, setChoice] = useState<"one" | "two">("one");
  const [checked, setChecked] = useState(true);
  const [asking, setAsking] = useState(false);
  return (
    <Show title="Controls">
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary">Primary</Button>
        <Button>Plain</Button>
        <Button look="quiet">Quiet</Button>
        <Button look="danger" onClick={() => setAsking(true)}>Danger</Button>
        <Button disabledReason="It says why.">Disabled with a reason</Button>
        <Button busy>Busy</Button>
        <IconButton label="Remove"><Trash2 size={16} /></IconButton>
        <CopyButton text="copied" />
        <CopyMenu choices={[["YAML", () => "a: 1"], ["curl", () => "curl"]]} />
        <Menu label="Menu">
          <MenuItem onSelect={() => {}}>An action</MenuItem>
          <MenuItem onSelect={() => {}} disabledReason="Not now.">Another</MenuItem>
          <MenuCheck checked={checked} onChange={setChecked}>A choice</MenuCheck>
        </Menu>
        <span className="flex gap-1"><Kbd>Ctrl</Kbd><Kbd>K</Kbd></span>
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField label="Text" hint="A hint" defaultValue="value" />
        <TextField label="Refused" error="must be shorter" defaultValue="value" />
        <SelectField label="Select"><option>One</option><option>Two</option></SelectField>
        <AreaField label="Area" optional defaultValue={"A=1\nB=2"} />
        <Choice label="Choice" value={choice} onChange={setChoice} options={[{ value: "one", text: "One" }, { value: "two", text: "Two" }]} />
        <FormError>What the server refused that belongs to no field.</FormError>
      </div>
      <Confirm open={asking} onClose={() => setAsking(false)} title="Really?" action="Do it" busy={false} error={null} onConfirm={() => setAsking(false)}>
        A question before what cannot be undone.
      </Confirm>
    </Show>
  );
}

const WAVE = Array.from({ length: 60 }, (_, at) => ({ at: new Date(Date.UTC(2026, 0, 1, 12, at)).toISOString(), value: (2 + Math.sin(at / 6)) * 2 ** 30 }));

const A_WHILE_AGO = new Date(Date.now() - 90_000).toISOString();

function Parts() {
  return (
    <Show title="Parts">
      <div className="grid gap-5 md:grid-cols-2">
        <Chart title="A line over time" lines={[{ name: "in use", points: WAVE }]} text={(value) => bytes(Math.round(value))} of="bytes" limit={4 * 2 ** 30} />
        <Chart title="A single measurement" lines={[{ name: "in use", points: WAVE.slice(0, 1) }]} text={(value) => bytes(Math.round(value))} of="bytes" />
      </div>
      <Meter label="CPU" used={3} total={8} text="3 of 8" />
      <Facts items={[["Name", "value"], ["Time", <Time key="t" at={A_WHILE_AGO} />], ["Label", <Tag key="l">exp=a1</Tag>]]} />
      <CommandBlock text="lilac_cli submit -f job.yaml" />
      <Table label="A table" rows={[{ name: "one", count: 1 }, { name: "two", count: 22 }]} rowKey={(row) => row.name} columns={[{ head: "Name", grow: true, cell: (row) => row.name }, { head: "Count", number: true, cell: (row) => row.count }]} />
      <div className="grid gap-5 md:grid-cols-3">
        <Card><Empty title="Nothing yet">And what to do about it.</Empty></Card>
        <Card><Broken error={new ApiError({ status: 503, code: "unavailable", detail: "the database does not answer" })} retry={() => {}} /></Card>
        <Card><SkeletonRows rows={3} /><Skeleton className="m-4 h-4 w-24" /></Card>
      </div>
    </Show>
  );
}
