/// Keys with which programs act as the logged-in user.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";

import { useCreateScopedKey } from "@/api/admin";
import type { Scope } from "@/api/admin-types";
import { queries, useRevokeApiKey } from "@/api/queries";
import type { ApiKey } from "@/api/types";
import { ACTIVE, EXPIRED, SCOPES } from "@/domain/people";
import { useNow } from "@/lib/clock";
import { shellQuote } from "@/lib/format";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm, Dialog } from "@/ui/dialog";
import { Choice, TextField } from "@/ui/field";
import { Checks, fieldErrors, Form } from "@/ui/form";
import { Listing } from "@/ui/listing";
import { Empty, PageHead, Tag, Time } from "@/ui/parts";
import { ShownOnce } from "@/ui/shown-once";
import { StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

const COLUMNS: Column<ApiKey>[] = [
  { head: "Key", grow: true, cell: (key) => <KeyName apiKey={key} /> },
  {
    head: "May",
    wide: true,
    cell: (key) => (
      <span className="flex min-w-24 flex-wrap gap-1 xl:flex-nowrap">
        {key.scopes?.map((scope) => <Tag key={scope}>{scope}</Tag>)}
        {!key.scopes?.length && <span className="text-ink-faint">all that you may</span>}
      </span>
    ),
  },
  { head: "State", cell: (key) => <KeyState apiKey={key} /> },
  { head: "Last used", cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : <span className="text-ink-faint">never</span>), wide: true },
  { head: "Made", cell: (key) => <Time at={key.created_at} />, wide: true },
  { head: "", cell: (key) => <RevokeButton apiKey={key} />, number: true },
];

export function ApiKeysPage() {
  const keys = useQuery(queries.apiKeys());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="API keys" note="Yours: whoever holds one acts as you, as far as its scopes let.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setCreating(true)}>
          New key
        </Button>
      </PageHead>
      <Listing
        query={keys}
        label="API keys"
        columns={COLUMNS}
        rowKey={(key) => key.id}
        empty={
          <Empty title="No key yet" action={<CommandBlock text={`lilac_cli configure --server ${location.origin} && lilac_cli login`} />}>
            Make one for a program, or let the command line make its own:
          </Empty>
        }
      />
      {creating && <CreateKey onClose={() => setCreating(false)} />}
    </>
  );
}

/** The name, and what the key itself begins with, by which one is told that turns up somewhere. */
function KeyName({ apiKey }: { apiKey: ApiKey }) {
  return (
    <>
      <span className="font-medium break-all">{apiKey.name}</span>
      {apiKey.prefix && <code title={`It begins with ${apiKey.prefix}`} className="block max-w-32 truncate font-mono text-xs text-ink-faint sm:max-w-80">{`${apiKey.prefix}_…`}</code>}
    </>
  );
}

function KeyState({ apiKey }: { apiKey: ApiKey }) {
  const now = useNow();
  const expired = apiKey.expires_at != null && Date.parse(apiKey.expires_at) <= now;
  return (
    <>
      <StateMark look={expired ? EXPIRED : ACTIVE} />
      <span className="block text-xs text-ink-faint">
        {apiKey.expires_at ? <>{expired ? "ended " : "ends "}<Time at={apiKey.expires_at} /></> : "never ends"}
      </span>
    </>
  );
}

function RevokeButton({ apiKey }: { apiKey: ApiKey }) {
  const revoke = useRevokeApiKey();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        Revoke<span className="sr-only">{apiKey.name}</span>
      </Button>
      <Confirm
        open={asking}
        onClose={() => {
          setAsking(false);
          revoke.reset();
        }}
        title={`Revoke ${apiKey.name}?`}
        action="Revoke the key"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate(apiKey.id, { onSuccess: () => setAsking(false) })}
      >
        Programs that use it are refused from then on. A revoked key cannot be brought back.
      </Confirm>
    </>
  );
}

type Expiry = "30d" | "365d" | "never";

function CreateKey({ onClose }: { onClose: () => void }) {
  const create = useCreateScopedKey();
  const [name, setName] = useState("");
  const [expiry, setExpiry] = useState<Expiry>("30d");
  const [scopes, setScopes] = useState<Scope[]>(["read", "write"]);
  const errors = fieldErrors(create.error);
  if (create.data) {
    return (
      <ShownOnce title="The key is made" secret={create.data.secret} label="Copy the key" onClose={onClose}>
        <p>Programs send it as a bearer token; the command line takes it from its environment:</p>
        <code className="mt-1 block font-mono text-xs break-all">{`LILAC_SERVER=${shellQuote(location.origin)} LILAC_TOKEN=… lilac_cli whoami`}</code>
      </ShownOnce>
    );
  }
  return (
    <Dialog open onClose={onClose} title="New API key">
      <Form
        error={create.error}
        known={["name", "scopes", "expires_in"]}
        busy={create.isPending}
        action="Make the key"
        disabledReason={scopes.length === 0 ? "It must be good for something." : null}
        onClose={onClose}
        onSubmit={() => create.mutate({ name: name.trim(), scopes, ...(expiry !== "never" && { expires_in: expiry }) })}
      >
        <TextField label="Name" hint="What it is for" autoFocus value={name} error={errors("name")} onChange={(event) => setName(event.target.value)} />
        <Checks
          label="It may"
          hint="Your own role bounds it all the same"
          error={errors("scopes")}
          options={(Object.keys(SCOPES) as Scope[]).map((value) => ({ value, ...SCOPES[value] }))}
          chosen={scopes}
          onChange={setScopes}
        />
        <Choice<Expiry>
          label="Good for"
          value={expiry}
          onChange={setExpiry}
          options={[
            { value: "30d", text: "30 days" },
            { value: "365d", text: "1 year" },
            { value: "never", text: "Ever" },
          ]}
        />
      </Form>
    </Dialog>
  );
}
