/// The way in.
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { login } from "@/api/session";
import { Blossom } from "@/layout/brand";
import { Button } from "@/ui/button";
import { FormError, TextField } from "@/ui/field";

const route = getRouteApi("/login");

export function LoginPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await login(username, password);
      router.history.push(next ?? "/");
    } catch (error) {
      const wrong = error instanceof ApiError && (error.status === 401 || error.status === 422);
      setProblem(wrong ? "Username or password is wrong." : explain(error).detail);
      setBusy(false);
    }
  }

  return (
    <main className="relative flex min-h-dvh items-center justify-center overflow-hidden px-4 py-10">
      <div
        aria-hidden
        className="pointer-events-none absolute -top-56 left-1/2 size-[44rem] -translate-x-1/2 rounded-full bg-accent-soft opacity-80 blur-3xl"
      />
      <div className="relative w-full max-w-sm animate-rise">
        <div className="mb-7 flex flex-col items-center text-center">
          <Blossom size={40} />
          <h1 className="mt-4 text-xl font-semibold tracking-tight">Log in to Lilac</h1>
          <p className="mt-1 text-sm text-ink-soft">Container jobs across your machines.</p>
        </div>
        <form onSubmit={(event) => void submit(event)} className="space-y-4 rounded-2xl border bg-panel p-6 shadow-float">
          {problem && <FormError>{problem}</FormError>}
          <TextField label="Username" name="username" autoComplete="username" autoFocus required value={username} onChange={(event) => setUsername(event.target.value)} />
          <TextField
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button type="submit" look="primary" busy={busy} className="h-9! w-full">
            {busy ? "Logging in…" : "Log in"}
          </Button>
        </form>
        <p className="mt-5 text-center text-xs text-ink-faint">
          First time? The server printed the password of <code className="font-mono">admin</code> when it first started.
        </p>
      </div>
    </main>
  );
}
