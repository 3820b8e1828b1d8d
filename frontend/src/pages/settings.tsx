/// What the logged-in user sets for themselves, and what the server tells about itself.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import { adminQueries, useUpdateProfile } from "@/api/admin";
import { explain } from "@/api/errors";
import { changePassword } from "@/api/session";
import type { User } from "@/api/types";
import { ROLES } from "@/domain/people";
import { setTheme, type Theme, THEMES, useTheme } from "@/lib/theme";
import { CommandBlock } from "@/ui/copy";
import { FactList } from "@/ui/detail";
import { Choice, FormError, TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { Broken, Card, PageHead, SkeletonRows, Tag } from "@/ui/parts";

export function SettingsPage() {
  const me = useQuery(adminQueries.me());
  return (
    <>
      <PageHead title="Settings" note="Yours, and what this server tells about itself." />
      <div className="grid grid-cols-1 items-start gap-5 xl:grid-cols-2">
        <div className="space-y-5">
          <Section title="Profile">
            {me.isPending && <SkeletonRows rows={2} />}
            {me.isError && !me.data && <Broken error={me.error} retry={() => void me.refetch()} />}
            {me.data && <Profile key={me.data.id} user={me.data} />}
          </Section>
          <Section title="Password"><Password /></Section>
        </div>
        <div className="space-y-5">
          <Section title="Appearance"><Appearance /></Section>
          <Section title="Command line">
            <p className="mb-3 text-sm text-ink-soft">
              On another machine, with <code className="font-mono text-xs">lilac_cli</code> there:
            </p>
            <CommandBlock text={`lilac_cli configure --server ${location.origin} && lilac_cli login`} />
            <p className="mt-3 text-sm text-ink-soft">
              For programs, make an <Link to="/api-keys" className="text-accent underline">API key</Link>.
              The API is described <a href="/api/docs" className="text-accent underline">here</a>.
            </p>
          </Section>
          <ServerCard />
        </div>
      </div>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card title={title}>
      <div className="p-4">{children}</div>
    </Card>
  );
}

/** Words for what was done, in the place where it was asked for. */
function Done({ children }: { children: ReactNode }) {
  return <p role="status" className="rounded-lg bg-good-soft px-3 py-2 text-sm text-good">{children}</p>;
}

function Profile({ user }: { user: User }) {
  const update = useUpdateProfile();
  const [name, setName] = useState(user.display_name ?? "");
  const [email, setEmail] = useState(user.email ?? "");
  const errors = fieldErrors(update.error);
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm">
        <span className="font-medium">{user.username}</span>
        <span className="text-ink-soft" title={ROLES[user.role].means}>{ROLES[user.role].text}</span>
        {user.teams?.map((team) => <Tag key={team}>{team}</Tag>)}
      </div>
      {update.isSuccess && <Done>Saved.</Done>}
      <Form error={update.error} known={["display_name", "email"]} busy={update.isPending} action="Save the profile" onSubmit={() => update.mutate({ display_name: name, email })}>
        <TextField label="Name" optional hint="What you want to be called" autoComplete="name" value={name} error={errors("display_name")} onChange={(event) => setName(event.target.value)} />
        <TextField label="Email" optional type="email" autoComplete="email" hint="For other people; Lilac sends nothing there" value={email} error={errors("email")} onChange={(event) => setEmail(event.target.value)} />
      </Form>
    </div>
  );
}

function Password() {
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [state, setState] = useState<"" | "busy" | "done">("");
  const [problem, setProblem] = useState<unknown>();

  async function submit() {
    setState("busy");
    setProblem(undefined);
    try {
      await changePassword(current, wanted);
      setCurrent("");
      setWanted("");
      setState("done");
    } catch (error) {
      setProblem(error);
      setState("");
    }
  }

  const errors = fieldErrors(problem instanceof Error ? problem : null);
  const isFields = errors("current_password") ?? errors("new_password");
  return (
    <div className="space-y-4">
      {state === "done" && <Done>Changed. You are logged out everywhere else.</Done>}
      {problem !== undefined && !isFields && <FormError>{explain(problem).detail}</FormError>}
      <Form error={null} known={[]} busy={state === "busy"} action="Change the password" onSubmit={() => void submit()}>
        <TextField
          label="Current password"
          type="password"
          autoComplete="current-password"
          value={current}
          error={errors("current_password")}
          onChange={(event) => setCurrent(event.target.value)}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          hint="At least 10 characters"
          value={wanted}
          error={errors("new_password")}
          onChange={(event) => setWanted(event.target.value)}
        />
      </Form>
    </div>
  );
}

const THEME_TEXT: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

function Appearance() {
  const theme = useTheme();
  return <Choice<Theme> label="Theme" value={theme} onChange={setTheme} options={THEMES.map((value) => ({ value, text: THEME_TEXT[value] }))} />;
}

function ServerCard() {
  const server = useQuery(adminQueries.server());
  const facts = server.data;
  return (
    <Card title="This server">
      {server.isPending && <SkeletonRows rows={3} />}
      {server.isError && !facts && <Broken error={server.error} retry={() => void server.refetch()} />}
      {facts && (
        <FactList
          items={[
            ["Version", facts.version],
            ["Address", facts.public_url ?? location.origin],
            ["Single sign-on", facts.sso ?? "none"],
            ["Sign-up", facts.sign_up ? "open to everybody" : "closed"],
            ["Ended jobs are kept", facts.jobs_kept ?? "for ever"],
            ["Logs are kept", facts.logs_kept],
            ["Outputs are kept", `${facts.outputs_kept}, each up to ${facts.output_max}`],
          ]}
        />
      )}
    </Card>
  );
}
