/// Who is logged in. The access token lives in memory only; what outlives the page is the refresh token,
/// a cookie that no script can read.
import createClient from "openapi-fetch";

import { refusal, Unreachable } from "./errors";
import type { paths } from "./schema.gen";
import type { LoginMethods, LoginResponse, User } from "./types";

interface Session {
  token: string;
  expiresAt: number;
  user: User;
}

/** A token this near its end is renewed first, so that no request starts with one and arrives without. */
const RENEW_BEFORE_MILLIS = 30_000;
/** The refresh cookie goes with every request to the site, so a header proves that the page itself asks. */
const CSRF_HEADERS = { "x-lilac-csrf": "1" };

const http = createClient<paths>({ baseUrl: "" });
let session: Session | null = null;
let renewal: Promise<Session | null> | null = null;
let onEnd: () => void = () => {};

export function currentUser(): User | null {
  return session?.user ?? null;
}

/** Called when the server no longer takes this session's cookie. */
export function whenSessionEnds(listener: () => void) {
  onEnd = listener;
}

function begin(answer: LoginResponse): Session {
  session = {
    token: answer.access_token,
    expiresAt: Date.now() + answer.expires_in_secs * 1000,
    user: answer.user,
  };
  return session;
}

export async function login(username: string, password: string): Promise<User> {
  const answer = await http.POST("/api/v1/auth/login", { body: { username, password } }).catch(unreachable);
  if (!answer.data) throw refusal(answer.response, answer.error);
  return begin(answer.data).user;
}

/** Makes an account, where the server lets anyone, and logs in with it. */
export async function signUp(username: string, password: string): Promise<User> {
  const answer = await http.POST("/api/v1/auth/sign-up", { body: { username, password } }).catch(unreachable);
  if (!answer.data) throw refusal(answer.response, answer.error);
  return login(username, password);
}

/** Changes the password; the answer is a fresh login, as all others end. */
export async function changePassword(current: string, wanted: string): Promise<User> {
  const headers = { authorization: `Bearer ${(await accessToken()) ?? ""}` };
  const body = { current_password: current, new_password: wanted };
  const answer = await http.POST("/api/v1/auth/password", { headers, body }).catch(unreachable);
  if (!answer.data) throw refusal(answer.response, answer.error);
  return begin(answer.data).user;
}

/** What the login page offers besides name and password. */
export async function loginMethods(): Promise<LoginMethods> {
  const answer = await http.GET("/api/v1/auth/methods").catch(unreachable);
  if (!answer.data) throw refusal(answer.response, answer.error);
  return answer.data;
}

export async function logout(): Promise<void> {
  const headers = { ...CSRF_HEADERS, authorization: `Bearer ${session?.token ?? ""}` };
  session = null;
  await http.POST("/api/v1/auth/logout", { headers }).catch(unreachable);
}

/** The session, renewed when it is about to end; null when nobody is logged in. */
export async function restoreSession(): Promise<User | null> {
  return (await valid())?.user ?? null;
}

/** The access token for a request. */
export async function accessToken(): Promise<string | null> {
  return (await valid())?.token ?? null;
}

/** The server refused the token: renew it, whatever its age. */
export async function renewToken(): Promise<string | null> {
  session = session && { ...session, expiresAt: 0 };
  return accessToken();
}

async function valid(): Promise<Session | null> {
  if (session && session.expiresAt - Date.now() > RENEW_BEFORE_MILLIS) return session;
  // All who wait share one renewal: each one spends the cookie's token and sets the next.
  renewal ??= exclusively(renew).finally(() => {
    renewal = null;
  });
  return renewal;
}

/** Two tabs share the cookie, so only one of them may renew at a time. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  // Browsers offer locks on https and on loopback only.
  return "locks" in navigator ? navigator.locks.request("lilac-renew", work) : work();
}

async function renew(): Promise<Session | null> {
  const hadOne = session !== null;
  // By hand, because the generated client would want the cookie from the caller; the browser adds it.
  const response = await fetch("/api/v1/auth/refresh", { method: "POST", headers: CSRF_HEADERS }).catch(unreachable);
  if (response.ok) return begin((await response.json()) as LoginResponse);
  if (response.status !== 401 && response.status !== 403) {
    throw refusal(response, await response.json().catch(() => null));
  }
  session = null;
  if (hadOne) onEnd();
  return null;
}

function unreachable(): never {
  throw new Unreachable();
}
