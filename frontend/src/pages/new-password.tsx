/// Who logged in with a password that somebody else knows chooses another before anything else.
import { type FormEvent, useState } from "react";

import { explain } from "@/api/errors";
import { changePassword } from "@/api/session";
import { Button } from "@/ui/button";
import { FormError, TextField } from "@/ui/field";

export function NewPassword({ current, onDone }: { current: string; onDone: () => void }) {
  // After a reload the page does not know it any more.
  const [before, setBefore] = useState(current);
  const [wanted, setWanted] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await changePassword(before, wanted);
      onDone();
    } catch (error) {
      setProblem(explain(error).detail);
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4 rounded-2xl border bg-panel p-6 shadow-float">
      <p className="text-sm text-ink-soft">This password was given to you. Choose your own.</p>
      {problem && <FormError>{problem}</FormError>}
      {!current && (
        <TextField label="Current password" name="current-password" type="password" autoComplete="current-password" required value={before} onChange={(event) => setBefore(event.target.value)} />
      )}
      <TextField label="New password" name="new-password" type="password" autoComplete="new-password" required minLength={10} value={wanted} onChange={(event) => setWanted(event.target.value)} />
      <Button type="submit" look="primary" busy={busy} className="h-9! w-full">
        Change password
      </Button>
    </form>
  );
}
