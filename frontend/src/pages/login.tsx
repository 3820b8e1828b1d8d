/// The way in.
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries } from "@/api/queries";
import { currentUser, login } from "@/api/session";
import { Blossom } from "@/layout/brand";
import { NewPassword } from "@/pages/new-password";
import { Button, buttonClass } from "@/ui/button";
import { FormError, TextField } from "@/ui/field";

const route = getRouteApi("/login");

/** Why a login by single sign-on came back without one. */
const refusals: Record<string, string> = {
  expired: "The login took too long, or began in another window. Try again.",
  denied: "The login was broken off.",
  failed: "The login could not be checked. Try again, or ask your administrator.",
  unknown: "You have no account here. Ask your administrator.",
  taken: "Your name belongs to another account here. Ask your administrator.",
  disabled: "Your account is disabled.",
  "no-role": "You may not use this server. Ask your administrator.",
};

export function LoginPage() {
  const { next, sso } = route.useSearch();
  const router = useRouter();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(sso ? (refusals[sso] ?? refusals.failed) : "");
  const methods = useQuery(queries.loginMethods).data;
  const [mustChange, setMustChange] = useState(currentUser()?.must_change_password ?? false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const user = await login(username, password);
      if (user.must_change_password) {
        setMustChange(true);
        return;
      }
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
        {mustChange ? (
          <NewPassword current={password} onDone={() => router.history.push(next ?? "/")} />
        ) : (
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
            {methods?.sso && (
              <a
                href={`${methods.sso.url}?next=${encodeURIComponent(next ?? "/")}`}
                className={`${buttonClass()} h-9! w-full`}
              >
                Log in with {methods.sso.name}
              </a>
            )}
          </form>
        )}
        <p className="mt-5 text-center text-xs text-ink-faint">
          First time? The server printed the password of <code className="font-mono">admin</code> when it first started.
        </p>
      </div>
    </main>
  );
}
