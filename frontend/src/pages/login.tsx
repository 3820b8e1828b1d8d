/// The way in.
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { queries } from "@/api/queries";
import { currentUser, login, signUp } from "@/api/session";
import { Blossom } from "@/layout/brand";
import { NewPassword } from "@/pages/new-password";
import { sentence } from "@/lib/format";
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

function refusedLogin(error: unknown): string {
  const wrong = error instanceof ApiError && (error.status === 401 || error.status === 422);
  return wrong ? "Username or password is wrong." : explain(error).detail;
}

function refusedAccount(error: unknown): string {
  if (!(error instanceof ApiError) || error.fields.length === 0) return explain(error).detail;
  return error.fields.map((field) => `${sentence(field.path)}: ${field.message}`).join("; ");
}

export function LoginPage() {
  const { next, sso } = route.useSearch();
  const router = useRouter();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(sso ? (refusals[sso] ?? refusals.failed) : "");
  const methods = useQuery(queries.loginMethods).data;
  const [isNew, setIsNew] = useState(false);
  const [mustChange, setMustChange] = useState(currentUser()?.must_change_password ?? false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const user = await (isNew ? signUp : login)(username, password);
      if (user.must_change_password) {
        setMustChange(true);
        return;
      }
      router.history.push(next ?? "/");
    } catch (error) {
      setProblem(isNew ? refusedAccount(error) : refusedLogin(error));
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
          <title>Log in · Lilac</title>
          <h1 className="mt-4 text-xl font-semibold tracking-tight">{isNew ? "A new account" : "Log in to Lilac"}</h1>
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
              autoComplete={isNew ? "new-password" : "current-password"}
              {...(isNew && { hint: "At least 10 characters" })}
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
            <Button type="submit" look="primary" busy={busy} className="h-9! w-full">
              {isNew ? "Make the account" : busy ? "Logging in…" : "Log in"}
            </Button>
            {methods?.sso && (
              <>
                <p aria-hidden className="flex items-center gap-3 text-xs text-ink-faint before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
                  or
                </p>
                <a
                  href={`${methods.sso.url}?next=${encodeURIComponent(next ?? "/")}`}
                  className={`${buttonClass()} h-9! w-full`}
                >
                  <span className="min-w-0 truncate">Log in with {methods.sso.name}</span>
                </a>
              </>
            )}
          </form>
        )}
        {methods?.sign_up && !mustChange && (
          <p className="mt-5 text-center text-sm text-ink-soft">
            {isNew ? "You have an account? " : "No account yet? "}
            <button
              type="button"
              className="text-accent hover:underline"
              onClick={() => {
                setIsNew(!isNew);
                setProblem("");
              }}
            >
              {isNew ? "Log in" : "Make one"}
            </button>
          </p>
        )}
        <p className="mt-5 text-center text-xs text-ink-faint">
          First time? The server printed the password of <code className="font-mono">admin</code> when it first started.
        </p>
      </div>
    </main>
  );
}
