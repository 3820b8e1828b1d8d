/// Keys with which programs act as the logged-in user.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries, useCreateApiKey, useRevokeApiKey } from "@/api/queries";
import type { ApiKey } from "@/api/types";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm, Dialog } from "@/ui/dialog";
import { Choice, FormError, TextField } from "@/ui/field";
import { Broken, Card, Empty, PageHead, SkeletonRows, Time } from "@/ui/parts";
import { type Column, Table } from "@/ui/table";

const COLUMNS: Column<ApiKey>[] = [
  { head: "Key", grow: true, cell: (key) => <span className="font-medium">{key.name}</span> },
  { head: "Last used", cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : <span className="text-ink-faint">never</span>) },
  { head: "Made", cell: (key) => <Time at={key.created_at} />, wide: true },
  { head: "Expires", cell: (key) => (key.expires_at ? <Time at={key.expires_at} /> : <span className="text-ink-faint">never</span>) },
  { head: "", cell: (key) => <RevokeButton apiKey={key} />, number: true },
];

export function ApiKeysPage() {
  const keys = useQuery(queries.apiKeys());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="API keys" note="Yours: whoever holds one acts as you.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setCreating(true)}>
          New key
        </Button>
      </PageHead>
      <Card>
        {keys.isPending && <SkeletonRows rows={3} />}
        {keys.isError && !keys.data && <Broken error={keys.error} retry={() => void keys.refetch()} />}
        {keys.data?.items.length === 0 && (
          <Empty title="No key yet" action={<CommandBlock text={`lilac_cli configure --server ${location.origin} && lilac_cli login`} />}>
            Make one for a program, or let the command line make its own:
          </Empty>
        )}
        {keys.data && keys.data.items.length > 0 && <Table label="API keys" columns={COLUMNS} rows={keys.data.items} rowKey={(key) => key.id} />}
      </Card>
      {creating && <CreateKey onClose={() => setCreating(false)} />}
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
  const create = useCreateApiKey();
  const [name, setName] = useState("");
  const [expiry, setExpiry] = useState<Expiry>("30d");
  const fields = create.error instanceof ApiError ? create.error.fields : [];

  function submit(event: FormEvent) {
    event.preventDefault();
    create.mutate({ name: name.trim(), ...(expiry !== "never" && { expires_in: expiry }) });
  }

  if (create.data) {
    return (
      <Dialog open onClose={onClose} title="The key is made" description="Copy it now: it is shown this once, and only its fingerprint is kept.">
        <div className="space-y-4">
          <CommandBlock text={create.data.secret} label="Copy the key" />
          <div className="flex justify-end">
            <Button look="primary" onClick={onClose}>Done</Button>
          </div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog open onClose={onClose} title="New API key">
      <form onSubmit={submit} className="space-y-4" noValidate>
        {create.error && fields.length === 0 && <FormError>{explain(create.error).detail}</FormError>}
        <TextField
          label="Name"
          hint="What it is for"
          autoFocus
          value={name}
          error={fields.find((field) => field.path === "name")?.message}
          onChange={(event) => setName(event.target.value)}
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
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" look="primary" busy={create.isPending}>Make the key</Button>
        </div>
      </form>
    </Dialog>
  );
}
