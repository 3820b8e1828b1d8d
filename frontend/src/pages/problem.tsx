/// Pages for what is not there and for what broke.
import { type ErrorComponentProps, Link, useLocation, useRouter } from "@tanstack/react-router";

import { buttonClass } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Broken, Empty } from "@/ui/parts";

export function NotFoundPage() {
  const { pathname } = useLocation();
  return (
    <div className="mx-auto max-w-xl py-12">
      <title>Not found · Lilac</title>
      <h1 className="sr-only">Not found</h1>
      <Empty
        title="There is no such page"
        action={
          <span className="flex flex-wrap justify-center gap-2">
            <Link to="/" className={buttonClass("primary")}>
              Go to the dashboard
            </Link>
            <Link to="/jobs" search={{}} className={buttonClass()}>
              All jobs
            </Link>
          </span>
        }
      >
        <code className="font-mono text-xs break-all">{pathname}</code>
        <span className="mt-1 block">The address may be mistyped, or what it showed is gone. Ctrl K finds every page.</span>
      </Empty>
    </div>
  );
}

/** Where even the frame could not be drawn, as when the server is away. */
export function WholeErrorPage(props: ErrorComponentProps) {
  return (
    <main>
      <ErrorPage {...props} />
    </main>
  );
}

export function ErrorPage({ error }: ErrorComponentProps) {
  const router = useRouter();
  // Whoever is asked for help wants to know where it broke.
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return (
    <div className="mx-auto max-w-xl py-12">
      <title>Error · Lilac</title>
      <h1 className="sr-only">Error</h1>
      <Broken error={error} retry={() => void router.invalidate()} />
      <div className="flex items-center justify-center gap-1 text-sm text-ink-faint">
        Details for whoever looks into it
        <CopyButton text={`${location.href}\n${trace}`} label="Copy the details" />
      </div>
    </div>
  );
}
