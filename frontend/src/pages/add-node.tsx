/// Adding a node: a key, a command to paste on the machine, and a tick when it has arrived.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CheckCircle2 } from "lucide-react";
import { type FormEvent, useState } from "react";

import { explain } from "@/api/errors";
import { queries, useCreateJoinKey } from "@/api/queries";
import type { Node } from "@/api/types";
import { nodeLook } from "@/domain/looks";
import { shellQuote } from "@/lib/format";
import { randomWord } from "@/lib/random";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Choice, FormError, SelectField } from "@/ui/field";
import { StateMark } from "@/ui/state-mark";

const WAITING_MILLIS = 2_000;

export function AddNode({ cluster, onClose }: { cluster?: string; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} wide title="Add a node" description="The machine needs Docker and the two programs lilac_cli and lilac_agent.">
      <JoinSteps cluster={cluster} onClose={onClose} />
    </Dialog>
  );
}

/** The steps by themselves, for pages that lead through them. */
export function JoinSteps({ cluster, onClose }: { cluster?: string | undefined; onClose?: () => void }) {
  const create = useCreateJoinKey();
  // Who was here before is not who is waited for.
  const [known, setKnown] = useState<ReadonlySet<string> | null>(null);
  const waits = create.data && known;
  // Somebody looks on: an event that got lost would leave them waiting.
  const all = useQuery({ ...queries.nodes(), ...(waits && { refetchInterval: WAITING_MILLIS }) }).data?.items;
  if (waits) {
    return <Steps secret={create.data.secret} arrived={all?.filter((node) => !known.has(node.id)) ?? []} onClose={onClose} />;
  }
  return (
    <KeyForm
      cluster={cluster}
      busy={create.isPending || !all}
      error={create.error}
      onCreate={(input) => {
        setKnown(new Set(all?.map((node) => node.id)));
        create.mutate(input);
      }}
    />
  );
}

interface KeyInput {
  cluster: string;
  name: string;
  reusable: boolean;
  expires_in: string;
}

function KeyForm({ cluster: wanted = "", busy, error, onCreate }: { cluster?: string | undefined; busy: boolean; error: Error | null; onCreate: (input: KeyInput) => void }) {
  const clusters = useQuery(queries.clusters());
  const [cluster, setCluster] = useState(wanted);
  const [uses, setUses] = useState<"one" | "many">("one");
  const [expiry, setExpiry] = useState<"1h" | "24h" | "7d">("1h");
  const chosen = cluster || clusters.data?.items[0]?.id || "";

  function submit(event: FormEvent) {
    event.preventDefault();
    onCreate({ cluster: chosen, name: `ui-${randomWord().slice(0, 8)}`, reusable: uses === "many", expires_in: expiry });
  }

  return (
    <form onSubmit={submit} className="space-y-4">
      <SelectField label="Cluster" value={chosen} onChange={(event) => setCluster(event.target.value)}>
        {clusters.data?.items.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </SelectField>
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice
          label="The key is for"
          value={uses}
          onChange={setUses}
          options={[
            { value: "one", text: "One machine" },
            { value: "many", text: "Several" },
          ]}
        />
        <Choice
          label="and good for"
          value={expiry}
          onChange={setExpiry}
          options={[
            { value: "1h", text: "1 hour" },
            { value: "24h", text: "1 day" },
            { value: "7d", text: "1 week" },
          ]}
        />
      </div>
      {error && <FormError>{explain(error).detail}</FormError>}
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={busy} disabledReason={chosen ? null : "There is no cluster to join."}>
          Make a join key
        </Button>
      </div>
    </form>
  );
}

function Steps({ secret, arrived, onClose }: { secret: string; arrived: Node[]; onClose?: (() => void) | undefined }) {
  // The key goes in by a pipe: arguments can be read by everybody on a machine.
  const command =
    `printf %s ${shellQuote(secret)} | lilac_cli agent configure --server ${shellQuote(location.origin)} --join-key-stdin` +
    ` && lilac_cli agent start`;
  return (
    <div className="space-y-5">
      <div>
        <p className="mb-2 text-base">Run this on the machine. The key in it is shown only now.</p>
        <CommandBlock text={command} />
        {location.hostname.match(/^(localhost|127\.|\[::1\])/) && (
          <p className="mt-2 text-xs text-ink-faint">
            The address is this browser’s. For another machine, put in one under which it reaches the server.
          </p>
        )}
      </div>
      <div aria-live="polite" className="rounded-xl border bg-raised px-4 py-3.5">
        {arrived.length === 0 ? (
          <p className="flex items-center gap-3 text-base text-ink-soft">
            <span aria-hidden className="size-4 animate-breathe rounded-full border-2 border-dashed border-accent-solid" />
            Waiting for the node…
          </p>
        ) : (
          <ul className="space-y-2">
            {arrived.map((node) => (
              <li key={node.id} className="flex animate-rise flex-wrap items-center gap-x-3 gap-y-1 text-base">
                <CheckCircle2 size={17} className="text-good" aria-hidden />
                <span className="min-w-0 break-words">
                  <Link to="/nodes/$nodeId" params={{ nodeId: node.id }} className="font-medium hover:text-accent">
                    {node.name}
                  </Link>{" "}
                  has joined
                </span>
                <StateMark look={nodeLook[node.state]} />
              </li>
            ))}
          </ul>
        )}
      </div>
      {onClose && (
        <div className="flex justify-end">
          <Button look={arrived.length > 0 ? "primary" : "plain"} onClick={onClose}>
            {arrived.length > 0 ? "Done" : "Close"}
          </Button>
        </div>
      )}
    </div>
  );
}
